"""Log ids and positions: where to resume in the same database, a copy or another one."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bitrecall.events.engine import make_engine
from bitrecall.events.event import Event
from bitrecall.events.position import LogPosition, ReadingStart, digest_of
from bitrecall.events.store import EventStore

pytestmark = pytest.mark.slow


def append(store: EventStore, *items: str) -> None:
    store.append([Event("u", item, "view", 1.5) for item in items])


def position_of(store: EventStore) -> LogPosition:
    """Return the position of a release that was trained on all events."""
    (last,) = store.after(store.last_sequence() - 1)
    return LogPosition(store.state().log_id, last.sequence, digest_of(last))


def execute(url: str, statement: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_each_database_has_a_permanent_id(url: str, store: EventStore, tmp_path: Path) -> None:
    reopened = EventStore(url)
    assert reopened.state().log_id == store.state().log_id != ""
    reopened.close()
    other = EventStore(f"sqlite:///{tmp_path}/other.db")
    assert other.state().log_id != store.state().log_id
    other.close()


def test_resumes_after_a_position_of_this_database(store: EventStore) -> None:
    append(store, "a", "b", "c")
    position = position_of(store)
    append(store, "d")
    start = store.start_after(position)
    assert start == ReadingStart(store.state().log_id, position.sequence)
    assert [stored.item_id for stored in store.after(start.after)] == ["d"]


def test_resumes_after_a_removed_event(store: EventStore) -> None:
    append(store, "a", "b", "c")
    position = position_of(store)
    store.remove_range(1, 3)
    assert store.start_after(position).reason is None
    append(store, "d")
    start = store.start_after(position)
    assert [stored.item_id for stored in store.after(start.after)] == ["d"]


def test_a_position_before_all_events_is_valid_in_any_database(store: EventStore) -> None:
    append(store, "a")
    for position in (LogPosition(), LogPosition("another")):
        assert store.start_after(position) == ReadingStart(store.state().log_id, 0)


def test_reads_another_database_from_the_start(store: EventStore, tmp_path: Path) -> None:
    append(store, "a", "b")
    other = EventStore(f"sqlite:///{tmp_path}/other.db")
    append(other, *"abcdefg")
    before = store.state()
    start = store.start_after(position_of(other))
    other.close()
    assert (start.log_id, start.after) == (before.log_id, 0)
    assert "trained up to event 7 of another events database" in (start.reason or "")
    assert store.state() == before


def test_reads_an_older_copy_from_the_start(url: str, store: EventStore) -> None:
    """Its new events reuse sequence numbers that the release was trained on."""
    append(store, "a", "b", "c", "d")
    position = position_of(store)
    before = store.state().log_id
    execute(url, "DELETE FROM events WHERE sequence > 2")
    reset_counter = (
        "UPDATE sqlite_sequence SET seq = 2"
        if url.startswith("sqlite")
        else "SELECT setval('events_sequence_seq', 2)"
    )
    execute(url, reset_counter)
    start = store.start_after(position)
    assert (start.after, start.log_id == before) == (0, False)
    assert "the last event of this database has number 2: it is an older copy" in str(start.reason)
    append(store, *"123456")
    later = store.start_after(position)
    assert (later.after, later.log_id) == (0, start.log_id)
    assert "another events database" in str(later.reason)


def test_detects_a_reused_sequence_number(url: str, store: EventStore) -> None:
    append(store, "a", "b", "c")
    position = position_of(store)
    execute(url, "UPDATE events SET item_id = 'other' WHERE sequence = 3")
    append(store, "d")
    start = store.start_after(position)
    assert (start.after, start.log_id == position.log_id) == (0, False)
    assert "event 3 is not the one that the release was trained on" in str(start.reason)


def test_several_readers_agree_on_the_new_id(url: str, store: EventStore) -> None:
    append(store, "a", "b")
    position = replace(position_of(store), digest="0" * 16)
    other = EventStore(url)
    stale = other.start_after(position)
    assert store.start_after(position).log_id == stale.log_id == store.state().log_id
    other.close()


def test_creates_a_new_id_if_its_table_is_empty(url: str, store: EventStore) -> None:
    append(store, "a")
    position = position_of(store)
    execute(url, "DELETE FROM event_log")
    start = store.start_after(position)
    assert start.log_id == store.state().log_id != ""
    assert start.after == 0


@pytest.mark.parametrize(
    "change", [{"user_id": "v"}, {"item_id": "ü"}, {"type": "buy"}, {"at": 1.25}, {"sequence": 2}]
)
def test_the_digest_depends_on_every_field_of_an_event(store: EventStore, change: dict) -> None:  # type: ignore[type-arg]
    append(store, "a")
    (event,) = store.after(0)
    assert len(digest_of(event)) == 16
    assert digest_of(event._replace(**change)) != digest_of(event)


def test_sequence_numbers_continue_after_rows_restored_without_the_counter(url: str) -> None:
    first = EventStore(url)
    append(first, "a")
    first.close()
    execute(
        url,
        "INSERT INTO events (sequence, user_id, item_id, type, at) "
        "VALUES (2, 'u', 'b', 'view', 0), (3, 'u', 'c', 'view', 0)",
    )
    store = EventStore(url)
    append(store, "d")
    assert [(stored.sequence, stored.item_id) for stored in store.after(2)] == [(3, "c"), (4, "d")]
    store.close()
