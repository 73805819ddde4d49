"""The current tables; a test compares them with the result of the scripts in ``migrations/``."""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text, text

METADATA: Final = MetaData()

_IS_HIDE: Final = text("type = 'hide'")

# SQLite assigns numbers only in a column of exactly the type INTEGER.
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
    Index("events_that_hide", "sequence", sqlite_where=_IS_HIDE, postgresql_where=_IS_HIDE),
    # Never reuse a sequence number, not even after the last event was removed.
    sqlite_autoincrement=True,
)

# One row: the log id (``bitrecall.events.log``).
LOG: Final = Table("event_log", METADATA, Column("id", Text, primary_key=True))
