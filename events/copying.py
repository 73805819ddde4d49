"""Copying events to another database, such as from SQLite to PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from bitrecall.events.engine import fetch_rows
from bitrecall.events.errors import EventsError
from bitrecall.events.log import read_state, set_log_id, skip_to
from bitrecall.events.rules import event_fault, id_fault
from bitrecall.events.store import EventStore
from bitrecall.events.tables import EVENTS

# Rows per statement; SQLite accepts at most 32,766 parameters.
_ROWS_PER_STATEMENT: Final = 1000


@dataclass(frozen=True)
class CopyResult:
    """Counts of a finished copy.

    Attributes:
        copied: number of events copied, forget markers included.
        unusable: number of events that were left out because they break the rules.
        last: greatest sequence number that the source has assigned.
    """

    copied: int
    unusable: int
    last: int


def copy_events(
    source: EventStore, target: EventStore, progress: Callable[[int], None] = lambda done: None
) -> CopyResult:
    """Copy all events with their sequence numbers, and the log id, in one transaction.

    A release that was trained on the source continues after its last event in the target. Events
    that are written to the source after the copy has started are not copied.

    Args:
        source: store to read.
        target: store to write; it must never have had an event.
        progress: called after each thousand rows with the number of rows read so far.

    Raises:
        EventsError: the target has, or had, events; it is unchanged.
    """
    copied = unusable = 0
    now = time.time()
    columns = [*EVENTS.columns]
    names = [column.name for column in columns]
    with target.database.write() as writer:
        if read_state(writer).last:
            raise EventsError("the target has events already: copy into an empty database")
        with source.database.read() as reader:
            state = read_state(reader)
            last = 0
            while True:
                in_range = (EVENTS.c.sequence > last) & (EVENTS.c.sequence <= state.last)
                query = select(*columns).where(in_range).order_by(EVENTS.c.sequence)
                fetched = fetch_rows(reader, query.limit(_ROWS_PER_STATEMENT))
                rows = [dict(zip(names, row, strict=True)) for row in fetched]
                if not rows:
                    break
                last = rows[-1]["sequence"]
                usable = [row for row in rows if _is_usable(row, now)]
                unusable += len(rows) - len(usable)
                copied += len(usable)
                if usable:
                    writer.execute(EVENTS.insert(), usable)
                progress(copied + unusable)
        skip_to(writer, state.last)
        set_log_id(writer, state.log_id)
    return CopyResult(copied, unusable, state.last)


def _is_usable(row: dict[str, object], now: float) -> bool:
    event_id = row["event_id"]
    if event_id is not None and id_fault(event_id) is not None:
        return False
    fault = event_fault(row["user_id"], row["item_id"], row["type"], row["at"], now)
    return fault is None
