"""The tables. ``migrations/`` brings a database to them; a test compares the two."""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text, text

METADATA: Final = MetaData()

_HIDES: Final = text("type = 'hide'")

# SQLite counts on its own only in a column of exactly this type.
_SEQUENCE: Final = BigInteger().with_variant(Integer(), "sqlite")

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("event_id", Text, unique=True),
    Index("events_of_user", "user_id"),
    Index("events_that_hide", "sequence", sqlite_where=_HIDES, postgresql_where=_HIDES),
    # A number is never given twice, not even after the last event has gone.
    sqlite_autoincrement=True,
)

# One row: which log of events this is (``bitrecall.events.log``).
LOG: Final = Table("event_log", METADATA, Column("id", Text, primary_key=True))
