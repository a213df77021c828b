"""A colour for orders, and tags."""

import sqlalchemy as sa
from alembic import op

revision = "0002_colour"
down_revision = "0001_initial"
branch_labels = None
depends_on = None
phase = "expand"
backfill = "dummy_shop.fill"


def upgrade() -> None:
    op.add_column("dummy_shop_order", sa.Column("colour", sa.String(length=20), nullable=True))
    op.create_table(
        "dummy_shop_tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["dummy_shop_order.id"], name=op.f("fk_dummy_shop_tag_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dummy_shop_tag")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("dummy_shop_tag")
    with op.batch_alter_table("dummy_shop_order", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_column("colour")
