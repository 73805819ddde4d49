"""Processes that write to a database while its files are removed, moved and replaced."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.event_files import items_in, other_database

pytestmark = pytest.mark.slow


class Writer:
    """A process that appends items and reports whether each was acknowledged."""

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
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.communicate(timeout=60)


@pytest.mark.parametrize("seed", range(3))
def test_acknowledged_events_are_in_the_file_after_any_change_to_the_files(
    path: Path, seed: int
) -> None:
    """Two processes, checked against a slow reference: read the named file after each event."""
    generator = random.Random(seed)
    moved = path.parent.with_name("moved")
    writers = [Writer(path), Writer(path)]

    def remove(*names: str) -> None:
        for name in names:
            (path.parent / name).unlink(missing_ok=True)

    def move_away() -> None:
        if path.parent.exists() and not moved.exists():
            path.parent.rename(moved)

    def move_back() -> None:
        if moved.exists():
            shutil.rmtree(path.parent, ignore_errors=True)
            moved.rename(path.parent)

    def replace() -> None:
        if path.parent.exists():
            other_database(path).replace(path)

    def restart() -> None:
        for writer in writers:
            writer.restart()

    changes = [
        lambda: remove("events.db-wal"),
        lambda: remove("events.db-shm"),
        lambda: remove("events.db-wal", "events.db-shm"),
        *(move_away, move_back, move_back, replace, replace, restart, restart),
        *[lambda: None] * 4,
    ]
    acknowledged = 0
    for number in range(30):
        generator.choice(changes)()
        for index, writer in enumerate(writers):
            item = f"n{number}-{index}"
            if writer.append(item):
                acknowledged += 1
                assert item in items_in(path)
    for writer in writers:
        writer.stop()
    assert acknowledged > 5
