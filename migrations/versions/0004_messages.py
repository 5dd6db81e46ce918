"""Messages we owe and papers we made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "messages",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("taken_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_messages_mode")),
        sa.CheckConstraint("state IN ('queued', 'sent', 'kept', 'failed')", name=op.f("ck_messages_state")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_messages_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_messages_vendor_id_mode_public_id")),
    )
    op.create_index("ix_messages_about", "messages", ["vendor_id", "mode", "about"], unique=False)
    op.create_index("ix_messages_newest", "messages", ["vendor_id", "mode", "created_at", "id"], unique=False)
    op.create_table(
        "papers",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_papers_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_papers_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_papers")),
        sa.UniqueConstraint("vendor_id", "mode", "about", "kind", "version", name=op.f("uq_papers_vendor_id_mode_about_kind_version")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("papers")
    op.drop_table("messages")
