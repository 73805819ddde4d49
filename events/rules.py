"""What an event may be: one set of rules for the API, for files and for the nightly training.

An event that the API accepts can be trained on, published and served. Rows that were put into the
database by other means are held against the same rules when they are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from bitrecall.events.event import FORGET, HIDE

MAX_ID_LENGTH: Final = 1000
"""Longest id of a user, an item or an event, in characters."""

TYPE_PATTERN: Final = "^[a-z][a-z0-9_.-]{0,63}$"
"""Types of events."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC).timestamp()
"""First moment that an event may have, in seconds since 1970-01-01 UTC.

Earlier ones are placeholders (years 1 and 1601, Excel's day 0), not times of events.
"""

SECONDS_AHEAD: Final = 86_400.0
"""How far in the future an event may lie: clocks and time zones differ, by less than a day."""

_TYPE: Final = re.compile(TYPE_PATTERN)


@lru_cache(maxsize=256)
def _is_type(kind: str) -> bool:
    return _TYPE.fullmatch(kind) is not None


def latest(now: float) -> float:
    """First moment that an event may no longer have: a day from now, in seconds since 1970."""
    return now + SECONDS_AHEAD


def time_fault(at: Any, now: float) -> str | None:
    """What is wrong with the time of an event, None if nothing is.

    Args:
        at: seconds since 1970-01-01 UTC; any value that a database can return.
        now: the current moment in the same unit.
    """
    if (type(at) is not float and type(at) is not int) or at != at:
        return "the time is not a number"
    if at < EARLIEST:
        return "the time is before 1900 (UTC)"
    if at >= latest(now):
        return "the time is more than a day in the future"
    return None


def id_fault(text: Any, longest: int | None = MAX_ID_LENGTH) -> str | None:
    """What is wrong with an id, None if nothing is.

    Args:
        text: as stored, of any type.
        longest: in characters; None for ids that files may have brought as well, at any length.
    """
    if type(text) is not str:
        return "is not text"
    if not text:
        return "is empty"
    if longest is not None and len(text) > longest:
        return f"is longer than {longest:,} characters"
    if "\0" in text:
        return "contains U+0000"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "is not valid Unicode"
    return None


def event_fault(user_id: Any, item_id: Any, kind: Any, at: Any, now: float) -> str | None:
    """What is wrong with a stored event, None if it can be used.

    Args:
        user_id: as stored, of any type.
        item_id: as stored; not looked at for requests to be forgotten, which have none.
        kind: its type.
        at: its time; not looked at where it is not used (requests to be forgotten, hidden items).
        now: the current moment, in seconds since 1970-01-01 UTC.
    """
    # Hundreds of thousands are read at a time, and nearly all are like this.
    if (
        type(user_id) is type(item_id) is type(kind) is str
        and type(at) is float
        and 0 < len(user_id) <= MAX_ID_LENGTH
        and 0 < len(item_id) <= MAX_ID_LENGTH
        and user_id.isascii()
        and item_id.isascii()
        and "\0" not in user_id
        and "\0" not in item_id
        and EARLIEST <= at < now + SECONDS_AHEAD
        and _is_type(kind)
    ):
        return None
    if fault := id_fault(user_id, None if kind == FORGET else MAX_ID_LENGTH):
        return f"the user id {fault}"
    if kind == FORGET:
        return None
    if fault := id_fault(item_id):
        return f"the item id {fault}"
    if kind == HIDE:
        return None
    if type(kind) is not str or not _is_type(kind):
        return "the type is not one that the API accepts"
    return time_fault(at, now)
