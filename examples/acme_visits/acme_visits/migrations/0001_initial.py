"""Initial."""

import sqlalchemy as sa
from alembic import op

revision = "0001_initial"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acme_visits_visit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("branch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("source_digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_row", sa.BigInteger(), nullable=True),
        sa.Column("created_batch_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["branch_id"], ["core_branch.id"], name=op.f("fk_acme_visits_visit_branch_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["crm_customers_customer.id"],
            name=op.f("fk_acme_visits_visit_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acme_visits_visit")),
        info={"owner": "acme_visits"},
        sqlite_autoincrement=True,
    )
    op.create_table(
        "acme_visits_customer_wish",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("best_time", sa.String(length=10), nullable=True),
        sa.Column("call_before", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id"], ["crm_customers_customer.id"], name=op.f("fk_acme_visits_customer_wish_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acme_visits_customer_wish")),
        info={"owner": "acme_visits"},
        sqlite_autoincrement=True,
    )
    op.create_index("ix_acme_visits_visit_branch_id", "acme_visits_visit", ["branch_id"])
    op.create_index("ix_acme_visits_visit_customer_id", "acme_visits_visit", ["customer_id", "done"])
    op.create_index("uq_acme_visits_visit_source", "acme_visits_visit", ["source_key", "source"], unique=True)


def downgrade() -> None:
    op.drop_table("acme_visits_customer_wish")
    op.drop_table("acme_visits_visit")
