"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Migrate the tables from the previous version to this one."""
    ${upgrades if upgrades else "pass"}
