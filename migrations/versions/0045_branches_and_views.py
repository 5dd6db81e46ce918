"""Links and payments know their branch; a saved filter may open by itself; receipts may leave off how they were paid; filled-in addresses fix language and things."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0043"

OF_BRANCH = ["branches.vendor_id", "branches.mode", "branches.id"]
MINE = ["vendor_id", "mode", "branch_id"]


def upgrade() -> None:
    """Build it."""
    for table in ("payment_links", "payments"):
        op.add_column(table, sa.Column("branch_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_branches"), table, "branches", MINE, [name.partition(".")[2] for name in OF_BRANCH])
        op.create_index(f"ix_{table}_by_branch", table, [*MINE, "id"], postgresql_where=sa.text("branch_id IS NOT NULL"))
    op.create_table(
        "saved_filter_defaults",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("list", sa.String(20), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("filter_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_saved_filter_defaults_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "filter_id"],
            ["saved_filters.vendor_id", "saved_filters.mode", "saved_filters.id"],
            name=op.f("fk_saved_filter_defaults_saved_filters"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "list", "person", name=op.f("pk_saved_filter_defaults")),
    )
    op.add_column("receipt_settings", sa.Column("show_payments", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("receipt_settings", "show_payments", server_default=None)
    op.add_column("link_prefills", sa.Column("locale", sa.String(10), nullable=False, server_default=""))
    op.add_column("link_prefills", sa.Column("quantities", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Undo all of it; every payment forgets its branch."""
    op.drop_column("link_prefills", "quantities")
    op.drop_column("link_prefills", "locale")
    op.drop_column("receipt_settings", "show_payments")
    op.drop_table("saved_filter_defaults")
    for table in ("payments", "payment_links"):
        op.drop_column(table, "branch_id")  # with its index and its constraint
