"""Money of marketplaces: the least days an order's money waits, reserves with their rules, and what the bank answers to files of transfers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
BEFORE = ("accepted", "closed", "inquiry", "lost", "needs_response", "under_review", "won")
NOW = ("accepted", "closed", "inquiry", "lost", "needs_response", "reversed", "under_review", "won")
KEPT = ("bank_status_reports",)  # append-only


def upgrade() -> None:
    """Build it."""
    op.add_column("orders", sa.Column("least_days", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(op.f("ck_orders_least_days"), "orders", "least_days BETWEEN 0 AND release_days")
    _disputes(NOW)
    _reserves()
    _answers()
    for table in KEPT:
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all")


def _disputes(states: tuple[str, ...]) -> None:
    """What a dispute may be: given back after it was lost has a name of its own."""
    op.drop_constraint(op.f("ck_disputes_state"), "disputes")
    op.create_check_constraint(op.f("ck_disputes_state"), "disputes", f"state IN ({', '.join(map(repr, states))})")


def _reserves() -> None:
    op.create_table(
        "reserve_rules",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("requested_by", sa.String(60), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_reserve_rules_mode")),
        sa.CheckConstraint("state IN ('declined', 'in_force', 'overtaken', 'requested')", name=op.f("ck_reserve_rules_state")),
        sa.CheckConstraint("version > 0", name=op.f("ck_reserve_rules_version")),
        sa.CheckConstraint(
            "(bps = 0 AND days = 0) OR (bps BETWEEN 1 AND 10000 AND days BETWEEN 1 AND 365)", name=op.f("ck_reserve_rules_share")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_reserve_rules_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "version", name=op.f("pk_reserve_rules")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_reserve_rules_vendor_id_mode_form_token")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_reserve_rules_vendor_id_mode_public_id")),
    )
    op.create_index("uq_reserve_rules_waiting", "reserve_rules", ["vendor_id", "mode"], unique=True, postgresql_where="state = 'requested'")
    op.create_index("ix_reserve_rules_newest", "reserve_rules", ["requested_at"])
    op.create_table(
        "reserve_holds",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payment", sa.String(40), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("taken_minor", sa.BigInteger(), nullable=False),
        sa.Column("given_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.SmallInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_reserve_holds_mode")),
        sa.CheckConstraint("taken_minor > 0 AND given_minor >= 0 AND used_minor >= 0", name=op.f("ck_reserve_holds_sums")),
        sa.CheckConstraint("given_minor + used_minor <= taken_minor", name=op.f("ck_reserve_holds_never_more")),
        sa.CheckConstraint("(ended_at IS NULL) = (given_minor + used_minor < taken_minor)", name=op.f("ck_reserve_holds_ended")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_reserve_holds_payments"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_reserve_holds")),
        sa.UniqueConstraint("vendor_id", "mode", "payment_id", name=op.f("uq_reserve_holds_vendor_id_mode_payment_id")),
    )
    op.create_index("ix_reserve_holds_due", "reserve_holds", ["due_at"], postgresql_where="ended_at IS NULL")
    op.create_index(
        "ix_reserve_holds_held", "reserve_holds", ["vendor_id", "mode", "currency", "due_at", "id"], postgresql_where="ended_at IS NULL"
    )


def _answers() -> None:
    op.add_column("bank_orders", sa.Column("bank_status", sa.String(4), nullable=True))
    op.add_column("bank_orders", sa.Column("bank_status_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bank_orders", sa.Column("bank_reason", sa.String(60), nullable=False, server_default=""))
    op.create_table(
        "bank_status_reports",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("message", sa.String(35), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(4), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("brought_by", sa.String(60), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_status_reports_mode")),
        sa.CheckConstraint("accepted >= 0 AND rejected >= 0", name=op.f("ck_bank_status_reports_counts")),
        sa.ForeignKeyConstraint(
            ["mode", "file_id"], ["bank_order_files.mode", "bank_order_files.id"], name=op.f("fk_bank_status_reports_bank_order_files")
        ),
        sa.PrimaryKeyConstraint("mode", "id", name=op.f("pk_bank_status_reports")),
        sa.UniqueConstraint("mode", "message", name=op.f("uq_bank_status_reports_mode_message")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_bank_status_reports_mode_public_id")),
    )
    op.create_index("ix_bank_status_reports_file", "bank_status_reports", ["mode", "file_id"])


def downgrade() -> None:
    """Take it down again."""
    op.execute("UPDATE disputes SET state = 'won' WHERE state = 'reversed'")
    _disputes(BEFORE)
    op.drop_table("bank_status_reports")
    for column in ("bank_reason", "bank_status_at", "bank_status"):
        op.drop_column("bank_orders", column)
    op.drop_table("reserve_holds")
    op.drop_table("reserve_rules")
    op.drop_constraint(op.f("ck_orders_least_days"), "orders")
    op.drop_column("orders", "least_days")
