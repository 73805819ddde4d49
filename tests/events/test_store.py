"""Appending, reading and removing events."""

import threading

import pytest

from bitrecall.events.event import FORGET, HIDE, Appended, Event
from bitrecall.events.store import EventStore
from tests.events.store_events import event, items_of

pytestmark = pytest.mark.slow


def test_reads_events_in_the_order_of_appending(store: EventStore) -> None:
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


def test_a_new_database_is_empty(store: EventStore) -> None:
    assert (store.last_sequence(), store.after(0), list(store.all_after(0))) == (0, [], [])
    assert store.append([]) == Appended(0, 0)


def test_stores_a_repeated_event_id_once(store: EventStore) -> None:
    first, repeated = event(item="a", event_id="1"), event(item="b", event_id="1")
    assert store.append([first, repeated]) == Appended(1, 1)
    assert store.append([repeated, event(item="d", event_id="2")]) == Appended(1, 1)
    assert store.append([event(item="e"), event(item="e")]) == Appended(2, 0)
    assert items_of(store) == ["a", "d", "e", "e"]


def test_counts_each_group_of_one_transaction(store: EventStore) -> None:
    store.append([event(event_id="old")])
    groups = [
        [event(item="a", event_id="1"), event(item="b")],
        [],
        [event(item="c", event_id="1"), event(item="d", event_id="old"), event(item="e")],
    ]
    expected = [Appended(2, 0), Appended(0, 0), Appended(1, 2)]
    assert store.append_all(groups) == expected
    assert items_of(store) == ["i", "a", "b", "e"]


def test_stores_more_events_than_fit_into_a_statement(store: EventStore) -> None:
    assert store.append([event(item=str(number)) for number in range(2500)]) == Appended(2500, 0)
    assert items_of(store) == [str(number) for number in range(2500)]


def test_events_stay_after_closing(url: str) -> None:
    for item in ("a", "b"):
        store = EventStore(url)
        store.append([event(item=item)])
        store.close()
    store = EventStore(url, create=False)
    assert items_of(store) == ["a", "b"]
    store.close()


def test_forgetting_a_user_leaves_only_a_marker(store: EventStore) -> None:
    store.append([event("a", "1"), event("b", "2"), event("a", "3")])
    before = store.last_sequence()
    assert store.forget("a") == 2
    kept, marker = store.after(0)
    assert (kept.user_id, kept.item_id) == ("b", "2")
    assert (marker.user_id, marker.item_id, marker.type) == ("a", "", FORGET)
    assert marker.sequence > before
    assert store.forget("a") == 0
    assert store.forget("nobody") == 0
    store.append([event("a", "4")])
    assert [stored.item_id for stored in store.after(before) if stored.user_id == "a"] == ["", "4"]


def test_reads_hide_events_up_to_a_sequence_number(store: EventStore) -> None:
    hidden = [Event("a", item, HIDE, 1.5) for item in ("1", "2", "3")]
    store.append([event("a", "0"), hidden[0], event("b", "1"), hidden[1]])
    last = store.last_sequence()
    store.append([hidden[2]])
    assert [(hide.user_id, hide.item_id) for hide in store.hide_events(last)] == [
        ("a", "1"),
        ("a", "2"),
    ]
    assert store.hide_events(0) == []
    store.forget("a")
    assert store.hide_events(store.last_sequence()) == []


def test_removes_a_range_of_events_but_no_forget_marker(store: EventStore) -> None:
    store.append([event(item=str(number)) for number in range(6)])
    numbers = [stored.sequence for stored in store.after(0)]
    store.forget("nobody")
    assert (
        store.count_range(numbers[1], numbers[3]) == store.remove_range(numbers[1], numbers[3]) == 2
    )
    assert items_of(store) == ["0", "1", "4", "5", ""]
    assert store.remove_range(0, store.last_sequence()) == 4
    assert [stored.type for stored in store.after(0)] == [FORGET]
    assert store.count_range(0, store.last_sequence()) == 0


def test_events_of_concurrent_writers_become_visible_in_order(url: str, store: EventStore) -> None:
    """A reader that resumes after its last sequence number misses no event."""
    writers = 6
    started, seen = threading.Barrier(writers + 1), []

    def write(writer: int) -> None:
        writing = EventStore(url)
        started.wait()
        for number in range(10):
            writing.append([event(f"{writer}", f"{number}"), event(f"{writer}", f"{number}")])
        writing.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    started.wait()
    last = 0
    while len(seen) < writers * 20:
        is_writing = any(thread.is_alive() for thread in threads)
        # A busy reader would starve the writers until they time out.
        threads[0].join(0.001)
        page = store.after(last)
        assert is_writing or page, "a writer has timed out"
        for stored in page:
            seen.append(stored)
            last = stored.sequence
    for thread in threads:
        thread.join()
    assert seen == list(store.all_after(0))
    for writer in range(writers):
        items = [stored.item_id for stored in seen if stored.user_id == str(writer)]
        assert items == [str(number) for number in range(10) for _ in range(2)]
