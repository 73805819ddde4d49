"""Where events are kept, to be shown; it loads no database driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bitrecall.events.sqlite_file import shared_file_system

_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class Place:
    """Where events are kept.

    Attributes:
        shown: an absolute path, or a URL without password and query.
        warning: what may go wrong there, None if nothing is known.
    """

    shown: str
    warning: str | None = None


def place_of(url: str) -> Place:
    """Where a URL leads; one that is not valid is shown as far as it can be."""
    if url.startswith(_SQLITE):
        path = Path(url[len(_SQLITE) :].partition("?")[0]).absolute()
        kind = shared_file_system(path)
        if kind is None:
            return Place(str(path))
        return Place(
            str(path),
            f"{path} is on a network file system ({kind}), where SQLite can lose events once a "
            "second machine opens the file, or the mount breaks: use a local disk, or PostgreSQL "
            "(bitrecall events copy moves the events)",
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        return Place("an invalid URL")
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return Place(f"{parts.scheme}://{user}{host}{parts.path}")
