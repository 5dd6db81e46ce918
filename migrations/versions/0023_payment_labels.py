"""Payments are filed under labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "payment_labels",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(30), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payment_labels_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_payment_labels_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", "label", name=op.f("pk_payment_labels")),
    )
    op.create_index("ix_payment_labels_by_label", "payment_labels", ["vendor_id", "mode", "label", "payment_id"])


def downgrade() -> None:
    """Take it down again."""
    op.drop_table("payment_labels")
