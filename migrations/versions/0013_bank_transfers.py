"""Bank transfers: statements and their lines, what is expected, cases and returns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = (
    "bank_terms", "transfer_returns", "transfer_cases", "transfers",
    "bank_orders", "bank_lines", "bank_statements", "bank_files", "bank_expectations",
)  # fmt: skip
SURFACES = "surface IN ('hosted', 'fields', 'instructions')"


def upgrade() -> None:
    """Build it."""
    _grow_payments()
    chart = sa.table("ledger_chart", *(sa.column(c) for c in ("code", "name", "side", "floor", "purpose")))
    purpose = "Left our bank account and is not explained yet; ends at zero"
    op.bulk_insert(chart, [{"code": 1035, "name": "unexplained_debits", "side": "D", "floor": True, "purpose": purpose}])
    op.create_table(
        "bank_expectations",
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("reference", sa.String(length=25), nullable=False),
        sa.Column("attempt", sa.String(length=40), nullable=False),
        sa.Column("vendor", sa.String(length=40), nullable=False),
        sa.Column("payment", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=70), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_expectations_mode")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_expectations_amount")),
        sa.PrimaryKeyConstraint("mode", "reference", name=op.f("pk_bank_expectations")),
        sa.UniqueConstraint("mode", "attempt", name=op.f("uq_bank_expectations_mode_attempt")),
    )
    op.create_index(
        "ix_bank_expectations_open",
        "bank_expectations",
        ["mode", "currency", "amount_minor"],
        unique=False,
        postgresql_where="closed_at IS NULL",
    )
    op.create_index("ix_bank_expectations_payment", "bank_expectations", ["mode", "payment"], unique=False)
    op.create_table(
        "bank_files",
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("imported_by", sa.String(length=60), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_files_mode")),
        sa.PrimaryKeyConstraint("mode", "sha256", name=op.f("pk_bank_files")),
    )
    op.create_table(
        "bank_statements",
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("identity", sa.String(length=35), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.Column("opening_on", sa.Date(), nullable=False),
        sa.Column("closing_on", sa.Date(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_statements_mode")),
        sa.ForeignKeyConstraint(["mode", "file"], ["bank_files.mode", "bank_files.sha256"], name=op.f("fk_bank_statements_bank_files")),
        sa.PrimaryKeyConstraint("mode", "account", "identity", "page", name=op.f("pk_bank_statements")),
    )
    op.create_index("ix_bank_statements_newest", "bank_statements", ["mode", "account", "closing_on"], unique=False)
    op.create_table(
        "bank_lines",
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("entry", sa.String(length=120), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("statement", sa.String(length=35), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sign", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("bank_reference", sa.String(length=35), nullable=False),
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("counter_account", sa.String(length=40), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("end_to_end", sa.String(length=35), nullable=False),
        sa.Column("return_reason", sa.String(length=35), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("vendor", sa.String(length=40), nullable=True),
        sa.Column("payment", sa.String(length=40), nullable=True),
        sa.Column("reversed_by", sa.String(length=40), nullable=True),
        sa.Column("resolution", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("resolved_by", sa.String(length=60), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_lines_mode")),
        sa.CheckConstraint("state IN ('new', 'booked', 'unknown', 'resolved')", name=op.f("ck_bank_lines_state")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_bank_lines_amount")),
        sa.CheckConstraint("sign IN (1, -1)", name=op.f("ck_bank_lines_sign")),
        sa.ForeignKeyConstraint(
            ["mode", "account", "statement", "page"],
            ["bank_statements.mode", "bank_statements.account", "bank_statements.identity", "bank_statements.page"],
            name=op.f("fk_bank_lines_bank_statements"),
        ),
        sa.PrimaryKeyConstraint("mode", "account", "entry", "part", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_bank_lines_mode_public_id")),
    )
    op.create_index("ix_bank_lines_bank_reference", "bank_lines", ["mode", "account", "bank_reference"], unique=False)
    op.create_index("ix_bank_lines_payment", "bank_lines", ["mode", "payment"], unique=False, postgresql_where="payment IS NOT NULL")
    op.create_index("ix_bank_lines_to_book", "bank_lines", ["mode", "account", "statement"], unique=False, postgresql_where="state = 'new'")
    op.create_index("ix_bank_lines_unknown", "bank_lines", ["mode", "booked_on"], unique=False, postgresql_where="state = 'unknown'")
    op.create_table(
        "bank_orders",
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("end_to_end", sa.String(length=35), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("vendor", sa.String(length=40), nullable=True),
        sa.Column("payment", sa.String(length=40), nullable=True),
        sa.Column("line", sa.String(length=40), nullable=True),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("to_name", sa.String(length=140), nullable=False),
        sa.Column("to_account", sa.String(length=40), nullable=False),
        sa.Column("to_bic", sa.String(length=11), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(length=140), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("failure_reason", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_orders_mode")),
        sa.CheckConstraint("state IN ('requested', 'sent', 'settled', 'failed')", name=op.f("ck_bank_orders_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_orders_amount")),
        sa.PrimaryKeyConstraint("mode", "end_to_end", name=op.f("pk_bank_orders")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_bank_orders_mode_public_id")),
        sa.UniqueConstraint("mode", "reference", name=op.f("uq_bank_orders_mode_reference")),
    )
    op.create_index("ix_bank_orders_waiting", "bank_orders", ["mode", "created_at"], unique=False, postgresql_where="state = 'requested'")
    op.create_table(
        "transfers",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("payer_name", sa.String(length=140), nullable=False),
        sa.Column("account_end", sa.String(length=4), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("matched_by", sa.String(length=60), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_transfers_mode")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfers_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"], name=op.f("fk_transfers_payments")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("vendor_id", "mode", "line", name=op.f("uq_transfers_vendor_id_mode_line")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_transfers_vendor_id_mode_public_id")),
    )
    op.create_index("ix_transfers_by_payment", "transfers", ["vendor_id", "mode", "payment_id", "id"], unique=False)
    op.create_table(
        "transfer_cases",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("resolved_by", sa.String(length=60), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('late', 'over', 'partial')", name=op.f("ck_transfer_cases_kind")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_transfer_cases_mode")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfer_cases_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_transfer_cases_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_transfer_cases")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_transfer_cases_vendor_id_mode_public_id")),
    )
    op.create_index(
        "ix_transfer_cases_open", "transfer_cases", ["vendor_id", "mode", "id"], unique=False, postgresql_where="resolved_at IS NULL"
    )
    op.create_index(
        "uq_transfer_cases_one_open",
        "transfer_cases",
        ["vendor_id", "mode", "payment_id"],
        unique=True,
        postgresql_where="resolved_at IS NULL",
    )
    op.create_table(
        "transfer_returns",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("requested_by", sa.String(length=60), nullable=False),
        sa.Column("failure_reason", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_transfer_returns_mode")),
        sa.CheckConstraint("state IN ('failed', 'requested', 'sent', 'settled')", name=op.f("ck_transfer_returns_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfer_returns_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_transfer_returns_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_transfer_returns")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_transfer_returns_vendor_id_mode_public_id")),
    )
    op.create_index("ix_transfer_returns_by_payment", "transfer_returns", ["vendor_id", "mode", "payment_id", "id"], unique=False)
    op.create_table(
        "bank_terms",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("tolerance_minor", sa.Integer(), nullable=False),
        sa.Column("tolerance_bps", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_terms_mode")),
        sa.CheckConstraint("days BETWEEN 1 AND 60", name=op.f("ck_bank_terms_days")),
        sa.CheckConstraint("tolerance_bps BETWEEN 0 AND 500", name=op.f("ck_bank_terms_tolerance_bps")),
        sa.CheckConstraint("tolerance_minor BETWEEN 0 AND 100000", name=op.f("ck_bank_terms_tolerance_minor")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_bank_terms_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", name=op.f("pk_bank_terms")),
    )


def _grow_payments() -> None:
    """What came by transfer stands beside what was captured; an attempt may be words for the payer to enter at their bank."""
    for name in ("received_minor", "applied_minor", "given_back_minor"):
        op.add_column("payments", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_payments_transfers"),
        "payments",
        "applied_minor >= 0 AND given_back_minor >= 0 AND applied_minor + given_back_minor <= received_minor",
    )
    op.add_column("refunds", sa.Column("provider", sa.String(length=20), nullable=True))
    op.alter_column("attempts", "surface", type_=sa.String(length=12))
    op.drop_constraint(op.f("ck_attempts_surface"), "attempts")
    op.create_check_constraint(op.f("ck_attempts_surface"), "attempts", SURFACES)


def downgrade() -> None:
    """Take it away again."""
    for table in TABLES:
        op.drop_table(table)
    op.execute("ALTER TABLE ledger_chart DISABLE TRIGGER chart_keep")  # the chart is append-only for everybody else
    op.execute("DELETE FROM ledger_chart WHERE code = 1035")
    op.execute("ALTER TABLE ledger_chart ENABLE ALWAYS TRIGGER chart_keep")
    op.drop_constraint(op.f("ck_attempts_surface"), "attempts")
    op.create_check_constraint(op.f("ck_attempts_surface"), "attempts", SURFACES.replace(", 'instructions'", ""))
    op.alter_column("attempts", "surface", type_=sa.String(length=10))
    op.drop_column("refunds", "provider")
    op.drop_constraint(op.f("ck_payments_transfers"), "payments")
    for name in ("given_back_minor", "applied_minor", "received_minor"):
        op.drop_column("payments", name)
