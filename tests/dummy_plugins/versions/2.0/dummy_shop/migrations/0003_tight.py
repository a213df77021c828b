"""Every order has a colour."""

import sqlalchemy as sa
from alembic import op

revision = "0003_tight"
down_revision = "0002_colour"
branch_labels = None
depends_on = None
phase = "contract"


def upgrade() -> None:
    with op.batch_alter_table("dummy_shop_order", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("colour", existing_type=sa.String(length=20), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("dummy_shop_order", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("colour", existing_type=sa.String(length=20), nullable=True)
