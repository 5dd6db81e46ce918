"""Reconciliation: settlement reports and their lines, what they were matched with, payouts to our bank, exceptions with their trail, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0056"
down_revision = "0055"
KEPT = ("recon_notes", "recon_matches")  # append-only
TABLES = ("recon_notes", "recon_exceptions", "recon_settlements", "recon_matches", "recon_lines", "recon_files", "recon_runs")
PURPOSE = "A seller's refunds in a processor's payout under way, that cost more than its sales in it"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "recon_files",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("totals", JSONB(), nullable=False),
        sa.Column("problems", JSONB(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.String(60), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_files_mode")),
        sa.CheckConstraint("state IN ('checked', 'imported', 'importing', 'refused', 'stopped')", name=op.f("ck_recon_files_state")),
        sa.PrimaryKeyConstraint("mode", "sha256", name=op.f("pk_recon_files")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_recon_files_mode_public_id")),
    )
    op.create_index("ix_recon_files_newest", "recon_files", ["mode", "uploaded_at"])
    op.create_table(
        "recon_lines",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(80), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("category", sa.String(20), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("source_id", sa.String(80), nullable=False),
        sa.Column("settlement_id", sa.String(80), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("counterparty", sa.String(60), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("digest", sa.CHAR(32), nullable=False),
        sa.Column("file", sa.String(64), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("rule", sa.SmallInteger(), nullable=True),
        sa.Column("book", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_lines_mode")),
        sa.CheckConstraint("net_minor = gross_minor - fee_minor", name=op.f("ck_recon_lines_net")),
        sa.CheckConstraint("state IN ('matched', 'new', 'open')", name=op.f("ck_recon_lines_state")),
        sa.PrimaryKeyConstraint("mode", "source", "external_id", name=op.f("pk_recon_lines")),
    )
    op.create_index("ix_recon_lines_settlement", "recon_lines", ["mode", "source", "settlement_id"], postgresql_where="settlement_id <> ''")
    op.create_index("ix_recon_lines_source_id", "recon_lines", ["mode", "source", "source_id"])
    op.create_index("ix_recon_lines_to_match", "recon_lines", ["mode", "source", "occurred_at"], postgresql_where="state = 'new'")
    op.create_table(
        "recon_matches",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(80), nullable=False),
        sa.Column("rule", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_matches_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "journal_id", "leg", name=op.f("pk_recon_matches")),
    )
    op.create_index("ix_recon_matches_line", "recon_matches", ["mode", "source", "external_id"])
    op.create_table(
        "recon_settlements",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(80), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("told_state", sa.String(12), nullable=False),
        sa.Column("trace", sa.String(35), nullable=False),
        sa.Column("itemised", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("lines_minor", sa.BigInteger(), nullable=True),
        sa.Column("shares", JSONB(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("line", sa.String(40), nullable=True),
        sa.Column("account", sa.String(34), nullable=True),
        sa.Column("rule", sa.SmallInteger(), nullable=True),
        sa.Column("banked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_settlements_mode")),
        sa.PrimaryKeyConstraint("mode", "source", "external_id", name=op.f("pk_recon_settlements")),
    )
    op.create_index("ix_recon_settlements_open", "recon_settlements", ["mode", "currency"], postgresql_where="line IS NULL")
    op.create_table(
        "recon_exceptions",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("book", sa.Uuid(), nullable=True),
        sa.Column("about", sa.String(60), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ours", JSONB(), nullable=False),
        sa.Column("theirs", JSONB(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(60), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("act", sa.String(24), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("proposed_by", sa.String(60), nullable=False),
        sa.Column("resolved_by", sa.String(60), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('amount_mismatch', 'balance_break', 'bank_missing', 'bank_unknown', 'currency_mismatch', 'cut_off', 'duplicate_external', 'duplicate_payment', 'fee_mismatch', 'late_payment', 'missing_at_processor', 'missing_in_ledger', 'settlement_sum', 'stale_in_flight', 'status_conflict')",
            name=op.f("ck_recon_exceptions_kind"),
        ),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_exceptions_mode")),
        sa.CheckConstraint("state IN ('closed', 'open', 'proposed', 'resolved', 'waiting')", name=op.f("ck_recon_exceptions_state")),
        sa.PrimaryKeyConstraint("mode", "id", name=op.f("pk_recon_exceptions")),
        sa.UniqueConstraint("mode", "kind", "source", "key", name=op.f("uq_recon_exceptions_mode_kind_source_key")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_recon_exceptions_mode_public_id")),
    )
    op.create_index(
        "ix_recon_exceptions_day", "recon_exceptions", ["mode", "happened_on"], postgresql_where="state IN ('waiting', 'open', 'proposed')"
    )
    op.create_index(
        "ix_recon_exceptions_open",
        "recon_exceptions",
        ["mode", "state", "kind", "id"],
        postgresql_where="state IN ('waiting', 'open', 'proposed')",
    )
    op.create_table(
        "recon_notes",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("exception_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_notes_mode")),
        sa.ForeignKeyConstraint(
            ["mode", "exception_id"], ["recon_exceptions.mode", "recon_exceptions.id"], name=op.f("fk_recon_notes_recon_exceptions")
        ),
        sa.PrimaryKeyConstraint("mode", "exception_id", "seq", name=op.f("pk_recon_notes")),
    )
    op.create_table(
        "recon_runs",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.String(60), nullable=False),
        sa.Column("night", sa.Date(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_runs_mode")),
        sa.PrimaryKeyConstraint("mode", "id", name=op.f("pk_recon_runs")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_recon_runs_mode_public_id")),
    )
    op.create_index("uq_recon_runs_going_on", "recon_runs", ["mode"], unique=True, postgresql_where="ended_at IS NULL")
    op.create_index("uq_recon_runs_night", "recon_runs", ["mode", "night"], unique=True, postgresql_where="night IS NOT NULL")
    for table in KEPT:
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all")
    chart = sa.table("ledger_chart", sa.column("code"), sa.column("name"), sa.column("side"), sa.column("floor"), sa.column("purpose"))
    op.bulk_insert(chart, [{"code": 1025, "name": "payout_shortfall", "side": "C", "floor": True, "purpose": PURPOSE}])


def downgrade() -> None:
    """Take it down again."""
    op.execute("ALTER TABLE ledger_chart DISABLE TRIGGER chart_keep")
    op.execute("DELETE FROM ledger_chart WHERE code = 1025")
    op.execute("ALTER TABLE ledger_chart ENABLE ALWAYS TRIGGER chart_keep")
    for table in TABLES:
        op.drop_table(table)
