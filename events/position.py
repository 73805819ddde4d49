"""Positions in a log of events, which a release can hold.

Events are numbered from 1 up, and a release stores the number of the last event that it was trained
on. That number only means something together with the database: in another one, or in an older copy
of the same one, the same number belongs to another event. So each database has a random id, made
with its tables and kept by backups, and a position holds the id and a digest of the event too.

Where a position does not belong to the database, everything is read from the start. That is always
safe: training and answers take each pair of a user and an item once.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, Final

from bitrecall.events.event import StoredEvent
from bitrecall.index.releases.manifest import DataFingerprint


@dataclass(frozen=True)
class LogPosition:
    """Up to where a log of events was read.

    Attributes:
        log_id: id of the database, None if none was read.
        sequence: number of the last event read, 0 without any.
        digest: of that event (``digest_of``), None without any.
    """

    log_id: str | None = None
    sequence: int = 0
    digest: str | None = None


NOTHING_READ: Final = LogPosition()


@dataclass(frozen=True)
class ReadingStart:
    """Where to go on reading.

    Attributes:
        log_id: id of the database.
        after: read the events with greater numbers.
        reason: why everything is read from the start, None if the position holds.
    """

    log_id: str
    after: int
    reason: str | None = None


def position_of(data: DataFingerprint) -> LogPosition:
    """The position up to which a release was trained."""
    return LogPosition(data.events_id, data.last_event, data.last_event_digest)


def position_after(log_id: str, last: StoredEvent | None) -> LogPosition:
    """The position after the last event that was read of a database; None before the first."""
    if last is None:
        return LogPosition(log_id)
    return LogPosition(log_id, last.sequence, digest_of(last))


def digest_of(event: StoredEvent) -> str:
    """Sixteen hexadecimal digits of what an event says; the same in SQLite and PostgreSQL."""
    digest = hashlib.sha256(b"bitrecall event 1\n")
    for part in (event.sequence, event.user_id, event.item_id, event.type, event.at):
        encoded = _encoded(part)
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:16]


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, float):
        return struct.pack("<d", value)
    return repr(value).encode()
