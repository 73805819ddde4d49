"""A database file that is removed, moved or replaced while it is open."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from bitrecall.events.engine import make_engine, write_transaction
from bitrecall.events.errors import EventsError, EventsSchemaError, EventsUnavailableError
from bitrecall.events.store import EventStore
from bitrecall.events.tables import EVENTS
from tests.tools.event_files import append, items_in, other_database

pytestmark = pytest.mark.slow


@pytest.fixture
def store(path: Path):  # type: ignore[no-untyped-def]
    store = EventStore(f"sqlite:///{path}")
    append(store, "first")
    yield store
    store.close()


def test_rejects_events_while_the_file_is_removed(store: EventStore, path: Path) -> None:
    kept = path.with_name("kept.db")
    for file in path.parent.iterdir():
        shutil.copy(file, file.with_name(file.name.replace("events", "kept")))
    for file in path.parent.glob("events.db*"):
        file.unlink()
    for _ in range(3):
        with pytest.raises(EventsUnavailableError, match=r"events\.db was removed or moved"):
            append(store, "lost")
        with pytest.raises(EventsUnavailableError, match="was removed"):
            store.after(0)
    assert not path.exists()
    for file in path.parent.glob("kept.db*"):
        file.rename(file.with_name(file.name.replace("kept", "events")))
    assert not kept.exists()
    append(store, "second")
    assert items_in(path) == ["first", "second"]


def test_rejects_events_while_the_folder_is_moved(store: EventStore, path: Path) -> None:
    moved = path.parent.rename(path.parent.with_name("moved"))
    with pytest.raises(EventsUnavailableError, match="was removed or moved"):
        append(store, "lost")
    assert items_in(moved / "events.db") == ["first"]
    moved.rename(path.parent)
    append(store, "second")
    assert items_in(path) == ["first", "second"]


def test_writes_to_the_file_that_replaced_the_database(store: EventStore, path: Path) -> None:
    before = store.state().log_id
    other_database(path).replace(path)
    append(store, "second")
    assert items_in(path) == ["other", "second"]
    assert [event.item_id for event in store.after(0)] == ["other", "second"]
    assert store.state().log_id != before


def test_follows_a_link_whose_target_changed(tmp_path: Path) -> None:
    link, first = tmp_path / "link.db", tmp_path / "events.db"
    link.symlink_to(first)
    store = EventStore(f"sqlite:///{link}")
    append(store, "first")
    second = other_database(first)
    link.unlink()
    link.symlink_to(second)
    append(store, "second")
    assert items_in(second) == ["other", "second"]
    assert items_in(first) == ["first"]
    store.close()


@pytest.mark.parametrize("change", ["removed", "replaced", "wal removed", "shm removed"])
def test_does_not_acknowledge_a_commit_if_the_file_changes_during_it(
    store: EventStore, path: Path, change: str
) -> None:
    engine = make_engine(f"sqlite:///{path}")

    def write() -> None:
        with write_transaction(engine) as connection:
            event = {"user_id": "u", "item_id": "between", "type": "view", "at": 1.5}
            connection.execute(EVENTS.insert().values(event))
            match change:
                case "removed":
                    path.unlink()
                case "replaced":
                    other_database(path).replace(path)
                case "wal removed":
                    path.with_name("events.db-wal").unlink()
                case _:
                    path.with_name("events.db-shm").unlink()

    with pytest.raises(EventsUnavailableError, match=r"events\.db.* was (removed|replaced)"):
        write()
    engine.dispose()


@pytest.mark.parametrize("side", ["-wal", "-shm"])
def test_rejects_events_until_the_next_start_if_the_log_is_removed(
    store: EventStore, path: Path, side: str
) -> None:
    """Other processes may still have it open, with a log that this process does not know."""
    append(store, "second")
    path.with_name(path.name + side).unlink()
    for _ in range(3):
        with pytest.raises(EventsUnavailableError, match=rf"events\.db{side} was removed.*start"):
            append(store, "lost")
        with pytest.raises(EventsUnavailableError, match=rf"events\.db{side} was removed"):
            store.after(0)
    # The content of the log is in the database by now.
    copy = path.parent.parent / "copy.db"
    shutil.copy(path, copy)
    assert items_in(copy) == ["first", "second"]
    store.close()
    reopened = EventStore(f"sqlite:///{path}")
    append(reopened, "third")
    reopened.close()
    assert items_in(path) == ["first", "second", "third"]


def test_closing_keeps_the_log_of_the_file_that_replaced_the_database(
    store: EventStore, path: Path
) -> None:
    """SQLite removes logs by their names."""
    other_database(path).replace(path)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("DELETE FROM events")
        connection.commit()
        store.close()
        assert path.with_name(path.name + "-wal").stat().st_size > 0


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_does_not_change_a_file_that_is_not_an_events_database(
    store: EventStore, path: Path, content: bytes
) -> None:
    """It may be a database that is still being copied."""
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(EventsError):
        append(store, "lost")
    assert path.read_bytes() == content
    other_database(path).replace(path)
    append(store, "second")
    assert items_in(path) == ["other", "second"]


def test_does_not_create_tables_in_another_database(store: EventStore, path: Path) -> None:
    empty = path.with_name("empty.db")
    with contextlib.closing(sqlite3.connect(empty)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    empty.replace(path)
    with pytest.raises(EventsSchemaError, match="events migrate"):
        append(store, "lost")
