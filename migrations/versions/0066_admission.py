"""What the staff stop for a business, and how one is let into live mode."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0066"
down_revision = "0058"


def upgrade() -> None:
    """Build it."""
    op.add_column("vendors", sa.Column("stopped_modes", ARRAY(sa.String(4)), nullable=False, server_default="{}"))
    op.add_column("directory_standings", sa.Column("barred", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "vendor_stops",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("what", sa.String(12), nullable=False),
        sa.Column("about", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("begun_by", sa.String(60), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(60), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_vendor_stops_mode")),
        sa.CheckConstraint("what IN ('listing', 'payments', 'payouts')", name=op.f("ck_vendor_stops_what")),
        sa.CheckConstraint("(what = 'payouts') = (ends_at IS NOT NULL)", name=op.f("ck_vendor_stops_ends")),
        sa.CheckConstraint("about = '' OR what = 'payouts'", name=op.f("ck_vendor_stops_about")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by = '')", name=op.f("ck_vendor_stops_ended")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_stops_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_vendor_stops")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_vendor_stops_vendor_id_mode_public_id")),
    )
    op.create_index(
        "uq_vendor_stops_open", "vendor_stops", ["vendor_id", "mode", "what", "about"], unique=True, postgresql_where="ended_at IS NULL"
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_table("vendor_stops")
    op.drop_column("directory_standings", "barred")
    op.drop_column("vendors", "stopped_modes")
