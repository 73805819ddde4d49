"""Stream the rows of a query to a relational database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import polars as pl
from sqlalchemy import Connection, CursorResult, Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bitrecall.events.errors import EventsError
from bitrecall.events.postgres_engine import with_password
from bitrecall.training.data.tables.python_values import series_of
from bitrecall.training.data.tables.table_source import RowBatch
from bitrecall.training.errors import DataError

__all__ = ["SqlSource", "is_database"]

_ROWS: Final = 50_000
_SAMPLE: Final = 200
_DRIVERS: Final[Mapping[str, str]] = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_EXAMPLES: Final = "sqlite:///PATH, postgresql://USER@HOST/NAME or mysql://USER@HOST/NAME"


def is_database(data: str | Path) -> bool:
    """Whether ``data`` is the URL of a database, not a path."""
    return "://" in str(data)


class SqlSource:
    """The rows of a query in batches, in the order in which the database returns them.

    The query runs once, on a separate read-only connection. If the driver supports server-side
    cursors, unread rows stay on the server.

    Args:
        url: SQLAlchemy URL of the database; ``?password_file=PATH`` reads the password from a
            file.
        query: query in the SQL of the database.

    Raises:
        DataError: the URL is not valid, its driver is missing, the database cannot be reached, or
            the query fails.
    """

    unit = "row"

    def __init__(self, url: str, query: str | None) -> None:
        parsed = _parsed(url)
        self.label = _without_secrets(parsed)
        if query is None or not query.strip():
            raise DataError(
                "a database needs --query, such as --query 'select user_id, item_id, at from "
                "orders'",
                file=self.label,
            )
        self.notes: tuple[str, ...] = ()
        self._first: Sequence[Any] = ()
        self._engine = _engine(parsed, self.label)
        self._connection: Connection | None = None
        self._result: CursorResult[Any] | None = None
        try:
            self._connection = _read_only(self._engine.connect())
            self._result = self._execute(self._connection, query)
            names = self._result.keys()
            self.names = [str(name).strip() for name in names]
        except SQLAlchemyError as error:
            self.close()
            raise self._failed(error) from None
        except DataError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the query and the connection."""
        # Closing a lost connection fails, which does not matter.
        for resource in (self._result, self._connection):
            if resource is not None:
                with suppress(SQLAlchemyError):
                    resource.close()
        self._engine.dispose()

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns; possible only once.

        Raises:
            DataError: the database fails, or a column has values without a common type.
        """
        if self._result is None:
            return
        places = [self.names.index(name) for name in names]
        row = 1
        try:
            for rows in self._result.partitions(_ROWS):
                self._first = self._first or rows[:_SAMPLE]
                columns = list(zip(*rows, strict=True))
                frame = pl.DataFrame(
                    [
                        series_of(name, columns[place], self.label)
                        for name, place in zip(names, places, strict=True)
                    ]
                )
                yield RowBatch(frame, np.arange(row, row + len(rows), dtype=np.int64))
                row += len(rows)
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def sample(self) -> pl.DataFrame:
        """Return the first rows of those that were read, with all columns."""
        if len(set(self.names)) < len(self.names):
            return pl.DataFrame()
        columns = list(zip(*self._first, strict=True)) or [()] * len(self.names)
        return pl.DataFrame(
            [
                series_of(name, values, self.label)
                for name, values in zip(self.names, columns, strict=True)
            ]
        )

    def _execute(self, connection: Connection, query: str) -> CursorResult[Any]:
        # Passed to the driver unchanged: colons and percent signs in it are not parameters.
        streamed = connection.execution_options(
            stream_results=True, yield_per=_ROWS, no_parameters=True
        )
        result = streamed.exec_driver_sql(query)
        if not result.returns_rows:
            raise DataError("the query returns no rows: expected a select", file=self.label)
        return result

    def _failed(self, error: SQLAlchemyError) -> DataError:
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        password = self._engine.url.password
        if password:
            reason = reason.replace(str(password), "***")
        return DataError(f"the query failed: {reason}", file=self.label)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        return with_password(parsed, "the database")
    except EventsError as error:
        raise DataError(str(error)) from None
    except (ArgumentError, ValueError):
        # The URL is not shown, because it may contain a password.
        raise DataError(f"invalid database URL: expected {_EXAMPLES}") from None


def _without_secrets(url: URL) -> str:
    """Format the URL without its password and its query, which may contain passwords."""
    return url.set(password=None, query={}).render_as_string(hide_password=True)


def _engine(url: URL, label: str) -> Engine:
    backend = url.get_backend_name()
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    if backend == "sqlite" and url.database and not Path(url.database).is_file():
        raise DataError("no such database file", file=url.database)
    try:
        return create_engine(url, poolclass=NullPool)
    except NoSuchModuleError:
        raise DataError(
            f"unknown database {backend!r}: expected {_EXAMPLES}, or install the SQLAlchemy "
            "dialect for it",
            file=label,
        ) from None
    except ModuleNotFoundError as error:
        raise DataError(
            f"the driver {url.drivername} is missing: pip install {_package(error.name)}",
            file=label,
        ) from None
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise DataError(f"invalid database URL: {error}", file=label) from None


def _read_only(connection: Connection) -> Connection:
    """Make the connection read-only: SQLite and MySQL would commit a ``drop table`` at once."""
    match connection.dialect.name:
        case "sqlite":
            connection.exec_driver_sql("pragma query_only = on")
        case "mysql" | "mariadb":
            connection.exec_driver_sql("set session transaction read only")
        case "postgresql":
            return connection.execution_options(postgresql_readonly=True)
    return connection


def _package(module: str | None) -> str:
    return {"psycopg": "'psycopg[binary]'", "MySQLdb": "mysqlclient"}.get(module or "", str(module))
