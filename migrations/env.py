"""The Alembic environment: one owner at a time, in its own version table; called through `core.db.migrate` only."""

from alembic import context

from core.db.revisions import configure

configure(context)
with context.begin_transaction():
    context.run_migrations()
