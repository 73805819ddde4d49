"""Events as a table, or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from bitrecall.events.event import StoredEvent
from bitrecall.events.rules import event_fault
from bitrecall.tables import aligned

if TYPE_CHECKING:
    from bitrecall.events.store import EventStore

_PAGE = 10_000


@dataclass(frozen=True)
class Listed:
    """An event, and why it cannot be used; None if it can."""

    event: StoredEvent
    fault: str | None


def matching(
    store: EventStore, after: int, limit: int, unusable: bool, chosen: Mapping[str, Any]
) -> tuple[list[Listed], bool]:
    """The first events of a choice, and whether there are more.

    Args:
        store: has the events.
        after: only greater numbers.
        limit: how many.
        unusable: only those that cannot be used.
        chosen: what ``EventStore.find`` takes beside.
    """
    now = time.time()

    def all_of_them() -> Iterator[Listed]:
        last = after
        while page := store.find(after=last, at_most=_PAGE if unusable else limit + 1, **chosen):
            for event in page:
                fault = event_fault(event.user_id, event.item_id, event.type, event.at, now)
                if fault is not None or not unusable:
                    yield Listed(event, fault)
            last = page[-1].sequence

    found = list(islice(all_of_them(), limit + 1))
    return found[:limit], len(found) > limit


def as_table(listed: Sequence[Listed], with_reason: bool) -> str:
    """A row for each event."""
    rows = []
    for one in listed:
        event = one.event
        row = [
            *(f"{event.sequence}", _time(event.at), _shown(event.type)),
            *(_shown(event.user_id), _shown(event.item_id)),
        ]
        rows.append([*row, one.fault or ""] if with_reason else row)
    titles = ["number", "time", "type", "user", "item"]
    return aligned([*titles, "reason"] if with_reason else titles, rows, right=">")


def as_json_text(listed: Sequence[Listed]) -> str:
    """An array of objects; characters beyond ASCII are escaped, whatever a database holds."""
    documents = [
        {
            "number": one.event.sequence,
            "user_id": _plain(one.event.user_id),
            "item_id": _plain(one.event.item_id),
            "type": _plain(one.event.type),
            "time": _time(one.event.at),
            "fault": one.fault,
        }
        for one in listed
    ]
    return json.dumps(documents, indent=2)


def _time(at: Any) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError, OSError):
        return repr(at)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else repr(value)


def _shown(value: Any) -> str:
    """Text that can be printed as it is; anything else as Python writes it."""
    return value if isinstance(value, str) and value.isprintable() and value else ascii(value)
