"""Alembic's entry: runs the revisions on the connection that `pse.core.database` hands over."""

from alembic import context

from pse.core.database import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
