"""Rules and lists about payments, what they said of each try, and reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0069"
down_revision = "0068"

MODES = "mode IN ('test', 'live')"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "risk_rule_sets",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("trial", postgresql.JSONB(), nullable=True),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("published_by", sa.String(60), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(MODES, name=op.f("ck_risk_rule_sets_mode")),
        sa.CheckConstraint("state IN ('draft', 'earlier', 'published')", name=op.f("ck_risk_rule_sets_state")),
        sa.CheckConstraint("version > 0 AND revision > 0", name=op.f("ck_risk_rule_sets_numbers")),
        sa.CheckConstraint("(state = 'draft') = (published_at IS NULL)", name=op.f("ck_risk_rule_sets_published")),
        sa.PrimaryKeyConstraint("mode", "version", name=op.f("pk_risk_rule_sets")),
    )
    op.create_index("uq_risk_rule_sets_draft", "risk_rule_sets", ["mode"], unique=True, postgresql_where=sa.text("state = 'draft'"))
    op.create_index("uq_risk_rule_sets_published", "risk_rule_sets", ["mode"], unique=True, postgresql_where=sa.text("state = 'published'"))
    op.create_table(
        "risk_list_entries",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("which", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("value", sa.String(254), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("origin", sa.String(40), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.String(60), nullable=False),
        sa.CheckConstraint(MODES, name=op.f("ck_risk_list_entries_mode")),
        sa.CheckConstraint("which IN ('allow', 'block', 'watch')", name=op.f("ck_risk_list_entries_which")),
        sa.CheckConstraint("kind IN ('address', 'card', 'country', 'domain', 'email')", name=op.f("ck_risk_list_entries_kind")),
        sa.CheckConstraint("(kind = 'address') = (network IS NOT NULL)", name=op.f("ck_risk_list_entries_network")),
        sa.PrimaryKeyConstraint("mode", "id", name=op.f("pk_risk_list_entries")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_risk_list_entries_mode_public_id")),
    )
    on = sa.text("removed_at IS NULL")
    op.create_index("uq_risk_list_entries_on", "risk_list_entries", ["mode", "which", "kind", "value"], unique=True, postgresql_where=on)
    op.create_index("ix_risk_list_entries_by_value", "risk_list_entries", ["mode", "kind", "value"], postgresql_where=on)
    op.add_column("attempts", sa.Column("screened", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "payment_screenings",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("address", sa.String(60), nullable=False, server_default=""),
        sa.Column("card", sa.String(120), nullable=False, server_default=""),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(60), nullable=False, server_default=""),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(300), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(MODES, name=op.f("ck_payment_screenings_mode")),
        sa.CheckConstraint(
            "state IN ('approved', 'expected', 'fraud', 'gone', 'lapsed', 'passed', 'refunded', 'refused', 'waiting')",
            name=op.f("ck_payment_screenings_state"),
        ),
        sa.CheckConstraint("state <> 'waiting' OR waits_since IS NOT NULL", name=op.f("ck_payment_screenings_waits")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_payment_screenings_payments"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "attempt_id"], ["attempts.vendor_id", "attempts.mode", "attempts.id"],
            name=op.f("fk_payment_screenings_attempts"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payment_screenings")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payment_screenings_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "attempt_id", name=op.f("uq_payment_screenings_vendor_id_mode_attempt_id")),
    )  # fmt: skip
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_payment_screenings_waiting", "payment_screenings", ["waits_since"], postgresql_where=waiting)
    op.create_index("ix_payment_screenings_by_payment", "payment_screenings", ["vendor_id", "mode", "payment_id"])
    op.create_index("ix_payment_screenings_addresses", "payment_screenings", ["created_at"], postgresql_where=sa.text("address <> ''"))


def downgrade() -> None:
    """Take it down."""
    op.drop_table("payment_screenings")
    op.drop_column("attempts", "screened")
    op.drop_table("risk_list_entries")
    op.drop_table("risk_rule_sets")
