"""The identity of an events database: its log id, its sequence counter, and where to resume."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from sqlalchemy import Connection, delete, select, text, update

from bitrecall.events.event import StoredEvent
from bitrecall.events.position import LogPosition, ReadingStart, digest_of
from bitrecall.events.queries import last_sequence, select_events
from bitrecall.events.tables import EVENTS, LOG

_POSTGRES_COUNTER: Final = "pg_get_serial_sequence('events', 'sequence')::regclass"


@dataclass(frozen=True)
class LogState:
    """State of an events database when it was read.

    Attributes:
        log_id: id of the log; empty if its table was emptied by other means.
        last: greatest sequence number assigned so far, even if that event has been removed; 0
            before the first event.
    """

    log_id: str
    last: int


def read_state(connection: Connection) -> LogState:
    """Read the log id and the greatest assigned sequence number, with one query."""
    if connection.dialect.name == "sqlite":
        counter = "(SELECT max(seq) FROM sqlite_sequence WHERE name = 'events')"
    else:
        counter = f"pg_sequence_last_value({_POSTGRES_COUNTER})"
    log_id, assigned, stored = connection.execute(
        text(
            f"SELECT (SELECT id FROM event_log LIMIT 1), {counter}, "  # noqa: S608
            "(SELECT max(sequence) FROM events)"
        )
    ).one()
    return LogState(log_id or "", max(assigned or 0, stored or 0))


def reading_start(connection: Connection, position: LogPosition) -> ReadingStart:
    """Determine where to resume after a position; the database is not changed."""
    state = read_state(connection)
    if position.sequence == 0:
        return ReadingStart(state.log_id, 0)
    if position.log_id != state.log_id:
        return ReadingStart(
            state.log_id,
            0,
            f"the release was trained up to event {position.sequence:,} of another events "
            "database; all events of this one are read from the start",
        )
    if state.last < position.sequence:
        return ReadingStart(
            state.log_id,
            0,
            f"the release was trained up to event {position.sequence:,}, and the last event of "
            f"this database has number {state.last:,}: it is an older copy; all its events are "
            "read from the start",
        )
    event = event_at(connection, position.sequence)
    if event is not None and digest_of(event) != position.digest:
        return ReadingStart(
            state.log_id,
            0,
            f"event {position.sequence:,} is not the one that the release was trained on: an "
            "older copy of the database was restored, and sequence numbers were assigned again; "
            "all events are read from the start",
        )
    return ReadingStart(state.log_id, position.sequence)


def renew_log_id(connection: Connection, old: str) -> str:
    """Replace the log id, unless another process has just done so; return the current id."""
    new = token_hex(16)
    if connection.execute(update(LOG).where(LOG.c.id == old).values(id=new)).rowcount:
        return new
    current = connection.execute(select(LOG.c.id).limit(1)).scalar()
    if current is None:
        connection.execute(LOG.insert().values(id=new))
        return new
    return str(current)


def set_log_id(connection: Connection, log_id: str) -> None:
    """Make the database continue the log of another one."""
    connection.execute(delete(LOG))
    connection.execute(LOG.insert().values(id=log_id))


def skip_to(connection: Connection, sequence: int) -> None:
    """Assign only sequence numbers greater than ``sequence`` from now on."""
    if connection.dialect.name == "sqlite":
        to = {"to": sequence}
        counter = text("UPDATE sqlite_sequence SET seq = max(seq, :to) WHERE name = 'events'")
        if not connection.execute(counter, to).rowcount:
            connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', :to)"), to
            )
    elif sequence > 0:
        statement = text(f"SELECT setval({_POSTGRES_COUNTER}, :to)")
        connection.execute(statement, {"to": sequence})


def counter_lags(connection: Connection) -> bool:
    """Return whether the counter would assign sequence numbers that are in use.

    PostgreSQL's sequence stays behind when rows alone are restored or replicated.
    """
    if connection.dialect.name == "sqlite":
        return False
    statement = text(f"SELECT pg_sequence_last_value({_POSTGRES_COUNTER})")
    assigned = connection.execute(statement).scalar() or 0
    return assigned < last_sequence(connection)


def event_at(connection: Connection, sequence: int) -> StoredEvent | None:
    """Read the event with a sequence number; None if it does not exist."""
    events = select_events(connection, EVENTS.c.sequence == sequence, None)
    return events[0] if events else None
