import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from bitrecall.events.engine import make_engine
from bitrecall.events.errors import EventsError, EventsSchemaError, EventsUnavailableError
from bitrecall.events.event import FORGET, HIDE, Appended, Event
from bitrecall.events.store import EventStore

pytestmark = pytest.mark.slow


def event(user: str = "u", item: str = "i", event_id: str | None = None) -> Event:
    return Event(user, item, "view", 1.5, event_id)


def items_of(store: EventStore) -> list[str]:
    return [one.item_id for one in store.all_after(0)]


def test_what_is_appended_comes_back_in_order(store: EventStore) -> None:
    odd = Event("Ωμέγα 🛶", "a'b\"; DROP TABLE events; --", "buy", 1_700_000_000.123456)
    assert store.append([odd, event(), event()]) == Appended(3, 0)
    first, second, third = store.after(0)
    assert (first.user_id, first.item_id, first.type, first.at) == (
        odd.user_id,
        odd.item_id,
        "buy",
        odd.at,
    )
    assert first.sequence < second.sequence < third.sequence == store.last_sequence()
    assert store.after(first.sequence) == [second, third]
    assert store.after(0, limit=1) == [first]
    assert store.after(third.sequence) == []


def test_nothing_is_there_to_begin_with(store: EventStore) -> None:
    assert (store.last_sequence(), store.after(0), list(store.all_after(0))) == (0, [], [])
    assert store.append([]) == Appended(0, 0)


def test_the_same_id_twice_counts_once(store: EventStore) -> None:
    one, again = event(item="a", event_id="1"), event(item="b", event_id="1")
    assert store.append([one, again]) == Appended(1, 1)
    assert store.append([again, event(item="d", event_id="2")]) == Appended(1, 1)
    assert store.append([event(item="e"), event(item="e")]) == Appended(2, 0)
    assert items_of(store) == ["a", "d", "e", "e"]


def test_groups_become_durable_together_and_are_told_apart(store: EventStore) -> None:
    store.append([event(event_id="old")])
    groups = [
        [event(item="a", event_id="1"), event(item="b")],
        [],
        [event(item="c", event_id="1"), event(item="d", event_id="old"), event(item="e")],
    ]
    expected = [Appended(2, 0), Appended(0, 0), Appended(1, 2)]
    assert store.append_all(groups) == expected
    assert items_of(store) == ["i", "a", "b", "e"]


def test_more_than_a_statement_takes_is_one_transaction(store: EventStore) -> None:
    assert store.append([event(item=str(number)) for number in range(2500)]) == Appended(2500, 0)
    assert items_of(store) == [str(number) for number in range(2500)]


def test_it_is_all_there_when_it_is_opened_again(url: str) -> None:
    for item in ("a", "b"):
        store = EventStore(url)
        store.append([event(item=item)])
        store.close()
    store = EventStore(url, create=False)
    assert items_of(store) == ["a", "b"]
    store.close()


def test_whoever_is_forgotten_leaves_a_mark_and_nothing_else(store: EventStore) -> None:
    store.append([event("a", "1"), event("b", "2"), event("a", "3")])
    before = store.last_sequence()
    assert store.forget("a") == 2
    kept, mark = store.after(0)
    assert (kept.user_id, kept.item_id) == ("b", "2")
    assert (mark.user_id, mark.item_id, mark.type) == ("a", "", FORGET)
    assert mark.sequence > before
    assert store.forget("a") == 0
    assert store.forget("nobody") == 0
    store.append([event("a", "4")])
    assert [one.item_id for one in store.after(before) if one.user_id == "a"] == ["", "4"]


def test_what_was_hidden_up_to_a_point_is_told_apart(store: EventStore) -> None:
    hidden = [Event("a", item, HIDE, 1.5) for item in ("1", "2", "3")]
    store.append([event("a", "0"), hidden[0], event("b", "1"), hidden[1]])
    last = store.last_sequence()
    store.append([hidden[2]])
    assert [(one.user_id, one.item_id) for one in store.hide_events(last)] == [
        ("a", "1"),
        ("a", "2"),
    ]
    assert store.hide_events(0) == []
    store.forget("a")
    assert store.hide_events(store.last_sequence()) == []


