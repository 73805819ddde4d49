from collections.abc import Iterator
from pathlib import Path

import pytest

from bitrecall.events.store import EventStore


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    """An open store without events."""
    store = EventStore(url)
    store.open()
    yield store
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a database in a folder of its own; the file does not exist yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / "events.db"
