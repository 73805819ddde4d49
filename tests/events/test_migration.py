import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from bitrecall.events.engine import make_engine
from bitrecall.events.errors import EventsSchemaError
from bitrecall.events.event import Event
from bitrecall.events.migration import VERSION, migrate, schema_version
from bitrecall.events.store import EventStore
from bitrecall.events.tables import METADATA


def test_the_migrations_create_the_declared_tables(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_rejects_and_keeps_tables_of_a_later_version(url: str, store: EventStore) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for create, message in (
        (True, "which this version of Bitrecall does not know"),
        (False, f"needs {VERSION}"),
    ):
        other = EventStore(url, create=create)
        with pytest.raises(EventsSchemaError, match=f"version 9999.*{message}"):
            other.open()
        other.close()
    engine.dispose()


def test_migrates_an_earlier_version_and_keeps_its_events(url: str) -> None:
    store = EventStore(url)
    store.append([Event("u", item, "view", 1.0) for item in "abc"])
    store.close()
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE event_log"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    engine.dispose()
    reader = EventStore(url, create=False)
    with pytest.raises(EventsSchemaError, match=r"version 0002.*needs 0003.*events migrate"):
        reader.last_sequence()
    reader.close()
    store = EventStore(url)
    assert [stored.item_id for stored in store.after(0)] == ["a", "b", "c"]
    assert len(store.state().log_id) == 32
    store.close()


def test_a_new_database_has_the_version_of_the_last_migration(url: str, store: EventStore) -> None:
    engine = make_engine(url)
    assert schema_version(engine) == VERSION
    engine.dispose()
