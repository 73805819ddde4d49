"""The displayed location of an events database."""

from pathlib import Path

import pytest

from bitrecall.events import location
from bitrecall.events.location import events_location


def test_shows_the_absolute_path() -> None:
    assert events_location("sqlite:///events.db").text == str(Path.cwd() / "events.db")
    assert events_location("sqlite:////data/events.db?timeout=3").text == "/data/events.db"
    assert events_location("sqlite:///events.db").warning is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db.example:5433/shop", "postgresql://me@db.example:5433/shop"),
        ("postgresql://db.example/shop?password_file=/secret", "postgresql://db.example/shop"),
        ("postgresql://me:se@cret@[::1]/shop", "postgresql://me@[::1]/shop"),
        ("postgresql://[broken/shop", "an invalid URL"),
    ],
)
def test_hides_the_password(url: str, shown: str) -> None:
    assert events_location(url).text == shown


def test_warns_of_a_network_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "shared_file_system", lambda path: "nfs4")
    described = events_location("sqlite:////mnt/events.db")
    assert "/mnt/events.db is on a network file system (nfs4)" in (described.warning or "")
    assert "use a local disk, or PostgreSQL" in (described.warning or "")
    assert events_location("postgresql://db.example/shop").warning is None
