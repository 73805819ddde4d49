import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from events.database import engine_of
from events.errors import EventsSchemaError
from events.migration import migrate
from events.store import EventStore
from events.tables import METADATA


def test_the_migrations_lead_to_the_tables(url: str) -> None:
    engine = engine_of(url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_tables_of_a_later_version_are_refused_and_left_alone(url: str, store: EventStore) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(EventsSchemaError, match="version 9999, which this Bitrecall does not know"):
        store.open()
    with pytest.raises(EventsSchemaError, match="version 9999"):
        store.open(create=False)
    engine.dispose()
