"""Rows that were inserted with SQL: each can be read and checked."""

from pathlib import Path

import pytest
from sqlalchemy import text

from bitrecall.events.engine import make_engine
from bitrecall.events.event import HIDE, Event
from bitrecall.events.rules import event_fault
from bitrecall.events.store import EventStore
from tests.tools.postgres import new_database

NOW = 1_800_000_000.0


def faults(store: EventStore) -> list[str | None]:
    return [event_fault(*event[1:], NOW) for event in store.all_after(0)]


def execute(url: str, *statements: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_reads_invalid_values(url: str, store: EventStore) -> None:
    sqlite = url.startswith("sqlite")
    store.append([Event("u", "i", "view", 1.0)])
    infinite, number = ("9e999", "7") if sqlite else ("'Infinity'", "'NaN'")
    execute(
        url,
        *(
            f"INSERT INTO events (user_id, item_id, type, at) VALUES ({values})"
            for values in (
                "'', 'i', 'view', 1",
                "'u', '', 'view', 1",
                "'u', 'i', 'VIEW', 1",
                f"'u', 'i', 'view', {infinite}",
                f"'u', 'i', 'view', -{infinite}" if sqlite else "'u', 'i', 'view', '-Infinity'",
                f"'u', 'i', 'view', {number}",
                "'u', 'i', 'hide', 1e300",
            )
        ),
        "INSERT INTO events (sequence, user_id, item_id, type, at) "
        "VALUES (5000000000, 'u', 'far', 'view', 1)",
    )
    event_faults = faults(store)
    assert event_faults[0] is None
    for fault, start in zip(
        event_faults[1:6], ["user id", "item id", "type", "time", "time"], strict=True
    ):
        assert str(fault).startswith(f"the {start}")
    assert event_faults[6] == (None if sqlite else "the time is not a number")
    assert event_faults[7:] == [None, None]
    assert [hide.item_id for hide in store.hide_events(10)] == ["i"]
    assert store.find(kind=HIDE)[0].at == 1e300


@pytest.fixture
def ascii_url(postgres_server: str) -> str:
    """The URL of a database that does not declare the encoding of its text."""
    options = "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    return new_database(postgres_server, options)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_reads_text_that_is_not_utf8(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = kind == "sqlite"
    url = f"sqlite:///{tmp_path}/events.db" if sqlite else request.getfixturevalue("ascii_url")
    store = EventStore(url)
    store.append([Event("ü", "i", "view", 1.0)])
    invalid = "CAST(x'ff41' AS TEXT)" if sqlite else r"E'\xff\x41'"
    values = f"VALUES ({invalid}, 'i', 'view', 1)"
    execute(url, f"INSERT INTO events (user_id, item_id, type, at) {values}")
    store.append([Event("ö", "i", "view", 1.0)])
    for _ in range(2):
        assert faults(store) == [None, "the user id is not valid Unicode", None]
        assert [stored.user_id for stored in store.all_after(0)] == ["ü", "\udcffA", "ö"]
    store.close()
