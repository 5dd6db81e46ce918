"""Journals that are taken back by hand, and who of the staff is sent the papers of closed days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "journal_reversals",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("requested_by", sa.String(60), nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_journal_reversals_mode")),
        sa.CheckConstraint("state IN ('booked', 'declined', 'requested')", name=op.f("ck_journal_reversals_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_journal_reversals_amount")),
        sa.CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name=op.f("ck_journal_reversals_decided")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "journal_id"], ["journals.vendor_id", "journals.mode", "journals.id"], name=op.f("fk_journal_reversals_journals")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_journal_reversals")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_journal_reversals_vendor_id_mode_public_id")),
    )  # fmt: skip
    op.create_index(
        "uq_journal_reversals_once", "journal_reversals", ["vendor_id", "mode", "journal_id"], unique=True, postgresql_where="state <> 'declined'"
    )  # fmt: skip
    op.create_index("ix_journal_reversals_waiting", "journal_reversals", ["mode", "id"], postgresql_where="state = 'requested'")
    op.add_column("staff", sa.Column("day_papers", sa.Boolean(), nullable=False, server_default="false"))


def downgrade() -> None:
    """Take it down."""
    op.drop_column("staff", "day_papers")
    op.drop_index("ix_journal_reversals_waiting", "journal_reversals")
    op.drop_index("uq_journal_reversals_once", "journal_reversals")
    op.drop_table("journal_reversals")
