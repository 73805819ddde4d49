"""List events as a table or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from bitrecall.aligned_text import aligned
from bitrecall.events.event import StoredEvent
from bitrecall.events.rules import event_fault

if TYPE_CHECKING:
    from bitrecall.events.store import EventStore

_PAGE_SIZE = 10_000


@dataclass(frozen=True)
class ListedEvent:
    """An event, and the reason why it is unusable; None for a usable one."""

    event: StoredEvent
    fault: str | None


def list_matching(
    store: EventStore, after: int, limit: int, unusable: bool, conditions: Mapping[str, Any]
) -> tuple[list[ListedEvent], bool]:
    """Read the first events that match.

    Args:
        store: the store to read.
        after: only events after this sequence number.
        limit: maximum number of events.
        unusable: whether to list only unusable events.
        conditions: further arguments of ``EventStore.find``.

    Returns:
        The events, and whether more match.
    """
    now = time.time()

    def all_matching() -> Iterator[ListedEvent]:
        last = after
        while page := store.find(
            after=last, limit=_PAGE_SIZE if unusable else limit + 1, **conditions
        ):
            for event in page:
                fault = event_fault(event.user_id, event.item_id, event.type, event.at, now)
                if fault is not None or not unusable:
                    yield ListedEvent(event, fault)
            last = page[-1].sequence

    matches = list(islice(all_matching(), limit + 1))
    return matches[:limit], len(matches) > limit


def as_table(listed: Sequence[ListedEvent], with_reason: bool) -> str:
    """Format one row per event."""
    rows = []
    for entry in listed:
        event = entry.event
        row = [
            *(f"{event.sequence}", _iso_time(event.at), _printable(event.type)),
            *(_printable(event.user_id), _printable(event.item_id)),
        ]
        rows.append([*row, entry.fault or ""] if with_reason else row)
    titles = ["number", "time", "type", "user", "item"]
    return aligned([*titles, "reason"] if with_reason else titles, rows, right=">")


def as_json_text(listed: Sequence[ListedEvent]) -> str:
    """Format a JSON array of objects, with all characters beyond ASCII escaped."""
    documents = [
        {
            "number": entry.event.sequence,
            "user_id": _plain(entry.event.user_id),
            "item_id": _plain(entry.event.item_id),
            "type": _plain(entry.event.type),
            "time": _iso_time(entry.event.at),
            "fault": entry.fault,
        }
        for entry in listed
    ]
    return json.dumps(documents, indent=2)


def _iso_time(at: Any) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError, OSError):
        return repr(at)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else repr(value)


def _printable(value: Any) -> str:
    """Return printable text unchanged, and anything else as an ASCII Python literal."""
    return value if isinstance(value, str) and value.isprintable() and value else ascii(value)
