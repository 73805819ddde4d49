from collections.abc import Iterator
from pathlib import Path

import pytest

from bitrecall.events.store import EventStore


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    """An empty store that is open."""
    made = EventStore(url)
    made.open()
    yield made
    made.close()
