"""Refund links: to which account a payer's refund goes when it cannot go back the way it came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0079"
T = "refund_claims"
REFUNDS = ["refunds.vendor_id", "refunds.mode", "refunds.id"]


def upgrade() -> None:
    """Build it."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        T,
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("holder", sa.String(70), nullable=False, server_default=""),
        sa.Column("iban", sa.String(34), nullable=False, server_default=""),
        sa.Column("claimed_at", moment, nullable=True),
        sa.Column("decided_by", sa.String(60), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("reason", sa.String(300), nullable=False, server_default=""),
        sa.Column("paid_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", moment, nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_refund_claims_mode")),
        sa.CheckConstraint(
            "state IN ('approved', 'claimed', 'expired', 'failed', 'open', 'paid', 'refused', 'revoked')",
            name=op.f("ck_refund_claims_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_claims_amount")),
        sa.CheckConstraint("state IN ('open', 'expired', 'revoked') OR claimed_at IS NOT NULL", name=op.f("ck_refund_claims_claimed")),
        sa.CheckConstraint("(paid_by IS NOT NULL) = (state IN ('approved', 'paid', 'failed'))", name=op.f("ck_refund_claims_paid_by")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_refund_claims_payments"),
        ),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "refund_id"], REFUNDS, name="fk_refund_claims_refund"),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "paid_by"], REFUNDS, name="fk_refund_claims_paid_by"),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_refund_claims")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_refund_claims_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_refund_claims_vendor_id_mode_token_id")),
        sa.UniqueConstraint("vendor_id", "mode", "paid_by", name=op.f("uq_refund_claims_vendor_id_mode_paid_by")),
    )  # fmt: skip
    op.create_index(
        "uq_refund_claims_one_for_a_refund", T, ["vendor_id", "mode", "refund_id"], unique=True,
        postgresql_where=sa.text("refund_id IS NOT NULL AND state IN ('open', 'claimed', 'approved', 'paid')"),
    )  # fmt: skip
    op.create_index(
        "uq_refund_claims_one_for_a_payment", T, ["vendor_id", "mode", "payment_id"], unique=True,
        postgresql_where=sa.text("refund_id IS NULL AND state IN ('open', 'claimed', 'approved')"),
    )  # fmt: skip
    op.create_index("ix_refund_claims_by_payment", T, ["vendor_id", "mode", "payment_id", "id"])
    op.create_index("ix_refund_claims_waiting", T, ["vendor_id", "mode", "id"], postgresql_where=sa.text("state = 'claimed'"))
    op.create_index("ix_refund_claims_to_expire", T, ["expires_at"], postgresql_where=sa.text("state = 'open'"))


def downgrade() -> None:
    """Take it away again."""
    op.drop_table(T)
