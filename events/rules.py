"""Which events are valid: one set of rules for the API, for files and for retraining.

An event that the API accepts can be trained on, published and served. Rows that other programs
wrote into the database are checked by the same rules when they are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from bitrecall.events.event import FORGET, HIDE

MAX_ID_LENGTH: Final = 1000
"""Maximum length of the id of a user, an item or an event, in characters."""

TYPE_PATTERN: Final = "^[a-z][a-z0-9_.-]{0,63}$"
"""Pattern of event types."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC).timestamp()
"""Earliest time of an event, in seconds since 1970-01-01 UTC.

Earlier times are placeholders (years 1 and 1601, Excel's day 0).
"""

SECONDS_AHEAD: Final = 86_400.0
"""Seconds by which an event may lie in the future: clocks and time zones differ by under a day."""

_TYPE: Final = re.compile(TYPE_PATTERN)


@lru_cache(maxsize=256)
def _is_type(kind: str) -> bool:
    return _TYPE.fullmatch(kind) is not None


def latest(now: float) -> float:
    """Exclusive upper bound of event times: a day from now, in seconds since 1970-01-01 UTC."""
    return now + SECONDS_AHEAD


def time_fault(at: Any, now: float) -> str | None:
    """Return what is wrong with the time of an event; None if it is valid.

    Args:
        at: seconds since 1970-01-01 UTC; any value that a database can return.
        now: current time, in the same unit.
    """
    if (type(at) is not float and type(at) is not int) or at != at:
        return "the time is not a number"
    if at < EARLIEST:
        return "the time is before 1900 (UTC)"
    if at >= latest(now):
        return "the time is more than a day in the future"
    return None


def id_fault(text: Any, max_length: int | None = MAX_ID_LENGTH) -> str | None:
    """Return what is wrong with an id; None if it is valid.

    Args:
        text: as stored, of any type.
        max_length: in characters; None for no limit, as for ids that may come from files.
    """
    if type(text) is not str:
        return "is not text"
    if not text:
        return "is empty"
    if max_length is not None and len(text) > max_length:
        return f"is longer than {max_length:,} characters"
    if "\0" in text:
        return "contains U+0000"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "is not valid Unicode"
    return None


def event_fault(user_id: Any, item_id: Any, kind: Any, at: Any, now: float) -> str | None:
    """Return what is wrong with a stored event; None if it can be used.

    Args:
        user_id: as stored, of any type.
        item_id: as stored; not checked for forget markers, which have none.
        kind: type, as stored.
        at: time, as stored; not checked for forget markers and hidden items, which do not use it.
        now: current time, in seconds since 1970-01-01 UTC.
    """
    # Fast path: hundreds of thousands of events are read at a time, and nearly all match this.
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
