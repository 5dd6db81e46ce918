"""Payments are marked by hand and put away; a code's use knows its card; payers have a page of their own, behind a key sent by e-mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

BEFORE = "state IN ('canceled', 'created', 'expired', 'processing', 'requires_action', 'requires_method', 'succeeded', 'unknown')"
NOW = (
    "state IN ('canceled', 'created', 'expired', 'marked_paid', 'processing', 'requires_action', 'requires_method', 'succeeded', 'unknown')"
)


def upgrade() -> None:
    """Build it."""
    op.add_column("payments", sa.Column("marked", sa.String(10), nullable=True))
    op.add_column("payments", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_payments_marked"), "payments", "marked IN ('paid', 'invalid')")
    op.drop_constraint(op.f("ck_payments_state"), "payments")
    op.create_check_constraint(op.f("ck_payments_state"), "payments", NOW)
    op.create_index("ix_payments_archived", "payments", ["vendor_id", "mode", "id"], postgresql_where=sa.text("archived_at IS NOT NULL"))
    op.create_index(
        "ix_payments_by_own_columns", "payments", ["key_values"], postgresql_using="gin", postgresql_ops={"key_values": "jsonb_path_ops"},
        postgresql_where=sa.text("key_values <> '{}'::jsonb"),
    )  # fmt: skip
    op.add_column("payment_links", sa.Column("step_minor", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_links_step"),
        "payment_links",
        "step_minor IS NULL OR (step_minor > 0 AND amount_minor IS NULL AND total_minor IS NULL)",
    )
    op.add_column("discount_uses", sa.Column("card", sa.String(64), nullable=True))
    op.create_index(
        "ix_discount_uses_by_card", "discount_uses", ["vendor_id", "mode", "discount_id", "card"],
        postgresql_where=sa.text("card IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_discount_uses_cards_of", "discount_uses", ["vendor_id", "mode", "customer"], postgresql_where=sa.text("card IS NOT NULL")
    )
    op.create_table(
        "payer_keys",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payer_keys_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_payer_keys_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payer_keys")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_payer_keys_vendor_id_mode_token_id")),
    )
    op.create_index("ix_payer_keys_by_email", "payer_keys", ["vendor_id", "mode", "email", "id"])


def downgrade() -> None:
    """Take it down. A payment that was marked as paid is nobody's claim any more: it ends as cancelled."""
    op.drop_table("payer_keys")
    op.drop_index("ix_discount_uses_cards_of", "discount_uses")
    op.drop_index("ix_discount_uses_by_card", "discount_uses")
    op.drop_column("discount_uses", "card")
    op.drop_constraint(op.f("ck_payment_links_step"), "payment_links")
    op.drop_column("payment_links", "step_minor")
    op.drop_index("ix_payments_by_own_columns", "payments")
    op.drop_index("ix_payments_archived", "payments")
    op.execute("UPDATE payments SET state = 'canceled' WHERE state = 'marked_paid'")
    op.drop_constraint(op.f("ck_payments_state"), "payments")
    op.create_check_constraint(op.f("ck_payments_state"), "payments", BEFORE)
    op.drop_constraint(op.f("ck_payments_marked"), "payments")
    op.drop_column("payments", "archived_at")
    op.drop_column("payments", "marked")
