"""SQLAlchemy engines for the events database, and connections with translated errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
)

from bitrecall.events.errors import EventsError, EventsUnavailableError
from bitrecall.events.postgres_engine import postgres_engine
from bitrecall.events.sqlite_engine import TrackedConnection, sqlite_engine
from bitrecall.events.text_decoding import decode_leniently

# Key of PostgreSQL's advisory lock that a writer of events holds.
_WRITER_LOCK: Final = 0x6269_7472

_EXPECTED: Final = "expected sqlite:///PATH or postgresql://USER@HOST/NAME"


def make_engine(url: str) -> Engine:
    """Make an engine for ``sqlite:///PATH`` or ``postgresql://…``, without connecting.

    A PostgreSQL URL may end with ``?password_file=PATH``: the password is then the content of
    that file, without surrounding white space.

    Raises:
        EventsError: the URL is invalid, is of another kind of database, or names a password file
            that cannot be read.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise EventsError(f"invalid events URL: {_EXPECTED}") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return sqlite_engine(parsed)
    if backend == "postgresql":
        return postgres_engine(parsed)
    raise EventsError(f"invalid events URL: {_EXPECTED}, not {backend!r}")


def fetch_rows(connection: Connection, statement: Select[Any]) -> list[tuple[Any, ...]]:
    """Fetch all rows of a query directly from the driver, which is several times as fast.

    Text that other programs wrote may be invalid UTF-8. It is decoded with surrogate escapes,
    which ``bitrecall.events.rules`` rejects.
    """
    try:
        return _fetch(connection, statement)
    except OperationalError as error:
        driver = connection.connection.driver_connection
        if not isinstance(driver, TrackedConnection) or "decode" not in str(error):
            raise
        driver.text_factory = decode_leniently
        try:
            return _fetch(connection, statement)
        finally:
            driver.text_factory = str


def _fetch(connection: Connection, statement: Select[Any]) -> list[tuple[Any, ...]]:
    result = connection.execute(statement)
    try:
        rows = list(result.cursor.fetchall())
    except sqlite3.Error as error:
        raise OperationalError(str(statement), None, error) from error
    finally:
        result.close()
    return rows


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that excludes all other writers.

    One writer at a time makes sequence numbers durable in order. After a normal exit the changes
    are durable in the database at the configured path or address.

    Raises:
        EventsUnavailableError: the database cannot be reached or written, or its file was removed
            or replaced before the commit.
    """
    with translate_errors(engine), engine.connect() as connection:
        with connection.begin():
            if engine.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:lock)")
                connection.execute(lock, {"lock": _WRITER_LOCK})
            yield connection
        driver = connection.connection.driver_connection
        if isinstance(driver, TrackedConnection) and (fault := driver.fault()):
            driver.save_log()
            if driver.file is not None and driver.files is not None:
                driver.file.lost_log(driver.files)
            raise EventsUnavailableError(fault)


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """Open a connection for reading.

    Raises:
        EventsUnavailableError: the database cannot be reached or read.
    """
    with translate_errors(engine), engine.connect() as connection:
        yield connection


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn errors of the database into EventsUnavailableError, without any password."""
    try:
        yield
    except InvalidatePoolError as error:
        raise EventsUnavailableError(str(error)) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        url = engine.url.render_as_string(hide_password=True)
        raise EventsUnavailableError(f"the events database at {url}: {reason}") from error
