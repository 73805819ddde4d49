"""Connecting to SQLite or PostgreSQL, and turning their errors into ours."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from events.errors import EventsError, EventsUnavailableError

# Seconds to wait for a lock, for a connection and for an answer.
PATIENCE: Final = 10
# Of PostgreSQL's advisory locks, the one that writers of events hold.
WRITER_LOCK: Final = 0x6269_7472


def engine_of(url: str) -> Engine:
    """An engine for ``sqlite:///PATH`` or ``postgresql://…``; it does not connect yet.

    A PostgreSQL URL may end with ``?password_file=PATH``: the password is then what that file
    holds, without the white space around it.

    Raises EventsError where the URL is none, or of another database, or there is no such file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise EventsError(
            "the URL of the events is none: want sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        return _postgresql(parsed)
    raise EventsError(f"events can be kept in SQLite or PostgreSQL, not in {backend!r}")


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        # Readers and the writer do not wait for each other; FULL has each commit on the disk.
        switch_to_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine


def switch_to_wal(cursor: Any) -> None:
    """Have a SQLite file keep a write-ahead log.

    Where several come to a new file at once, SQLite has some of them fail at once, since they would
    wait for one another; these try again, for `PATIENCE`.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
        else:
            return


def _postgresql(url: URL) -> Engine:
    url = _with_password(url)
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_timeout=PATIENCE,
            connect_args={
                "connect_timeout": PATIENCE,
                "options": f"-c statement_timeout={PATIENCE * 1000} -c synchronous_commit=on",
                # Whatever the encoding of the database is.
                "client_encoding": "utf8",
            },
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise EventsError(
            "PostgreSQL needs the package psycopg: pip install 'bitrecall[postgres]'"
        ) from None


def _with_password(url: URL) -> URL:
    path = url.query.get("password_file")
    if path is None:
        return url
    try:
        password = Path(str(path)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(
            f"the file of the password of the events cannot be read: {error}"
        ) from None
    return url.difference_update_query(["password_file"]).set(password=password)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer's runs beside, so that numbers become durable in order.

    Raises EventsUnavailableError.
    """
    with translated(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:lock)")
            connection.execute(lock, {"lock": WRITER_LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from. Raises EventsUnavailableError."""
    with translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn what the database says into an EventsUnavailableError, without any password."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        where = engine.url.render_as_string(hide_password=True)
        raise EventsUnavailableError(f"the events at {where}: {reason}") from error
