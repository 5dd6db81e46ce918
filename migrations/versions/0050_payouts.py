"""Payouts: bank accounts of vendors, when they are paid out, each payout with its lines and its history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0050"
down_revision = "0045"
KEPT = ("payout_lines", "payout_events")  # append-only


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "payout_accounts",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("holder", sa.String(70), nullable=False),
        sa.Column("iban", sa.String(34), nullable=False),
        sa.Column("bic", sa.String(11), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usable_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_accounts_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payout_accounts")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payout_accounts_vendor_id_mode_public_id")),
    )
    op.create_index(
        "uq_payout_accounts_in_use",
        "payout_accounts",
        ["vendor_id", "mode", "currency"],
        unique=True,
        postgresql_where="replaced_at IS NULL",
    )
    op.create_table(
        "payout_terms",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("schedule", sa.String(12), nullable=False),
        sa.Column("day", sa.SmallInteger(), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("day BETWEEN 1 AND 31", name=op.f("ck_payout_terms_day")),
        sa.CheckConstraint("minimum_minor > 0", name=op.f("ck_payout_terms_minimum")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_terms_mode")),
        sa.CheckConstraint("(next_on IS NULL) = (schedule = 'on_request')", name=op.f("ck_payout_terms_next_on")),
        sa.CheckConstraint("schedule IN ('daily', 'monthly', 'on_request', 'weekly')", name=op.f("ck_payout_terms_schedule")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "currency", name=op.f("pk_payout_terms")),
    )
    op.create_index(
        "ix_payout_terms_due", "payout_terms", ["next_on", "vendor_id", "mode", "currency"], postgresql_where="next_on IS NOT NULL"
    )
    op.create_table(
        "payouts",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("carried_minor", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("why_held", sa.String(40), nullable=False),
        sa.Column("requested_by", sa.String(60), nullable=False),
        sa.Column("approved_by", sa.String(60), nullable=False),
        sa.Column("failure_reason", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("opening_minor + lines_minor = amount_minor + carried_minor", name=op.f("ck_payouts_adds_up")),
        sa.CheckConstraint("amount_minor > 0 AND carried_minor >= 0", name=op.f("ck_payouts_amount")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payouts_mode")),
        sa.CheckConstraint(
            "state IN ('approved', 'canceled', 'failed', 'in_transit', 'paid', 'requested', 'returned', 'submitted')",
            name=op.f("ck_payouts_state"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "account_id"],
            ["payout_accounts.vendor_id", "payout_accounts.mode", "payout_accounts.id"],
            name=op.f("fk_payouts_payout_accounts"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("vendor_id", "mode", "currency", "seq", name=op.f("uq_payouts_vendor_id_mode_currency_seq")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_payouts_vendor_id_mode_form_token")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payouts_vendor_id_mode_public_id")),
    )
    op.create_index("ix_payouts_public_id", "payouts", ["public_id"])
    op.create_index("ix_payouts_newest", "payouts", ["vendor_id", "mode", "id"])
    op.create_index("ix_payouts_to_approve", "payouts", ["mode", "id"], postgresql_where="state = 'requested'")
    op.create_table(
        "payout_lines",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_lines_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "journal_id", "leg"],
            ["entries.vendor_id", "entries.mode", "entries.journal_id", "entries.leg"],
            name=op.f("fk_payout_lines_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payout_id"], ["payouts.vendor_id", "payouts.mode", "payouts.id"], name=op.f("fk_payout_lines_payouts")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "journal_id", "leg", name=op.f("pk_payout_lines")),
    )
    op.create_index("ix_payout_lines_payout", "payout_lines", ["vendor_id", "mode", "payout_id", "journal_id", "leg"])
    op.create_table(
        "payout_events",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(20), nullable=True),
        sa.Column("to_state", sa.String(20), nullable=True),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("cause", sa.String(120), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_events_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payout_id"], ["payouts.vendor_id", "payouts.mode", "payouts.id"], name=op.f("fk_payout_events_payouts")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payout_id", "seq", name=op.f("pk_payout_events")),
    )
    for table in KEPT:
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all")
    op.add_column("bank_orders", sa.Column("purpose", sa.String(10), nullable=False, server_default="refund"))
    op.alter_column("bank_orders", "purpose", server_default=None)
    op.create_check_constraint(op.f("ck_bank_orders_purpose"), "bank_orders", "purpose IN ('refund', 'payout')")


def downgrade() -> None:
    """Take it down again."""
    op.drop_constraint(op.f("ck_bank_orders_purpose"), "bank_orders")
    op.drop_column("bank_orders", "purpose")
    for table in ("payout_events", "payout_lines", "payouts", "payout_terms", "payout_accounts"):
        op.drop_table(table)
