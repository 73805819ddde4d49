"""An index of the events that hide an item, which every release that is loaded asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    only = sa.text("type = 'hide'")
    op.create_index(
        "events_that_hide", "events", ["sequence"], sqlite_where=only, postgresql_where=only
    )
