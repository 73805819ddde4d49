"""Add the log id, without which a sequence number does not identify an event."""

from secrets import token_hex

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table and its only row."""
    log = op.create_table("event_log", sa.Column("id", sa.Text, primary_key=True))
    op.bulk_insert(log, [{"id": token_hex(16)}])
