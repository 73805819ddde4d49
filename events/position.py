"""Positions in the log of events, as a release stores them.

Events have sequence numbers from 1, and a release stores the number of the last event that it was
trained on. In another database, or in an older copy of the same one, that number belongs to
another event. Each database therefore has a random id, which is created with its tables and
included in backups, and a position also contains that id and a digest of the event.

If a position does not belong to the database, all events are read from the start. That is always
safe, because training and recommendations count each user-item interaction once.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, Final

from bitrecall.events.event import StoredEvent
from bitrecall.index.releases.data_fingerprint import DataFingerprint


@dataclass(frozen=True)
class LogPosition:
    """The last event that was read.

    Attributes:
        log_id: id of the database, None without a database.
        sequence: sequence number of the last event, 0 without an event.
        digest: digest of the last event (``digest_of``), None without an event.
    """

    log_id: str | None = None
    sequence: int = 0
    digest: str | None = None


NOTHING_READ: Final = LogPosition()


@dataclass(frozen=True)
class ReadingStart:
    """Where to resume reading.

    Attributes:
        log_id: id of the database.
        after: read the events with greater sequence numbers.
        reason: why all events are read from the start, None if the position is valid.
    """

    log_id: str
    after: int
    reason: str | None = None


def position_of(data: DataFingerprint) -> LogPosition:
    """Return the position up to which a release was trained."""
    return LogPosition(data.events_id, data.last_event, data.last_event_digest)


def position_after(log_id: str, last: StoredEvent | None) -> LogPosition:
    """Return the position after an event; None stands for the start of the log."""
    if last is None:
        return LogPosition(log_id)
    return LogPosition(log_id, last.sequence, digest_of(last))


def digest_of(event: StoredEvent) -> str:
    """Hash an event to 16 hexadecimal digits, which are equal in SQLite and PostgreSQL."""
    digest = hashlib.sha256(b"bitrecall event 1\n")
    for part in (event.sequence, event.user_id, event.item_id, event.type, event.at):
        encoded = _encode(part)
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:16]


def _encode(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, float):
        return struct.pack("<d", value)
    return repr(value).encode()
