"""Appending, reading and removing events."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select

from bitrecall.events import queries
from bitrecall.events.database import EventDatabase
from bitrecall.events.errors import EventsError
from bitrecall.events.event import FORGET, Appended, Event, StoredEvent
from bitrecall.events.log import LogState, read_state, reading_start, renew_log_id
from bitrecall.events.position import LogPosition, ReadingStart
from bitrecall.events.rules import id_fault
from bitrecall.events.tables import EVENTS

# Rows per statement; SQLite accepts at most 32,766 parameters.
_ROWS_PER_STATEMENT: Final = 1000


@dataclass(frozen=True)
class Page:
    """A page of events, and the state of the database when it was read.

    Attributes:
        state: state of the log, read before the events.
        events: in order.
    """

    state: LogState
    events: list[StoredEvent]


class EventStore:
    """Events in a database; safe to use from several threads and processes.

    It connects on first use, as ``EventDatabase`` describes. Every method raises
    EventsUnavailableError if the database cannot be reached or fails, and EventsSchemaError if its
    tables are missing or of another version.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        create: whether to create and migrate tables; if not, they must be there.

    Attributes:
        database: the connections of this store.

    Raises:
        EventsError: the URL is invalid.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.database = EventDatabase(url, create=create)

    def open(self) -> None:
        """Connect, migrate and check the tables now instead of on first use."""
        self.database.open()

    def close(self) -> None:
        """Wait until other threads have returned their connections, then close all."""
        self.database.close()

    def append(self, events: Sequence[Event]) -> Appended:
        """Store events in this order; they are durable when this returns."""
        return self.append_all([events])[0]

    def append_all(self, groups: Sequence[Sequence[Event]]) -> list[Appended]:
        """Store several groups of events in one transaction; return the counts of each group."""
        rows = [
            {
                "user_id": event.user_id,
                "item_id": event.item_id,
                "type": event.type,
                "at": event.at,
                "event_id": event.id,
            }
            for group in groups
            for event in group
        ]
        new_ids: set[str | None] = set()
        with self.database.write() as connection:
            insert = queries.insert_new(connection)
            for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                statement = insert.values(rows[start : start + _ROWS_PER_STATEMENT])
                new_ids.update(connection.execute(statement).scalars())
        outcomes = []
        for group in groups:
            accepted = 0
            for event in group:
                if event.id is None or event.id in new_ids:
                    accepted += 1
                    # If an id is repeated, the first event is the one that was stored.
                    new_ids.discard(event.id)
            outcomes.append(Appended(accepted, len(group) - accepted))
        return outcomes

    def start_after(self, position: LogPosition) -> ReadingStart:
        """Determine where to resume after a position, such as that of a release.

        The database gets a new log id if it has diverged from the log of the position, because an
        older copy of it was restored. Otherwise new events would reuse sequence numbers that the
        release was trained on, and this could not be detected once they are past its position.
        """
        with self.database.read() as connection:
            start = reading_start(connection, position)
        diverged = start.reason is not None and position.log_id == start.log_id
        if diverged or not start.log_id:
            with self.database.write() as connection:
                start = replace(start, log_id=renew_log_id(connection, start.log_id))
        return start

    def state(self) -> LogState:
        """Read the log id and the greatest assigned sequence number."""
        with self.database.read() as connection:
            return read_state(connection)

    def page(self, sequence: int, *, limit: int = 10_000) -> Page:
        """Read the first events after a sequence number, and the state of the log before them."""
        with self.database.read() as connection:
            state = read_state(connection)
            events = queries.select_events(connection, EVENTS.c.sequence > sequence, limit)
        return Page(state, events)

    def after(self, sequence: int, *, limit: int = 10_000) -> list[StoredEvent]:
        """Read the first events after a sequence number, in order."""
        return self._read(EVENTS.c.sequence > sequence, limit)

    def all_after(self, sequence: int) -> Iterator[StoredEvent]:
        """Iterate over all events after a sequence number, in order, page by page."""
        while events := self.after(sequence):
            yield from events
            sequence = events[-1].sequence

    def hide_events(self, until: int) -> list[StoredEvent]:
        """Read all events up to a sequence number that hide an item, in order."""
        return self._read(queries.hides(until), None)

    def forgotten_users(self) -> set[str]:
        """Read the ids of all users who were ever forgotten."""
        with self.database.read() as connection:
            return queries.forgotten_users(connection)

    def last_sequence(self) -> int:
        """Read the greatest sequence number of a stored event; 0 without events."""
        with self.database.read() as connection:
            return queries.last_sequence(connection)

    def forget(self, user_id: str) -> int:
        """Remove all events of a user, and add a forget marker.

        Returns:
            Number of events removed, earlier markers not counted.

        Raises:
            EventsError: the user id is invalid.
        """
        if fault := id_fault(user_id, max_length=None):
            raise EventsError(f"the user id {fault}")
        with self.database.write() as connection:
            by_user = EVENTS.c.user_id == user_id
            removed = connection.execute(
                select(func.count()).where(by_user, EVENTS.c.type != FORGET)
            ).scalar_one()
            connection.execute(delete(EVENTS).where(by_user))
            marker = {"user_id": user_id, "item_id": "", "type": FORGET, "at": time.time()}
            connection.execute(EVENTS.insert().values(marker))
        return removed

    def find(
        self,
        *,
        user: str | None = None,
        item: str | None = None,
        kind: str | None = None,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Read the events that meet all conditions, in order.

        Args:
            user: id of the user, None for all.
            item: id of the item, None for all.
            kind: type, None for all.
            after: exclusive lower bound of the sequence number.
            until: inclusive upper bound of the sequence number, None for all.
            limit: maximum number of events, None for all.
        """
        condition = queries.matching(user=user, item=item, kind=kind, after=after, until=until)
        return self._read(condition, limit)

    def count_types(self) -> list[tuple[str, int]]:
        """Count the events of each type, forget markers included."""
        with self.database.read() as connection:
            return queries.count_types(connection)

    def count_range(self, after: int, until: int) -> int:
        """Count the events that ``remove_range`` would remove."""
        return self._count(queries.in_range(after, until))

    def remove_range(self, after: int, until: int) -> int:
        """Remove the events after one sequence number, up to and including another.

        Forget markers stay.

        Returns:
            Number of events removed.
        """
        return self._remove(queries.in_range(after, until))

    def count_sequences(self, sequences: Collection[int]) -> int:
        """Count the events that ``remove_sequences`` would remove."""
        return self._count(queries.with_sequence(sequences))

    def remove_sequences(self, sequences: Collection[int]) -> int:
        """Remove single events by their sequence numbers; forget markers stay.

        Returns:
            Number of events removed.
        """
        return self._remove(queries.with_sequence(sequences))

    def _count(self, condition: ColumnElement[bool]) -> int:
        with self.database.read() as connection:
            return queries.count(connection, condition)

    def _remove(self, condition: ColumnElement[bool]) -> int:
        with self.database.write() as connection:
            return connection.execute(delete(EVENTS).where(condition)).rowcount

    def _read(self, condition: ColumnElement[bool], limit: int | None) -> list[StoredEvent]:
        with self.database.read() as connection:
            return queries.select_events(connection, condition, limit)
