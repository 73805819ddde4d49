"""SQLite engines whose connections detect that their file was removed or replaced."""

from __future__ import annotations

import ctypes
import logging
import random
import sqlite3
import time
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

from bitrecall.events.errors import EventsUnavailableError
from bitrecall.events.sqlite_file import OpenFiles, SqliteFile
from bitrecall.events.timeouts import TIMEOUT_S

_FILE_OPTION: Final = "bitrecall_file"

_log = logging.getLogger(__name__)


def sqlite_engine(url: URL) -> Engine:
    """Make an engine for a SQLite database, with a write-ahead log and durable commits.

    Before each use of a connection, the engine checks that the path still names the files that
    the connection has open. If not, it closes all connections.
    """
    options = {"timeout": TIMEOUT_S, "check_same_thread": False, "factory": TrackedConnection}
    engine = create_engine(url, connect_args=options)
    database = url.database or ":memory:"
    file = None if database.startswith((":memory:", "file:")) else SqliteFile(database)
    engine.update_execution_options(**{_FILE_OPTION: file})

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, arguments: Any, options: dict[str, Any]) -> None:
        if file is not None:
            arguments[0] = file.uri()
            options["uri"] = True

    @event.listens_for(engine, "connect")
    def prepare(connection: TrackedConnection, record: object) -> None:
        cursor = connection.cursor()
        # With WAL, readers and the writer do not block each other; FULL syncs each commit to disk.
        enable_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        # SQLite opens the log with the first query.
        cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()
        cursor.close()
        connection.file = file
        connection.files = None if file is None else file.open_files()

    @event.listens_for(engine, "checkout")
    def check(connection: TrackedConnection, record: object, proxy: object) -> None:
        if fault := connection.fault():
            connection.save_log()
            if file and connection.files and file.lost_log(connection.files):
                raise EventsUnavailableError(fault)
            _log.warning("reconnecting to the events database: %s", fault)
            raise InvalidatePoolError(fault)

    return engine


def sqlite_file_of(engine: Engine) -> SqliteFile | None:
    """Return the file of a SQLite database; None for PostgreSQL and for databases in memory."""
    file: SqliteFile | None = engine.get_execution_options().get(_FILE_OPTION)
    return file


class TrackedConnection(sqlite3.Connection):
    """A SQLite connection that knows which files it has open.

    Attributes:
        file: the database file by name; None for a database in memory.
        files: the files that the name stood for when the connection was opened.
    """

    file: SqliteFile | None = None
    files: OpenFiles | None = None

    def fault(self) -> str | None:
        """Return why writes do not reach the named file; None if they do."""
        return None if self.file is None or self.files is None else self.file.fault(self.files)

    def save_log(self) -> None:
        """Write the log into the database file after one of the two has lost its name."""
        if self.file is None or self.files is None or self.file.has_other_log(self.files):
            return
        with suppress(sqlite3.Error):
            self.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with suppress(OSError):
            self.file.drop_log(self.files)

    def close(self) -> None:
        """Close the connection, unless another file or log has taken the name.

        When SQLite closes the last connection, it writes its log into its database file and then
        removes the log by name. If that name belongs to another database by now, the connection
        must stay open until the process ends.
        """
        if self.file is not None and self.files is not None:
            main = self.file.open_files().main
            if main not in (None, self.files.main) or self.file.has_other_log(self.files):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
                return
        super().close()


def enable_wal(cursor: Any) -> None:
    """Switch a SQLite file to a write-ahead log.

    When several processes open a new file at the same time, SQLite fails some of them at once
    with SQLITE_BUSY, because waiting would be a deadlock. Retry these for ``TIMEOUT_S``.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
        else:
            return
