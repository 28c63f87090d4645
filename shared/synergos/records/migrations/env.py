"""Where Alembic begins: it loads this file and migrates on the connection that it was handed."""

from __future__ import annotations

from alembic import context

# Whoever hands in the connection also begins and ends the transaction.
context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
