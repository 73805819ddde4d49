"""Add an index of the events that hide an item, which are read for every loaded release."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the index."""
    is_hide = sa.text("type = 'hide'")
    op.create_index(
        "events_that_hide", "events", ["sequence"], sqlite_where=is_hide, postgresql_where=is_hide
    )
