"""Connecting to SQLite or PostgreSQL, and turning their errors into ours."""

import ctypes
import logging
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InvalidatePoolError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from bitrecall.events.errors import EventsError, EventsUnavailableError
from bitrecall.events.sqlite_file import OpenFiles, SqliteFile
from bitrecall.extras import how_to_install

# Seconds to wait for a lock, for a connection and for an answer.
PATIENCE: Final = 10
# Of PostgreSQL's advisory locks, the one that writers of events hold.
WRITER_LOCK: Final = 0x6269_7472

_EXPECTED: Final = "expected sqlite:///PATH or postgresql://USER@HOST/NAME"
_FILE: Final = "bitrecall_file"

_log = logging.getLogger(__name__)


def engine_of(url: str) -> Engine:
    """An engine for ``sqlite:///PATH`` or ``postgresql://…``; it does not connect yet.

    A PostgreSQL URL may end with ``?password_file=PATH``: the password is then what that file
    holds, without the white space around it.

    Raises EventsError if the URL is not valid, of another kind of database, or names a password
    file that cannot be read.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise EventsError(f"invalid events URL: {_EXPECTED}") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        return _postgresql(parsed)
    raise EventsError(f"invalid events URL: {_EXPECTED}, not {backend!r}")


def file_of(engine: Engine) -> SqliteFile | None:
    """The file of a SQLite database; None for PostgreSQL, and for databases in memory."""
    file: SqliteFile | None = engine.get_execution_options().get(_FILE)
    return file


class _Connection(sqlite3.Connection):
    """A connection that knows which files it has open.

    Attributes:
        file: the name that it was opened by; None if that is none of a plain file.
        files: what the name stood for then.
    """

    file: SqliteFile | None = None
    files: OpenFiles | None = None

    def fault(self) -> str | None:
        """Why what it writes is not in the file of the name, None if it is."""
        return None if self.file is None or self.files is None else self.file.fault(self.files)

    def rescue(self) -> None:
        """Write what the log holds into the database, where one of them has lost its name."""
        if self.file is None or self.files is None or self.file.has_other_log(self.files):
            return
        with suppress(sqlite3.Error):
            self.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with suppress(OSError):
            self.file.drop_log(self.files)

    def close(self) -> None:
        """Close it, unless another file, or another log, has the name by now.

        Closing the last connection, SQLite writes the log that it has into the database, and
        removes that of the name. Such a connection stays open as long as the process lives.
        """
        if self.file is not None and self.files is not None:
            main = self.file.open_files().main
            if main not in (None, self.files.main) or self.file.has_other_log(self.files):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
                return
        super().close()


def _sqlite(url: URL) -> Engine:
    named = {"timeout": PATIENCE, "check_same_thread": False, "factory": _Connection}
    engine = create_engine(url, connect_args=named)
    database = url.database or ":memory:"
    file = None if database.startswith((":memory:", "file:")) else SqliteFile(database)
    engine.update_execution_options(**{_FILE: file})

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, arguments: Any, named: dict[str, Any]) -> None:
        if file is not None:
            arguments[0] = file.uri()
            named["uri"] = True

    @event.listens_for(engine, "connect")
    def prepare(connection: _Connection, record: object) -> None:
        cursor = connection.cursor()
        # Readers and the writer do not wait for each other; FULL has each commit on the disk.
        switch_to_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        # The log is opened by the first query.
        cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()
        cursor.close()
        connection.file = file
        connection.files = None if file is None else file.open_files()

    @event.listens_for(engine, "checkout")
    def look(connection: _Connection, record: object, proxy: object) -> None:
        if fault := connection.fault():
            connection.rescue()
            if file and connection.files and file.is_without_log(connection.files):
                raise EventsUnavailableError(fault)
            _log.warning("the events are read and written anew: %s", fault)
            raise InvalidatePoolError(fault)

    return engine


def rows_of(connection: Connection, statement: Select[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query as the driver gives them, which is several times as fast.

    Text that was not written by us need not be UTF-8: it comes with surrogates, by which
    ``bitrecall.events.rules`` knows it.
    """
    try:
        return _fetched(connection, statement)
    except OperationalError as error:
        driver = connection.connection.driver_connection
        if not isinstance(driver, _Connection) or "decode" not in str(error):
            raise
        driver.text_factory = _lenient
        try:
            return _fetched(connection, statement)
        finally:
            driver.text_factory = str


def _fetched(connection: Connection, statement: Select[Any]) -> list[tuple[Any, ...]]:
    result = connection.execute(statement)
    try:
        rows = list(result.cursor.fetchall())
    except sqlite3.Error as error:
        raise OperationalError(str(statement), None, error) from error
    finally:
        result.close()
    return rows


def _lenient(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def switch_to_wal(cursor: Any) -> None:
    """Have a SQLite file keep a write-ahead log.

    Where several come to a new file at once, SQLite has some of them fail at once, since they would
    wait for one another; these try again, for ``PATIENCE``.
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
    url = with_password(url)
    try:
        engine = create_engine(
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
        from psycopg.types.string import TextLoader
    except (ModuleNotFoundError, NoSuchModuleError):
        raise EventsError(
            "PostgreSQL needs the package psycopg: " + how_to_install("postgres")
        ) from None

    class LenientLoader(TextLoader):
        """Text of a database that does not say in which encoding it is."""

        def load(self, data: Any) -> str:
            return _lenient(bytes(data))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Text is UTF-8 as far as it is ours; the server would refuse to send any that is not.
            connection.execute("SET client_encoding TO 'SQL_ASCII'")
            connection.commit()
            for kind in ("text", "varchar", "name"):
                connection.adapters.register_loader(kind, LenientLoader)

    return engine


def with_password(url: URL, database: str = "the events database") -> URL:
    """The URL with the password of the file that ``?password_file=PATH`` names.

    Args:
        url: of any database.
        database: what to call it in messages.

    Raises EventsError if the file cannot be read.
    """
    path = url.query.get("password_file")
    if path is None:
        return url
    try:
        password = Path(str(path)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(
            f"the file with the password of {database} cannot be read: {error}"
        ) from None
    return url.difference_update_query(["password_file"]).set(password=password)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer's runs beside, so that numbers become durable in order.

    Once it is over, what was written is durable in the database of that name. Raises
    EventsUnavailableError.
    """
    with translated(engine), engine.connect() as connection:
        with connection.begin():
            if engine.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:lock)")
                connection.execute(lock, {"lock": WRITER_LOCK})
            yield connection
        written_to = connection.connection.driver_connection
        if isinstance(written_to, _Connection) and (fault := written_to.fault()):
            written_to.rescue()
            if written_to.file is not None and written_to.files is not None:
                written_to.file.is_without_log(written_to.files)
            raise EventsUnavailableError(fault)


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
    except InvalidatePoolError as error:
        raise EventsUnavailableError(str(error)) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        where = engine.url.render_as_string(hide_password=True)
        raise EventsUnavailableError(f"the events at {where}: {reason}") from error
