"""SQLite event databases in tests: append an event, and read the file from another process."""

import subprocess
import sys
from pathlib import Path

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore


def append(store: EventStore, item: str) -> None:
    store.append([Event("u", item, "view", 1.5)])


def items_in(path: Path) -> list[str]:
    """Return the items that another process reads from the file at a path."""
    code = (
        "import sqlite3, sys\n"
        "for row in sqlite3.connect(sys.argv[1]).execute("
        "'SELECT item_id FROM events ORDER BY sequence'): print(row[0])"
    )
    # Python starts in half the time without site-packages.
    command = [sys.executable, "-I", "-S", "-c", code, str(path)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout.split()


def other_database(path: Path) -> Path:
    """Create a second database in the folder of a path, with one event."""
    other = path.with_name("another.db")
    store = EventStore(f"sqlite:///{other}")
    append(store, "other")
    store.close()
    return other
