"""What the database says of itself as a log: its id, its numbers, and where to go on reading."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from sqlalchemy import Connection, delete, func, select, text, update

from bitrecall.events.database import rows_of
from bitrecall.events.event import StoredEvent
from bitrecall.events.position import LogPosition, ReadingStart, digest_of
from bitrecall.events.tables import EVENTS, LOG

_SEQUENCE_OF_POSTGRES: Final = "pg_get_serial_sequence('events', 'sequence')::regclass"


@dataclass(frozen=True)
class LogState:
    """A database of events at a moment.

    Attributes:
        log_id: its id; empty if somebody has emptied the table.
        last: greatest number given out so far, also if that event was removed since; 0 before the
            first.
    """

    log_id: str
    last: int


def state_of(connection: Connection) -> LogState:
    """Read the id and the greatest number given out, with one query."""
    if connection.dialect.name == "sqlite":
        counted = "(SELECT max(seq) FROM sqlite_sequence WHERE name = 'events')"
    else:
        counted = f"pg_sequence_last_value({_SEQUENCE_OF_POSTGRES})"
    log_id, given_out, there = connection.execute(
        text(
            f"SELECT (SELECT id FROM event_log LIMIT 1), {counted}, "  # noqa: S608
            "(SELECT max(sequence) FROM events)"
        )
    ).one()
    return LogState(log_id or "", max(given_out or 0, there or 0))


def start_of(connection: Connection, position: LogPosition) -> ReadingStart:
    """Where to go on reading after a position; it changes nothing."""
    state = state_of(connection)
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
    found = event_at(connection, position.sequence)
    if found is not None and digest_of(found) != position.digest:
        return ReadingStart(
            state.log_id,
            0,
            f"event {position.sequence:,} is not the one that the release was trained on: an "
            "older copy of the database was restored, and numbers were given out again; all "
            "events are read from the start",
        )
    return ReadingStart(state.log_id, position.sequence)


def renew_id(connection: Connection, old: str) -> str:
    """Give the database a new id, unless somebody else just did; return the id it has now."""
    new = token_hex(16)
    if connection.execute(update(LOG).where(LOG.c.id == old).values(id=new)).rowcount:
        return new
    found = connection.execute(select(LOG.c.id).limit(1)).scalar()
    if found is None:
        connection.execute(LOG.insert().values(id=new))
        return new
    return str(found)


def set_id(connection: Connection, log_id: str) -> None:
    """Have the database go on with the log of another one."""
    connection.execute(delete(LOG))
    connection.execute(LOG.insert().values(id=log_id))


def skip_to(connection: Connection, sequence: int) -> None:
    """Have numbers given out from now on be greater than ``sequence``."""
    if connection.dialect.name == "sqlite":
        to = {"to": sequence}
        counter = text("UPDATE sqlite_sequence SET seq = max(seq, :to) WHERE name = 'events'")
        if not connection.execute(counter, to).rowcount:
            connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', :to)"), to
            )
    elif sequence > 0:
        statement = text(f"SELECT setval({_SEQUENCE_OF_POSTGRES}, :to)")
        connection.execute(statement, {"to": sequence})


def numbers_lag(connection: Connection) -> bool:
    """Whether numbers would be given out twice.

    Restoring rows alone, or replicating them, leaves PostgreSQL's sequence behind.
    """
    if connection.dialect.name == "sqlite":
        return False
    statement = text(f"SELECT pg_sequence_last_value({_SEQUENCE_OF_POSTGRES})")
    counted = connection.execute(statement).scalar() or 0
    return counted < (connection.execute(select(func.max(EVENTS.c.sequence))).scalar() or 0)


def event_at(connection: Connection, sequence: int) -> StoredEvent | None:
    """The event of a number, None if there is none."""
    columns = (EVENTS.c.sequence, EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.type, EVENTS.c.at)
    rows = rows_of(connection, select(*columns).where(EVENTS.c.sequence == sequence))
    return StoredEvent(*rows[0]) if rows else None
