"""Disputes: each with its answer, files and history, what they do to payments' sums, and debts that were written off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0054"
down_revision = "0053"
KEPT = "dispute_events"  # append-only
SUMS = ("disputed_minor", "disputed_fee_minor", "advanced_minor", "dispute_cost_minor")
OLD_SOURCES = "('seller_pending', 'seller_available', 'seller_receivable', 'unapplied')"
SOURCES = "('seller_pending', 'seller_available', 'seller_receivable', 'seller_hold', 'unapplied')"
REASONS = (
    "'credit_not_processed', 'duplicate', 'fraudulent', 'general', 'product_not_received', 'product_unacceptable', "
    "'subscription_canceled', 'unrecognized'"
)
FILES = (
    "'cancellation_policy', 'customer_communication', 'customer_signature', 'duplicate_charge_documentation', 'evidence_pack', "
    "'receipt', 'refund_policy', 'service_documentation', 'shipping_documentation'"
)


def upgrade() -> None:
    """Build it."""
    for name in SUMS:
        op.add_column("payments", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(
        op.f("ck_payments_disputes"), "payments", "disputed_minor >= 0 AND disputed_fee_minor BETWEEN 0 AND fee_minor"
    )
    op.drop_constraint(op.f("ck_refunds_taken_from"), "refunds", type_="check")
    op.create_check_constraint(op.f("ck_refunds_taken_from"), "refunds", f"taken_from IN {SOURCES}")
    _disputes()
    _events()
    _files()
    _write_offs()


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("provider_reference", sa.String(120), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(30), nullable=False),
        sa.Column("network_code", sa.String(20), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("share_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("advanced_minor", sa.BigInteger(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("submissions", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draft", JSONB(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wish", sa.String(10), nullable=True),
        sa.Column("wished_by", sa.String(60), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_inquiry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0 AND cycle >= 0", name=op.f("ck_disputes_amount")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_disputes_mode")),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_disputes_reason")),
        sa.CheckConstraint("share_fee_minor >= 0 AND held_minor >= 0 AND advanced_minor >= 0", name=op.f("ck_disputes_shares")),
        sa.CheckConstraint(
            "state IN ('accepted', 'closed', 'inquiry', 'lost', 'needs_response', 'under_review', 'won')", name=op.f("ck_disputes_state")
        ),
        sa.CheckConstraint("wish IN ('accept', 'answer')", name=op.f("ck_disputes_wish")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_disputes_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_disputes")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "provider", "provider_reference", name=op.f("uq_disputes_vendor_id_mode_provider_provider_reference")
        ),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_disputes_vendor_id_mode_public_id")),
    )
    op.create_index("ix_disputes_public_id", "disputes", ["public_id"])
    op.create_index("ix_disputes_newest", "disputes", ["vendor_id", "mode", "id"])
    op.create_index("ix_disputes_by_payment", "disputes", ["vendor_id", "mode", "payment_id", "id"])
    op.create_index("ix_disputes_due", "disputes", ["due_at"], postgresql_where="state IN ('inquiry', 'needs_response')")
    op.create_index("ix_disputes_to_remind", "disputes", ["remind_at"], postgresql_where="remind_at IS NOT NULL")
    op.create_index("ix_disputes_to_ask", "disputes", ["next_inquiry_at"], postgresql_where="next_inquiry_at IS NOT NULL")


def _events() -> None:
    op.create_table(
        "dispute_events",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(20), nullable=True),
        sa.Column("to_state", sa.String(20), nullable=True),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("cause", sa.String(120), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_dispute_events_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "dispute_id"],
            ["disputes.vendor_id", "disputes.mode", "disputes.id"],
            name=op.f("fk_dispute_events_disputes"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "dispute_id", "seq", name=op.f("pk_dispute_events")),
    )
    op.execute(f"CREATE TRIGGER {KEPT}_keep BEFORE UPDATE OR DELETE ON {KEPT} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute(f"CREATE TRIGGER {KEPT}_keep_all BEFORE TRUNCATE ON {KEPT} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    op.execute(f"ALTER TABLE {KEPT} ENABLE ALWAYS TRIGGER {KEPT}_keep")
    op.execute(f"ALTER TABLE {KEPT} ENABLE ALWAYS TRIGGER {KEPT}_keep_all")


def _files() -> None:
    op.create_table(
        "dispute_files",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.SmallInteger(), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"kind IN ({FILES})", name=op.f("ck_dispute_files_kind")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_dispute_files_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "dispute_id"],
            ["disputes.vendor_id", "disputes.mode", "disputes.id"],
            name=op.f("fk_dispute_files_disputes"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_dispute_files")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_dispute_files_vendor_id_mode_public_id")),
    )
    op.create_index("uq_dispute_files_kind", "dispute_files", ["vendor_id", "mode", "dispute_id", "cycle", "kind"], unique=True)


def _write_offs() -> None:
    op.create_table(
        "write_offs",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("requested_by", sa.String(60), nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_write_offs_amount")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_write_offs_mode")),
        sa.CheckConstraint("state IN ('requested', 'booked', 'declined')", name=op.f("ck_write_offs_state")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_write_offs")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_write_offs_vendor_id_mode_form_token")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_write_offs_vendor_id_mode_public_id")),
    )
    op.create_index(
        "uq_write_offs_waiting", "write_offs", ["vendor_id", "mode", "currency"], unique=True, postgresql_where="state = 'requested'"
    )
    op.create_index("ix_write_offs_newest", "write_offs", ["vendor_id", "mode", "id"])


def downgrade() -> None:
    """Take it down again. What is in dispute cannot be told without these tables, so a book that knows one cannot go back."""
    for table in ("write_offs", "dispute_files", "dispute_events", "disputes"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_refunds_taken_from"), "refunds", type_="check")
    op.create_check_constraint(op.f("ck_refunds_taken_from"), "refunds", f"taken_from IN {OLD_SOURCES}")
    op.drop_constraint(op.f("ck_payments_disputes"), "payments")
    for name in SUMS:
        op.drop_column("payments", name)
