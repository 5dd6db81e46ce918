"""Files of transfers that people carry to the bank."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "bank_order_files",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("account", sa.String(34), nullable=False),
        sa.Column("holder", sa.String(70), nullable=False),
        sa.Column("bic", sa.String(11), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(60), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_bank_order_files_mode")),
        sa.CheckConstraint("orders > 0 AND total_minor > 0", name=op.f("ck_bank_order_files_total")),
        sa.CheckConstraint("state IN ('made', 'handed_over', 'taken_back')", name=op.f("ck_bank_order_files_state")),
        sa.CheckConstraint("(state = 'made') = (ended_at IS NULL)", name=op.f("ck_bank_order_files_ended")),
        sa.CheckConstraint("state <> 'handed_over' OR ended_by <> made_by", name=op.f("ck_bank_order_files_two_people")),
        sa.PrimaryKeyConstraint("mode", "id", name=op.f("pk_bank_order_files")),
        sa.UniqueConstraint("mode", "public_id", name=op.f("uq_bank_order_files_mode_public_id")),
    )
    op.add_column("bank_orders", sa.Column("file_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_bank_orders_bank_order_files"), "bank_orders", "bank_order_files", ["mode", "file_id"], ["mode", "id"])
    op.create_index("ix_bank_orders_file", "bank_orders", ["mode", "file_id"], postgresql_where="file_id IS NOT NULL")


def downgrade() -> None:
    """Take it down."""
    op.drop_index("ix_bank_orders_file", "bank_orders")
    op.drop_constraint(op.f("fk_bank_orders_bank_order_files"), "bank_orders")
    op.drop_column("bank_orders", "file_id")
    op.drop_table("bank_order_files")
