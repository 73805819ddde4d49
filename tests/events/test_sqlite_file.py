"""A database file that is removed, moved or replaced while it is open."""

import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bitrecall.events.engine import make_engine, write_transaction
from bitrecall.events.errors import EventsError, EventsSchemaError, EventsUnavailableError
from bitrecall.events.event import Event
from bitrecall.events.file_systems import shared_file_system
from bitrecall.events.store import EventStore
from bitrecall.events.tables import EVENTS

pytestmark = pytest.mark.slow


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
    # Without site-packages, a start takes half the time.
    command = [sys.executable, "-I", "-S", "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
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


def test_a_moved_folder_takes_its_events_along(store: EventStore, path: Path) -> None:
    moved = path.parent.rename(path.parent.with_name("moved"))
    with pytest.raises(EventsUnavailableError, match="was removed or moved"):
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
    engine = make_engine(f"sqlite:///{path}")

    def write() -> None:
        with write_transaction(engine) as connection:
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
def test_without_its_log_a_file_is_not_written_to_before_the_next_start(
    store: EventStore, path: Path, side: str
) -> None:
    """Others may have it open still, with a log of which this process knows nothing."""
    append(store, "second")
    path.with_name(path.name + side).unlink()
    for _ in range(3):
        with pytest.raises(EventsUnavailableError, match=rf"events\.db{side} was removed.*start"):
            append(store, "lost")
        with pytest.raises(EventsUnavailableError, match=rf"events\.db{side} was removed"):
            store.after(0)
    # What it held is in the database by now.
    copy = path.parent.parent / "copy.db"
    shutil.copy(path, copy)
    assert items_in(copy) == ["first", "second"]
    store.close()
    again = EventStore(f"sqlite:///{path}")
    append(again, "third")
    again.close()
    assert items_in(path) == ["first", "second", "third"]


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


class Writer:
    """A process that appends what it is told to, and says whether that was acknowledged."""

    code = """
import sys
from bitrecall.events.errors import EventsError
from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
store = EventStore(sys.argv[1])
for line in sys.stdin:
    try:
        store.append([Event("u", line.strip(), "view", 1.5)])
    except EventsError:
        print("refused", flush=True)
    else:
        print("acknowledged", flush=True)
store.close()
"""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-c", self.code, f"sqlite:///{self._path}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def append(self, item: str) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{item}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() == "acknowledged\n"

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_the_files_what_is_acknowledged_is_in_them(
    path: Path, seed: int
) -> None:
    """Two processes against the slow reference: look into the named file each time."""
    chance = random.Random(seed)
    aside = path.parent.with_name("aside")
    writers = [Writer(path), Writer(path)]

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
            another(path).replace(path)

    def restarted() -> None:
        for writer in writers:
            writer.restart()

    happens = [
        lambda: remove("events.db-wal"),
        lambda: remove("events.db-shm"),
        lambda: remove("events.db-wal", "events.db-shm"),
        *(away, back, back, replaced, replaced, restarted, restarted),
        *[lambda: None] * 4,
    ]
    acknowledged = 0
    for number in range(30):
        chance.choice(happens)()
        for which, writer in enumerate(writers):
            item = f"n{number}-{which}"
            if writer.append(item):
                acknowledged += 1
                assert item in items_in(path)
    for writer in writers:
        writer.end()
    assert acknowledged > 5


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
