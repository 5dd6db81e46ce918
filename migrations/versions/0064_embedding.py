"""On which websites payment pages may be shown, and which were refused; buttons that carry their price."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "embed_origins",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("origin", sa.String(270), nullable=False),
        sa.Column("created_by", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_embed_origins_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_embed_origins_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_embed_origins")),
        sa.UniqueConstraint("vendor_id", "mode", "origin", name=op.f("uq_embed_origins_vendor_id_mode_origin")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_embed_origins_vendor_id_mode_public_id")),
    )
    op.create_table(
        "embed_refusals",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("origin", sa.String(270), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_embed_refusals_mode")),
        sa.CheckConstraint("reason IN ('insecure', 'off', 'opaque', 'unlisted')", name=op.f("ck_embed_refusals_reason")),
        sa.CheckConstraint("times > 0", name=op.f("ck_embed_refusals_times")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_embed_refusals_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "origin", "reason", name=op.f("pk_embed_refusals")),
    )
    op.create_index("ix_embed_refusals_last", "embed_refusals", ["last_at"])
    op.add_column("link_prefills", sa.Column("look", JSONB(), nullable=True))
    op.add_column("link_prefills", sa.Column("price_minor", sa.BigInteger(), nullable=True))
    op.add_column("link_prefills", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("link_prefills", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_link_prefills_price"), "link_prefills", "price_minor > 0")
    op.create_check_constraint(
        op.f("ck_link_prefills_button"),
        "link_prefills",
        "look IS NOT NULL OR (price_minor IS NULL AND expires_at IS NULL AND paused_at IS NULL)",
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_constraint(op.f("ck_link_prefills_button"), "link_prefills")
    op.drop_constraint(op.f("ck_link_prefills_price"), "link_prefills")
    for column in ("paused_at", "expires_at", "price_minor", "look"):
        op.drop_column("link_prefills", column)
    op.drop_table("embed_refusals")
    op.drop_table("embed_origins")
