"""A database file that is removed, moved or replaced while it is open."""

import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from events.database import engine_of, writing
from events.errors import EventsError, EventsSchemaError, EventsUnavailableError
from events.event import Event
from events.sqlite_file import shared_file_system
from events.store import EventStore
from events.tables import EVENTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / "events.db"


@pytest.fixture
def store(path: Path):  # type: ignore[no-untyped-def]
    made = EventStore(f"sqlite:///{path}")
    append(made, "first")
    yield made
    made.close()


def append(store: EventStore, item: str) -> None:
    store.append([Event("u", item, "view", 1.5)])


def items_in(path: Path) -> list[str]:
    """What another process finds in the file of the name."""
    code = (
        "import sqlite3, sys\n"
        "for row in sqlite3.connect(sys.argv[1]).execute("
        "'SELECT item_id FROM events ORDER BY sequence'): print(row[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def another(path: Path, *items: str) -> Path:
    """A database of its own beside that of a path."""
    made = path.with_name("another.db")
    store = EventStore(f"sqlite:///{made}")
    for item in ("other", *items):
        append(store, item)
    store.close()
    return made


def test_nothing_is_written_to_a_file_that_was_removed(store: EventStore, path: Path) -> None:
    kept = path.with_name("kept.db")
    for file in path.parent.iterdir():
        shutil.copy(file, file.with_name(file.name.replace("events", "kept")))
    for file in path.parent.glob("events.db*"):
        file.unlink()
    for _ in range(3):
        with pytest.raises(EventsUnavailableError, match=r"events\.db was removed or moved away"):
            append(store, "lost")
        with pytest.raises(EventsUnavailableError, match="was removed"):
            store.after(0)
    assert not path.exists()
    for file in path.parent.glob("kept.db*"):
        file.rename(file.with_name(file.name.replace("kept", "events")))
    assert not kept.exists()
    append(store, "second")
    assert items_in(path) == ["first", "second"]


def test_a_moved_folder_takes_its_events_along(store: EventStore, path: Path) -> None:
    moved = path.parent.rename(path.parent.with_name("moved"))
    with pytest.raises(EventsUnavailableError, match="was removed or moved away"):
        append(store, "lost")
    assert items_in(moved / "events.db") == ["first"]
    moved.rename(path.parent)
    append(store, "second")
    assert items_in(path) == ["first", "second"]


def test_events_go_to_the_file_that_took_the_place(store: EventStore, path: Path) -> None:
    before = store.state().log_id
    another(path).replace(path)
    append(store, "second")
    assert items_in(path) == ["other", "second"]
    assert [one.item_id for one in store.after(0)] == ["other", "second"]
    assert store.state().log_id != before


def test_a_link_that_leads_elsewhere_is_followed(tmp_path: Path) -> None:
    link, first = tmp_path / "link.db", tmp_path / "events.db"
    link.symlink_to(first)
    store = EventStore(f"sqlite:///{link}")
    append(store, "first")
    second = another(first)
    link.unlink()
    link.symlink_to(second)
    append(store, "second")
    assert items_in(second) == ["other", "second"]
    assert items_in(first) == ["first"]
    store.close()


@pytest.mark.parametrize("how", ["removed", "replaced", "wal removed", "shm removed"])
def test_a_commit_beside_which_it_goes_is_not_acknowledged(
    store: EventStore, path: Path, how: str
) -> None:
    engine = engine_of(f"sqlite:///{path}")

    def write() -> None:
        with writing(engine) as connection:
            event = {"user_id": "u", "item_id": "between", "type": "view", "at": 1.5}
            connection.execute(EVENTS.insert().values(event))
            match how:
                case "removed":
                    path.unlink()
                case "replaced":
                    another(path).replace(path)
                case "wal removed":
                    path.with_name("events.db-wal").unlink()
                case _:
                    path.with_name("events.db-shm").unlink()

    with pytest.raises(EventsUnavailableError, match=r"events\.db.* was (removed|replaced)"):
        write()
    engine.dispose()


@pytest.mark.parametrize("side", ["-wal", "-shm"])
def test_a_log_that_lost_its_name_is_written_into_the_database(
    store: EventStore, path: Path, side: str
) -> None:
    append(store, "second")
    path.with_name(path.name + side).unlink()
    append(store, "third")
    # What is in the named files counts, without whoever has them open.
    copy = path.parent.parent / "copy"
    shutil.copytree(path.parent, copy)
    assert items_in(copy / "events.db") == ["first", "second", "third"]


def test_closing_leaves_the_log_of_the_file_that_took_the_place(
    store: EventStore, path: Path
) -> None:
    """SQLite removes logs by their names."""
    another(path).replace(path)
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
def test_a_file_that_is_no_database_of_events_is_left_alone(
    store: EventStore, path: Path, content: bytes
) -> None:
    """As one that is being copied to its place."""
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(EventsError):
        append(store, "lost")
    assert path.read_bytes() == content
    another(path).replace(path)
    append(store, "second")
    assert items_in(path) == ["other", "second"]


def test_a_database_without_tables_is_not_given_any(store: EventStore, path: Path) -> None:
    empty = path.with_name("empty.db")
    with contextlib.closing(sqlite3.connect(empty)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    empty.replace(path)
    with pytest.raises(EventsSchemaError, match="events migrate"):
        append(store, "lost")


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_the_files_what_is_acknowledged_is_in_them(
    store: EventStore, path: Path, seed: int
) -> None:
    """Against the slow reference: look into the named file after each acknowledgement."""
    chance = random.Random(seed)
    aside = path.parent.with_name("aside")

    def remove(*names: str) -> None:
        for name in names:
            (path.parent / name).unlink(missing_ok=True)

    def away() -> None:
        if path.parent.exists() and not aside.exists():
            path.parent.rename(aside)

    def back() -> None:
        if aside.exists():
            shutil.rmtree(path.parent, ignore_errors=True)
            aside.rename(path.parent)

    def replaced() -> None:
        if path.parent.exists():
            remove("events.db-wal", "events.db-shm")
            another(path).replace(path)

    happens = [
        lambda: remove("events.db-wal"),
        lambda: remove("events.db-shm"),
        lambda: remove("events.db-wal", "events.db-shm"),
        *(away, back, back, replaced),
        *[lambda: None] * 5,
    ]
    for number in range(20):
        chance.choice(happens)()
        try:
            append(store, f"n{number}")
        except EventsError:
            continue
        assert f"n{number}" in items_in(path)


MOUNTS = """\
22 1 0:20 / / rw - ext4 /dev/vda rw
30 22 0:30 / /home rw shared:1 - nfs4 server:/home rw
31 30 0:31 / /home/local rw - xfs /dev/vdb rw
32 22 0:32 / /mnt/with\\040blank rw - cifs //server/share rw
33 22 0:33 / /mnt/cover rw - nfs server:/a rw
34 22 0:34 / /mnt/cover rw - ext4 /dev/vdc rw
35 22 0:35 / /mnt/ssh rw - fuse.sshfs me@host: rw
36 22 0:36 / /mnt/fuse rw - fuse.mergerfs a:b rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/events.db", "nfs4"),
        ("/homeless/events.db", None),
        ("/home/local/events.db", None),
        ("/mnt/with blank/events.db", "cifs"),
        ("/mnt/cover/events.db", None),
        ("/mnt/ssh/a/b/events.db", "fuse.sshfs"),
        ("/mnt/fuse/events.db", None),
        ("/var/events.db", None),
    ],
)
def test_file_systems_of_other_machines_are_told(path: str, kind: str | None) -> None:
    assert shared_file_system(Path(path), MOUNTS) == kind
