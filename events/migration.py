"""Bringing a database to the tables of this version, with Alembic."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from events.database import reading, writing
from events.errors import EventsSchemaError

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run the migrations that a database lacks, all or none; one process at a time.

    Raises EventsSchemaError where its tables are of a later version, and EventsUnavailableError.
    """
    config = _config()
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
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
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted:
        raise EventsSchemaError(
            f"the tables of the events are of version {found}, and this Bitrecall wants {wanted}: "
            "run 'bitrecall events migrate'"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config
