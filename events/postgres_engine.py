"""PostgreSQL engines, with the password read from a file if the URL names one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError

from bitrecall.events.errors import EventsError
from bitrecall.events.text_decoding import decode_leniently
from bitrecall.events.timeouts import TIMEOUT_S
from bitrecall.extras import how_to_install


def postgres_engine(url: URL) -> Engine:
    """Make an engine for PostgreSQL, with durable commits and timeouts.

    Raises:
        EventsError: psycopg is not installed, or the password file cannot be read.
    """
    url = with_password(url)
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_timeout=TIMEOUT_S,
            connect_args={
                "connect_timeout": TIMEOUT_S,
                "options": f"-c statement_timeout={TIMEOUT_S * 1000} -c synchronous_commit=on",
                # Independent of the encoding of the database.
                "client_encoding": "utf8",
            },
        )
        from psycopg.types.string import TextLoader
    except (ModuleNotFoundError, NoSuchModuleError):
        raise EventsError(
            "PostgreSQL needs the package psycopg: " + how_to_install("postgres")
        ) from None

    class LenientLoader(TextLoader):
        """Loads text of a database that does not declare its encoding."""

        def load(self, data: Any) -> str:
            return decode_leniently(bytes(data))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Bitrecall writes UTF-8. With client_encoding utf8 the server would refuse to send
            # text of other programs that is not.
            connection.execute("SET client_encoding TO 'SQL_ASCII'")
            connection.commit()
            for kind in ("text", "varchar", "name"):
                connection.adapters.register_loader(kind, LenientLoader)

    return engine


def with_password(url: URL, database: str = "the events database") -> URL:
    """Return the URL with the password from the file that ``?password_file=PATH`` names.

    Args:
        url: of any database; it is returned unchanged if it names no password file.
        database: what to call the database in messages.

    Raises:
        EventsError: the file cannot be read.
    """
    path = url.query.get("password_file")
    if path is None:
        return url
    try:
        password = Path(str(path)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(f"cannot read the password file of {database}: {error}") from None
    return url.difference_update_query(["password_file"]).set(password=password)
