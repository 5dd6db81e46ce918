"""From which sum on a seller is told of a payment; and disputed payments found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0088"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "large_thresholds",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("least_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_large_thresholds_mode")),
        sa.CheckConstraint("least_minor > 0", name=op.f("ck_large_thresholds_least")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_large_thresholds_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "currency", name=op.f("pk_large_thresholds")),
    )
    op.create_index("ix_payments_disputed", "payments", ["vendor_id", "mode", "id"], postgresql_where="disputed_minor > 0")


def downgrade() -> None:
    """As it was."""
    op.drop_index("ix_payments_disputed", "payments")
    op.drop_table("large_thresholds")
