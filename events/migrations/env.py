"""Alembic environment: run the migrations on the connection of the caller."""

from alembic import context

from bitrecall.events.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
