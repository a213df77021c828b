"""Search index, and the triggers that keep the audit trail append-only."""

import sqlalchemy as sa
from alembic import op

from core.search import index
from core.security.audit import APPEND_ONLY

revision = "0002_search_and_audit"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    index.create(connection)
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.execute(sa.text(statement))


def downgrade() -> None:
    connection = op.get_bind()
    connection.execute(sa.text("DROP TABLE core_search"))
    if connection.dialect.name == "sqlite":
        for name in ("update", "delete"):
            connection.execute(sa.text(f"DROP TRIGGER core_audit_entry_{name}"))
    else:
        connection.execute(sa.text("DROP TRIGGER core_audit_entry_guard ON core_audit_entry"))
        connection.execute(sa.text("DROP FUNCTION core_audit_entry_guard()"))
