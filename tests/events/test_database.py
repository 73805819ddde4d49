"""Opening and closing an events database."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from bitrecall.events.errors import EventsError, EventsSchemaError, EventsUnavailableError
from bitrecall.events.store import EventStore
from tests.events.store_events import event

pytestmark = pytest.mark.slow


def test_concurrent_stores_create_the_tables_once(url: str) -> None:
    failures: list[Exception] = []

    def open_and_append() -> None:
        store = EventStore(url)
        try:
            store.open()
            store.append([event()])
        except Exception as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=open_and_append) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = EventStore(url)
    assert len(store.after(0)) == 6
    store.close()


def test_rejects_a_database_without_tables_unless_it_may_create_them(url: str) -> None:
    store = EventStore(url, create=False)
    with pytest.raises(EventsSchemaError, match=r"events migrate"):
        store.append([event()])
    store.close()


def test_reading_does_not_create_a_database(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path}/events.db", create=False)
    with pytest.raises(
        EventsSchemaError, match=rf"events database not found: {tmp_path}/events\.db"
    ):
        store.last_sequence()
    store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "invalid events URL: expected sqlite"),
        ("", "invalid events URL"),
        ("postgresql://host:port/x", "invalid events URL"),
        ("mysql://localhost/x", "not 'mysql'"),
    ],
)
def test_rejects_an_invalid_url(url: str, message: str) -> None:
    with pytest.raises(EventsError, match=message):
        EventStore(url)


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all/events.db", "postgresql://me:secret@127.0.0.1:1/x"],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.open(),
        lambda store: store.append([event()]),
        lambda store: store.after(0),
        lambda store: store.forget("a"),
    ],
)
def test_reports_an_unreachable_database_without_its_password(
    url: str, use: Callable[[EventStore], object]
) -> None:
    store = EventStore(url)
    with pytest.raises(EventsUnavailableError) as caught:
        use(store)
    assert "events database at " in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    store.close()


def test_closing_waits_for_running_statements(url: str) -> None:
    store = EventStore(url)
    store.open()
    reading, closed = threading.Event(), []

    def read_slowly() -> None:
        with store.database.engine.connect() as connection:
            connection.execute(select(1))
            reading.set()
            while not closing.is_alive():
                pass
            closed.append(False)

    def close() -> None:
        store.close()
        closed.append(True)

    thread, closing = threading.Thread(target=read_slowly), threading.Thread(target=close)
    thread.start()
    reading.wait()
    closing.start()
    thread.join()
    closing.join()
    assert closed == [False, True]
