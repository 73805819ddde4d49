"""The SQL statements of ``EventStore``: conditions, queries and the insert."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, Insert, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from bitrecall.events.engine import fetch_rows
from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.tables import EVENTS

# The columns of a StoredEvent.
_STORED: Final = (
    *(EVENTS.c.sequence, EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.type),
    EVENTS.c.at,
)


def matching(
    *,
    user: str | None = None,
    item: str | None = None,
    kind: str | None = None,
    after: int = 0,
    until: int | None = None,
) -> ColumnElement[bool]:
    """Build the condition of ``EventStore.find``."""
    condition = EVENTS.c.sequence > after
    if until is not None:
        condition &= EVENTS.c.sequence <= until
    for column, value in (
        (EVENTS.c.user_id, user),
        (EVENTS.c.item_id, item),
        (EVENTS.c.type, kind),
    ):
        if value is not None:
            condition &= column == value
    return condition


def hides(until: int) -> ColumnElement[bool]:
    """Build the condition of hide events up to and including a sequence number."""
    # A literal, so that the database can use its partial index.
    is_hide = EVENTS.c.type == literal_column(f"'{HIDE}'")
    return is_hide & (EVENTS.c.sequence <= until)


def in_range(after: int, until: int) -> ColumnElement[bool]:
    """Build the condition of a range of sequence numbers, without forget markers."""
    sequence = EVENTS.c.sequence
    return (sequence > after) & (sequence <= until) & (EVENTS.c.type != FORGET)


def with_sequence(sequences: Collection[int]) -> ColumnElement[bool]:
    """Build the condition of single sequence numbers, without forget markers."""
    return EVENTS.c.sequence.in_(sequences) & (EVENTS.c.type != FORGET)


def select_events(
    connection: Connection, condition: ColumnElement[bool], limit: int | None
) -> list[StoredEvent]:
    """Read the first events that meet a condition, in order; all if the limit is None."""
    statement = select(*_STORED).where(condition).order_by(EVENTS.c.sequence).limit(limit)
    return list(map(StoredEvent._make, fetch_rows(connection, statement)))


def forgotten_users(connection: Connection) -> set[str]:
    """Read the ids of all users with a forget marker."""
    users = select(EVENTS.c.user_id).where(EVENTS.c.type == FORGET)
    return {user for (user,) in fetch_rows(connection, users)}


def last_sequence(connection: Connection) -> int:
    """Read the greatest sequence number of a stored event; 0 without events."""
    return connection.execute(select(func.max(EVENTS.c.sequence))).scalar() or 0


def count(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Count the events that meet a condition."""
    query = select(func.count()).select_from(EVENTS).where(condition)
    return connection.execute(query).scalar_one()


def count_types(connection: Connection) -> list[tuple[str, int]]:
    """Count the events of each type, forget markers included; sorted by type."""
    query = select(EVENTS.c.type, func.count()).group_by(EVENTS.c.type)
    return sorted((str(kind), number) for kind, number in fetch_rows(connection, query))


def insert_new(connection: Connection) -> Insert:
    """Build the statement that inserts events, skips stored ids and returns the new ones."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(EVENTS).on_conflict_do_nothing(index_elements=["event_id"])
    statement: Insert = insert.returning(EVENTS.c.event_id)
    return statement
