"""Payment links, payments, attempts, their history and refunds."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "payment_links",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("token_id", sa.String(length=40), nullable=False),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=True),
        sa.Column("suggestions_minor", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hours_after_opening", sa.Integer(), nullable=True),
        sa.Column("first_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_payments", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("paused_message", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('single', 'reusable')", name=op.f("ck_payment_links_kind")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payment_links_mode")),
        sa.CheckConstraint("state IN ('active', 'paused', 'expired')", name=op.f("ck_payment_links_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_links_amount")),
        sa.CheckConstraint(
            "amount_minor IS NULL OR (minimum_minor IS NULL AND maximum_minor IS NULL)", name=op.f("ck_payment_links_fixed_or_open")
        ),
        sa.CheckConstraint("hours_after_opening BETWEEN 1 AND 8760", name=op.f("ck_payment_links_hours_after_opening")),
        sa.CheckConstraint("max_payments BETWEEN 1 AND 10000", name=op.f("ck_payment_links_max_payments")),
        sa.CheckConstraint("minimum_minor > 0 AND minimum_minor <= maximum_minor", name=op.f("ck_payment_links_range")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_payment_links_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payment_links")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payment_links_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_payment_links_vendor_id_mode_token_id")),
    )
    op.create_table(
        "payments",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("token_id", sa.String(length=40), nullable=False),
        sa.Column("form_token", sa.String(length=80), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("description", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("holds_place", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunding_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("processor_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("payer_name", sa.String(length=120), nullable=False),
        sa.Column("charge", sa.String(length=80), nullable=True),
        sa.Column("card_brand", sa.String(length=20), nullable=True),
        sa.Column("card_last4", sa.CHAR(length=4), nullable=True),
        sa.Column("decline_code", sa.String(length=60), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payments_mode")),
        sa.CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name=op.f("ck_payments_sandbox_is_test")),
        sa.CheckConstraint(
            "state IN ('canceled', 'created', 'expired', 'processing', 'requires_action', 'requires_method', 'succeeded', 'unknown')",
            name=op.f("ck_payments_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount")),
        sa.CheckConstraint("captured_minor >= 0 AND refunded_minor >= 0 AND refunding_minor >= 0", name=op.f("ck_payments_not_negative")),
        sa.CheckConstraint("fee_returned_minor BETWEEN 0 AND fee_minor", name=op.f("ck_payments_fee_returned")),
        sa.CheckConstraint("refunded_minor + refunding_minor <= captured_minor", name=op.f("ck_payments_refund_within_capture")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "link_id"],
            ["payment_links.vendor_id", "payment_links.mode", "payment_links.id"],
            name=op.f("fk_payments_payment_links"),
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_payments_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payments")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_payments_vendor_id_mode_form_token")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payments_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "reference", name=op.f("uq_payments_vendor_id_mode_reference")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_payments_vendor_id_mode_token_id")),
    )
    op.create_index("ix_payments_by_email", "payments", ["vendor_id", "mode", "email", "id"], unique=False)
    op.create_index("ix_payments_by_link", "payments", ["vendor_id", "mode", "link_id", "id"], unique=False)
    op.create_index("ix_payments_by_state", "payments", ["vendor_id", "mode", "state", "id"], unique=False)
    op.create_index("ix_payments_captured", "payments", ["vendor_id", "mode", "captured_at"], unique=False)
    op.create_index("ix_payments_places", "payments", ["vendor_id", "mode", "link_id"], unique=False, postgresql_where="holds_place")
    op.create_index(
        "ix_payments_to_expire",
        "payments",
        ["expires_at"],
        unique=False,
        postgresql_where="state IN ('created', 'requires_action', 'requires_method')",
    )
    op.create_index(
        "ix_payments_to_release",
        "payments",
        ["available_at"],
        unique=False,
        postgresql_where="available_at IS NOT NULL AND released_at IS NULL",
    )
    op.create_table(
        "attempts",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("surface", sa.String(length=10), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("redirect_url", sa.Text(), nullable=True),
        sa.Column("fields_url", sa.Text(), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("decline_code", sa.String(length=60), nullable=True),
        sa.Column("next_inquiry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_attempts_mode")),
        sa.CheckConstraint(
            "state IN ('abandoned', 'action_required', 'declined', 'error', 'started', 'submitted', 'succeeded', 'unknown')",
            name=op.f("ck_attempts_state"),
        ),
        sa.CheckConstraint("surface IN ('hosted', 'fields')", name=op.f("ck_attempts_surface")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"], name=op.f("fk_attempts_payments")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("vendor_id", "mode", "payment_id", "number", name=op.f("uq_attempts_vendor_id_mode_payment_id_number")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_attempts_vendor_id_mode_public_id")),
    )
    op.create_index("ix_attempts_to_ask", "attempts", ["next_inquiry_at"], unique=False, postgresql_where="next_inquiry_at IS NOT NULL")
    op.create_index(
        "uq_attempts_one_live",
        "attempts",
        ["vendor_id", "mode", "payment_id"],
        unique=True,
        postgresql_where="state IN ('action_required', 'started', 'submitted', 'unknown')",
    )
    op.create_table(
        "payment_events",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=True),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payment_events_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_payment_events_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", "seq", name=op.f("pk_payment_events")),
    )
    op.create_table(
        "refunds",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("form_token", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("taken_from", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("requested_by", sa.String(length=60), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("failure_reason", sa.String(length=120), nullable=True),
        sa.Column("next_inquiry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_refunds_mode")),
        sa.CheckConstraint(
            "state IN ('canceled', 'failed', 'pending', 'requested', 'submitted', 'succeeded', 'unknown')", name=op.f("ck_refunds_state")
        ),
        sa.CheckConstraint("taken_from IN ('seller_pending', 'seller_available')", name=op.f("ck_refunds_taken_from")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount")),
        sa.CheckConstraint("fee_returned_minor >= 0 AND fee_returned_minor <= amount_minor", name=op.f("ck_refunds_fee_returned")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"], name=op.f("fk_refunds_payments")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_refunds_vendor_id_mode_form_token")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_refunds_vendor_id_mode_public_id")),
    )
    op.create_index("ix_refunds_by_payment", "refunds", ["vendor_id", "mode", "payment_id", "id"], unique=False)
    op.create_index("ix_refunds_to_ask", "refunds", ["next_inquiry_at"], unique=False, postgresql_where="next_inquiry_at IS NOT NULL")
    op.get_bind().exec_driver_sql((SQL / "payments.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP FUNCTION settle_payments")
    op.drop_table("refunds")
    op.drop_table("payment_events")
    op.drop_table("attempts")
    op.drop_table("payments")
    op.drop_table("payment_links")
