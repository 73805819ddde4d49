"""Bringing a database to the tables of this version, with Alembic."""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, text

from bitrecall.events.database import reading, writing
from bitrecall.events.errors import EventsSchemaError

# The version of the tables: that of the last migration.
VERSION: Final = "0003"

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run the migrations that a database lacks, all or none; one process at a time.

    Raises EventsSchemaError where its tables are of a later version, and EventsUnavailableError.
    """
    found = version_of(engine)
    if found == VERSION:
        return
    # Only here, for it takes longer to load than the rest of the service to start.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise EventsSchemaError(
            f"the tables of the events are of version {found}, which this Bitrecall does not know: "
            "use the one that made them, or a later one"
        )
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            # Or else two processes would both find nothing and make the tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_schema(engine: Engine) -> None:
    """Raise EventsSchemaError unless the tables are those of this version."""
    found = version_of(engine)
    if found != VERSION:
        raise EventsSchemaError(
            f"the tables of the events are of version {found}, and this Bitrecall wants {VERSION}: "
            "run 'bitrecall events migrate'"
        )


def version_of(engine: Engine) -> str | None:
    """The version of a database's tables, None where it has none. EventsUnavailableError."""
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar()
        return found