def test_a_range_of_events_can_be_removed(store: EventStore) -> None:
    store.append([event(item=str(number)) for number in range(6)])
    numbers = [one.sequence for one in store.after(0)]
    store.forget("nobody")
    assert (
        store.count_range(numbers[1], numbers[3]) == store.remove_range(numbers[1], numbers[3]) == 2
    )
    assert items_of(store) == ["0", "1", "4", "5", ""]
    assert store.remove_range(0, store.last_sequence()) == 4
    assert [one.type for one in store.after(0)] == [FORGET]
    assert store.count_range(0, store.last_sequence()) == 0


def test_numbers_become_visible_in_order_however_many_write(url: str, store: EventStore) -> None:
    """A reader that goes on after the last number it saw misses nothing."""
    writers = 6
    begun, seen = threading.Barrier(writers + 1), []

    def write(writer: int) -> None:
        own = EventStore(url)
        begun.wait()
        for number in range(10):
            own.append([event(f"{writer}", f"{number}"), event(f"{writer}", f"{number}")])
        own.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    begun.wait()
    last = 0
    while len(seen) < writers * 20:
        at_work = any(thread.is_alive() for thread in threads)
        # A reader that never rests keeps the interpreter from the writers until they give up.
        threads[0].join(0.001)
        found = store.after(last)
        assert at_work or found, "a writer has given up"
        for one in found:
            seen.append(one)
            last = one.sequence
    for thread in threads:
        thread.join()
    assert seen == list(store.all_after(0))
    for writer in range(writers):
        own = [one.item_id for one in seen if one.user_id == str(writer)]
        assert own == [str(number) for number in range(10) for _ in range(2)]


def test_stores_opened_at_once_make_the_tables_once(url: str) -> None:
    failures: list[Exception] = []

    def open_one() -> None:
        store = EventStore(url)
        try:
            store.open()
            store.append([event()])
        except Exception as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=open_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = EventStore(url)
    assert len(store.after(0)) == 6
    store.close()


def test_a_database_without_the_tables_is_refused_where_they_are_not_to_be_made(url: str) -> None:
    store = EventStore(url, create=False)
    with pytest.raises(EventsSchemaError, match=r"events migrate"):
        store.append([event()])
    store.close()


def test_a_database_that_is_only_to_be_read_is_not_made(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path}/events.db", create=False)
    with pytest.raises(
        EventsSchemaError, match=rf"events database not found: {tmp_path}/events\.db"
    ):
        store.last_sequence()
    store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "invalid events URL: expected sqlite"),
        ("", "invalid events URL"),
        ("postgresql://host:port/x", "invalid events URL"),
        ("mysql://localhost/x", "not 'mysql'"),
    ],
)
def test_a_url_of_something_else_is_refused(url: str, said: str) -> None:
    with pytest.raises(EventsError, match=said):
        EventStore(url)


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all/events.db", "postgresql://me:secret@127.0.0.1:1/x"],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.open(),
        lambda store: store.append([event()]),
        lambda store: store.after(0),
        lambda store: store.forget("a"),
    ],
)
def test_a_database_that_is_not_there_is_said_without_its_password(
    url: str, ask: Callable[[EventStore], object]
) -> None:
    store = EventStore(url)
    with pytest.raises(EventsUnavailableError) as caught:
        ask(store)
    assert "events database at " in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    store.close()


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(" s3cret/ü@\n")
    engine = make_engine(f"postgresql://somebody@127.0.0.1/events?password_file={path}")
    assert (engine.url.password, dict(engine.url.query)) == ("s3cret/ü@", {})
    with pytest.raises(EventsError, match=r"password file of the events database.*missing"):
        make_engine(f"postgresql://somebody@127.0.0.1/events?password_file={tmp_path}/missing")


def test_closing_waits_for_what_is_being_done(url: str) -> None:
    store = EventStore(url)
    store.open()
    reading, closed = threading.Event(), []

    def read_slowly() -> None:
        with store.database.engine.connect() as connection:
            connection.execute(select(1))
            reading.set()
            while not closing.is_alive():
                pass
            closed.append(False)

    def close() -> None:
        store.close()
        closed.append(True)

    thread, closing = threading.Thread(target=read_slowly), threading.Thread(target=close)
    thread.start()
    reading.wait()
    closing.start()
    thread.join()
    closing.join()
    assert closed == [False, True]
