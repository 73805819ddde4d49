"""Migrating a database to the tables of this version, with Alembic."""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, text

from bitrecall.events.engine import read_connection, write_transaction
from bitrecall.events.errors import EventsSchemaError

VERSION: Final = "0003"
"""Version of the tables: the revision of the last migration."""

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run the missing migrations, all or none, one process at a time.

    Raises:
        EventsSchemaError: the tables belong to a later version.
        EventsUnavailableError: the database cannot be reached or written.
    """
    version = schema_version(engine)
    if version == VERSION:
        return
    # Imported here because Alembic takes longer to load than the rest of the service to start.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise EventsSchemaError(
            f"the events tables have version {version}, which this version of Bitrecall does not "
            "know: use the version that created them, or a later one"
        )
    with write_transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            # Otherwise two processes would both find no tables and create them.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_schema(engine: Engine) -> None:
    """Check that the tables are those of this version.

    Raises:
        EventsSchemaError: the tables are missing or of another version.
        EventsUnavailableError: the database cannot be reached.
    """
    version = schema_version(engine)
    if version is None:
        raise EventsSchemaError(
            "the events database has no events tables: run 'bitrecall events migrate'"
        )
    if version != VERSION:
        raise EventsSchemaError(
            f"the events tables have version {version}, and this version of Bitrecall needs "
            f"{VERSION}: run 'bitrecall events migrate'"
        )


def schema_version(engine: Engine) -> str | None:
    """Read the version of the tables; None without tables.

    Raises:
        EventsUnavailableError: the database cannot be reached.
    """
    with read_connection(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar()
        return version
