"""The events database: opened on first use, migrated, and checked again after failures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import cast

from sqlalchemy import Connection
from sqlalchemy.pool import QueuePool

from bitrecall.events.engine import make_engine, read_connection, write_transaction
from bitrecall.events.errors import EventsUnavailableError
from bitrecall.events.log import counter_lags, read_state, skip_to
from bitrecall.events.migration import check_schema, migrate, schema_version
from bitrecall.events.sqlite_engine import sqlite_file_of
from bitrecall.events.sqlite_file import FileId, file_id
from bitrecall.events.timeouts import TIMEOUT_S


class EventDatabase:
    """Connections to a database with the tables of this version.

    It connects on first use. Missing tables are then created, and tables of an earlier version
    migrated, unless ``create`` is false. Safe to use from several threads and processes.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        create: whether to create and migrate tables; if not, they must be there.

    Attributes:
        engine: the SQLAlchemy engine.

    Raises:
        EventsError: the URL is invalid.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.engine = make_engine(url)
        self._create = create
        self._opening = Lock()
        self._is_open = self._was_open = False
        self._file = sqlite_file_of(self.engine)
        self._file_id: FileId = None
        if self._file is not None:
            self._file.must_exist = not create

    def open(self) -> None:
        """Connect, migrate and check the tables now instead of on first use.

        A database that disappears later is not created again: it has to be put back.

        Raises:
            EventsUnavailableError: the database cannot be reached.
            EventsSchemaError: its tables are missing or of another version.
        """
        with self._opening:
            current = None if self._file is None else file_id(self._file.path)
            if self._is_open and current == self._file_id:
                return
            self._is_open = False
            if self._create and (not self._was_open or schema_version(self.engine) is not None):
                migrate(self.engine)
            check_schema(self.engine)
            if self._create:
                self._align_counter()
            self._is_open = self._was_open = True
            if self._file is not None:
                self._file.must_exist = self._file.was_open = True
                self._file_id = file_id(self._file.path)

    def close(self) -> None:
        """Wait until other threads have returned their connections, then close all."""
        deadline = time.monotonic() + TIMEOUT_S
        pool = cast(QueuePool, self.engine.pool)
        while pool.checkedout() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading; see ``open`` for errors."""
        self.open()
        with self._recheck_after_failure(), read_connection(self.engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that excludes all other writers; see ``open`` for errors."""
        self.open()
        with self._recheck_after_failure(), write_transaction(self.engine) as connection:
            yield connection

    @contextmanager
    def _recheck_after_failure(self) -> Iterator[None]:
        """Check the tables again after a failure: it may be another database by then."""
        try:
            yield
        except EventsUnavailableError:
            self._is_open = False
            raise

    def _align_counter(self) -> None:
        with read_connection(self.engine) as connection:
            if not counter_lags(connection):
                return
        with write_transaction(self.engine) as connection:
            skip_to(connection, read_state(connection).last)
