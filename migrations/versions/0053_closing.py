"""Closing an account: since when a business takes no part any more, and each wish to close with what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0053"
down_revision = "0050"


def upgrade() -> None:
    """Build it."""
    op.add_column("vendors", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "closings",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("team", JSONB(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_closings_mode")),
        sa.CheckConstraint(
            "state IN ('closed', 'closing', 'erasing', 'failed', 'paying_back', 'taken_back')", name=op.f("ck_closings_state")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_closings_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_closings")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_closings_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_closings_vendor_id_mode_token_id")),
    )
    op.create_index(
        "uq_closings_open", "closings", ["vendor_id"], unique=True, postgresql_where="state IN ('closing', 'erasing', 'paying_back')"
    )
    op.create_index("ix_closings_due", "closings", ["due_at"], postgresql_where="due_at IS NOT NULL")


def downgrade() -> None:
    """Take it down again."""
    op.drop_table("closings")
    op.drop_column("vendors", "stopped_at")
