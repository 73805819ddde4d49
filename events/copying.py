"""Moving events to another database, such as from SQLite to PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from bitrecall.events.database import rows_of
from bitrecall.events.errors import EventsError
from bitrecall.events.log import set_id, skip_to, state_of
from bitrecall.events.rules import event_fault, id_fault
from bitrecall.events.store import EventStore
from bitrecall.events.tables import EVENTS

# Rows in one statement; SQLite takes 32,766 values.
_ROWS: Final = 1000


@dataclass(frozen=True)
class Copied:
    """What became of a copy.

    Attributes:
        events: how many were copied, requests to be forgotten included.
        left_out: how many cannot be used, and were not.
        last: the greatest number that the source has given out.
    """

    events: int
    left_out: int
    last: int


def copy_events(
    source: EventStore, target: EventStore, progress: Callable[[int], None] = lambda done: None
) -> Copied:
    """Copy all events with their numbers, and the id of the database, in one transaction.

    A release that was trained on the source goes on after its last event in the target. Nothing
    must write to the source meanwhile: what comes after its start is not copied.

    Args:
        source: has the events.
        target: has to have none, and never to have had any.
        progress: told how many numbers have been gone through, after each thousand.

    Raises EventsError if the target has had events; it is unchanged then.
    """
    copied = left_out = 0
    now = time.time()
    columns = [*EVENTS.columns]
    with target.writing() as to:
        if state_of(to).last:
            raise EventsError("the target has events already: copy into an empty database")
        with source.reading() as origin:
            state = state_of(origin)
            last = 0
            while True:
                chosen = (EVENTS.c.sequence > last) & (EVENTS.c.sequence <= state.last)
                query = select(*columns).where(chosen).order_by(EVENTS.c.sequence).limit(_ROWS)
                names = [column.name for column in columns]
                rows = [dict(zip(names, row, strict=True)) for row in rows_of(origin, query)]
                if not rows:
                    break
                last = rows[-1]["sequence"]
                good = [row for row in rows if _can_be_used(row, now)]
                left_out += len(rows) - len(good)
                copied += len(good)
                if good:
                    to.execute(EVENTS.insert(), good)
                progress(copied + left_out)
        skip_to(to, state.last)
        set_id(to, state.log_id)
    return Copied(copied, left_out, state.last)


def _can_be_used(row: dict[str, object], now: float) -> bool:
    event_id = row["event_id"]
    if event_id is not None and id_fault(event_id) is not None:
        return False
    fault = event_fault(row["user_id"], row["item_id"], row["type"], row["at"], now)
    return fault is None
