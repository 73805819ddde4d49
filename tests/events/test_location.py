"""Where events are kept, as it is shown."""

from pathlib import Path

import pytest

from bitrecall.events import location as place
from bitrecall.events.location import place_of


def test_a_relative_path_is_shown_as_the_one_that_it_is() -> None:
    assert place_of("sqlite:///events.db").shown == str(Path.cwd() / "events.db")
    assert place_of("sqlite:////data/events.db?timeout=3").shown == "/data/events.db"
    assert place_of("sqlite:///events.db").warning is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db.example:5433/shop", "postgresql://me@db.example:5433/shop"),
        ("postgresql://db.example/shop?password_file=/secret", "postgresql://db.example/shop"),
        ("postgresql://me:se@cret@[::1]/shop", "postgresql://me@[::1]/shop"),
        ("postgresql://[broken/shop", "an invalid URL"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert place_of(url).shown == shown


def test_a_network_file_system_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "shared_file_system", lambda path: "nfs4")
    found = place_of("sqlite:////mnt/events.db")
    assert "/mnt/events.db is on a network file system (nfs4)" in (found.warning or "")
    assert "use a local disk, or PostgreSQL" in (found.warning or "")
    assert place_of("postgresql://db.example/shop").warning is None
