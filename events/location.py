"""The location of an events database, for display; no database driver is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bitrecall.events.file_systems import shared_file_system

_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class EventsLocation:
    """Where events are stored.

    Attributes:
        text: an absolute path, or a URL without password and query.
        warning: a known risk of this location, None without one.
    """

    text: str
    warning: str | None = None


def events_location(url: str) -> EventsLocation:
    """Describe where a URL leads; the URL may be invalid."""
    if url.startswith(_SQLITE):
        path = Path(url[len(_SQLITE) :].partition("?")[0]).absolute()
        kind = shared_file_system(path)
        if kind is None:
            return EventsLocation(str(path))
        return EventsLocation(
            str(path),
            f"{path} is on a network file system ({kind}), where SQLite can lose events if a "
            "second machine opens the file, or the mount fails: use a local disk, or PostgreSQL "
            "('bitrecall events copy' moves the events)",
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        return EventsLocation("an invalid URL")
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return EventsLocation(f"{parts.scheme}://{user}{host}{parts.path}")
