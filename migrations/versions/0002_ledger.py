"""The double-entry ledger and the triggers that guard it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from core.ledger.models import TransactionId

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parents[1] / "sql"
CHART = [
    (1010, "psp_clearing", "D", False, "Money a processor holds for us; equals what the processor says"),
    (1015, "psp_reserve", "D", True, "Money a processor withholds"),
    (1020, "bank_in_transit", "D", True, "A processor's payout under way to our bank"),
    (1030, "bank", "D", False, "Our bank account; equals its statement"),
    (1040, "customer_receivable", "D", True, "Invoices a customer has not paid yet"),
    (1050, "seller_receivable", "D", True, "What a seller owes after a refund or dispute larger than their balance"),
    (1060, "dispute_receivable", "D", True, "Taken by the processor while a dispute is open; ends at zero"),
    (1090, "fx_position", "D", False, "Open position in a currency"),
    (2010, "seller_pending", "C", True, "Captured for the seller, not yet released"),
    (2020, "seller_available", "C", True, "The seller's, and may be paid out"),
    (2030, "seller_hold", "C", True, "Held back for a dispute or as a reserve"),
    (2040, "payout_in_transit", "C", True, "On its way to the seller's bank; ends at zero per payout"),
    (2050, "refund_in_flight", "C", True, "On its way back to a payer; ends at zero per refund"),
    (2060, "customer_wallet", "C", True, "Stored value of a customer"),
    (2065, "wallet_hold", "C", True, "Stored value reserved for a checkout"),
    (2070, "customer_credit", "C", True, "Credit from invoices"),
    (2080, "tax_payable", "C", False, "Tax collected for an authority"),
    (2090, "deferred_revenue", "C", True, "Paid for, not yet earned"),
    (2095, "unapplied_receipts", "C", True, "Money that arrived and matches nothing yet"),
    (4010, "platform_fee", "C", False, "What the platform keeps of a payment"),
    (4015, "fee_refunds", "D", False, "Platform fees given back with refunds"),
    (4020, "subscription_revenue", "C", False, "Vendors' subscriptions"),
    (4030, "fx_gain_loss", "C", False, "Differences between promised and settled rates"),
    (4040, "recoveries", "C", False, "Paid after a write-off, or won after a loss"),
    (5010, "psp_fee_expense", "D", False, "What processors charge us"),
    (5020, "dispute_fee_expense", "D", False, "What processors charge for a dispute"),
    (5030, "dispute_loss", "D", False, "Disputes the platform bears"),
    (5040, "bad_debt", "D", False, "Written off"),
    (5050, "rounding_difference", "D", False, "Differences below one minor unit per line"),
    (5060, "payout_cost", "D", False, "What banks charge for payouts and returns"),
]


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "ledger_chart",
        sa.Column("code", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("side", sa.CHAR(length=1), nullable=False),
        sa.Column("floor", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.CheckConstraint("side IN ('D', 'C')", name=op.f("ck_ledger_chart_side")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ledger_chart")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_chart_name")),
    )
    op.create_table(
        "journals",
        sa.Column("event_key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("n_legs", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.CHAR(length=32), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("xid", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_journals_mode")),
        sa.CheckConstraint("n_legs >= 2", name=op.f("ck_journals_n_legs")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "reverses"], ["journals.vendor_id", "journals.mode", "journals.id"], name="fk_journals_reverses"
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_journals")),
        sa.UniqueConstraint("vendor_id", "mode", "event_key", name=op.f("uq_journals_vendor_id_mode_event_key")),
    )
    op.create_index("ix_journals_about", "journals", ["vendor_id", "mode", "about", "id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("sub", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=60), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_entries_currency")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_entries_mode")),
        sa.CheckConstraint("sub <> 'sandbox' OR mode = 'test'", name=op.f("ck_entries_sandbox_is_test")),
        sa.CheckConstraint(
            "amount_minor <> 0 AND amount_minor BETWEEN -9000000000000000 AND 9000000000000000", name=op.f("ck_entries_amount")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "journal_id", "leg", name=op.f("pk_entries")),
    )
    op.create_index("ix_entries_account", "entries", ["vendor_id", "mode", "code", "sub", "currency", "journal_id"], unique=False)
    op.create_table(
        "balances",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("sub", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("floor_side", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_balances_mode")),
        sa.CheckConstraint("amount_minor * floor_side >= 0", name=op.f("ck_balances_floor")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "code", "sub", "currency", "shard", name=op.f("pk_balances")),
        postgresql_with={"fillfactor": "60"},
    )
    chart = sa.table("ledger_chart", *(sa.column(c) for c in ("code", "name", "side", "floor", "purpose")))
    op.bulk_insert(chart, [dict(zip(("code", "name", "side", "floor", "purpose"), row, strict=True)) for row in CHART])
    op.get_bind().exec_driver_sql((SQL / "ledger.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    """Take it away again."""
    op.get_bind().exec_driver_sql((SQL / "ledger_down.sql").read_text())
