"""The scheduled audit of the books, refunds of money nobody asked for, and letters whose words are let go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

SOURCES = "('seller_pending', 'seller_available', 'seller_receivable', 'unapplied')"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "ledger_proofs",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_journal", sa.Uuid(), nullable=True),
        sa.Column("breaks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("broken_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_ledger_proofs_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", name=op.f("pk_ledger_proofs")),
    )
    op.create_index("ix_ledger_proofs_due", "ledger_proofs", ["due_at"])
    op.create_index("ix_ledger_proofs_broken", "ledger_proofs", ["broken_since"], postgresql_where=sa.text("broken_since IS NOT NULL"))
    op.add_column("refunds", sa.Column("charge", sa.String(length=80), nullable=True))
    op.drop_constraint(op.f("ck_refunds_taken_from"), "refunds", type_="check")
    op.create_check_constraint(op.f("ck_refunds_taken_from"), "refunds", f"taken_from IN {SOURCES}")
    op.create_index(
        "uq_refunds_unapplied_once",
        "refunds",
        ["vendor_id", "mode", "charge"],
        unique=True,
        postgresql_where=sa.text("taken_from = 'unapplied' AND state NOT IN ('failed', 'canceled')"),
    )
    op.create_index("ix_messages_with_words", "messages", ["created_at"], postgresql_where=sa.text("text IS NOT NULL"))
    # The house's own row: the guards in PostgreSQL, and the look for books that are new.
    op.execute(
        "INSERT INTO ledger_proofs (vendor_id, mode, due_at, breaks) VALUES ('00000000-0000-0000-0000-000000000000', 'live', now(), '[]')"
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("ledger_proofs")
    op.drop_index("ix_messages_with_words", "messages")
    op.drop_index("uq_refunds_unapplied_once", "refunds")
    op.drop_constraint(op.f("ck_refunds_taken_from"), "refunds", type_="check")
    op.create_check_constraint(op.f("ck_refunds_taken_from"), "refunds", "taken_from IN ('seller_pending', 'seller_available')")
    op.drop_column("refunds", "charge")
