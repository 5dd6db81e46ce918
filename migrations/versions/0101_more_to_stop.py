"""Forms on other websites and software can be stopped for a business as well; and a stop can begin on a day of which the business is told before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0101"
down_revision = "0094"

COLUMNS = ("embed_stopped_modes", "api_stopped_modes")


def upgrade() -> None:
    """Build it."""
    for column in COLUMNS:
        op.add_column("vendors", sa.Column(column, ARRAY(sa.String(4)), nullable=False, server_default="{}"))
    op.add_column("vendor_stops", sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("vendor_stops", sa.Column("carried_out", sa.Boolean(), nullable=True))
    op.execute("UPDATE vendor_stops SET starts_at = begun_at, carried_out = true")
    op.alter_column("vendor_stops", "starts_at", nullable=False)
    op.alter_column("vendor_stops", "carried_out", nullable=False)
    op.create_check_constraint(op.f("ck_vendor_stops_starts"), "vendor_stops", "starts_at >= begun_at")
    op.drop_constraint(op.f("ck_vendor_stops_what"), "vendor_stops")
    op.create_check_constraint(op.f("ck_vendor_stops_what"), "vendor_stops", "what IN ('api', 'embed', 'listing', 'payments', 'payouts')")


def downgrade() -> None:
    """Take it down: what only this knows goes with it."""
    op.execute("DELETE FROM vendor_stops WHERE what IN ('api', 'embed') OR NOT carried_out")
    op.drop_constraint(op.f("ck_vendor_stops_what"), "vendor_stops")
    op.create_check_constraint(op.f("ck_vendor_stops_what"), "vendor_stops", "what IN ('listing', 'payments', 'payouts')")
    op.drop_constraint(op.f("ck_vendor_stops_starts"), "vendor_stops")
    op.drop_column("vendor_stops", "carried_out")
    op.drop_column("vendor_stops", "starts_at")
    for column in COLUMNS:
        op.drop_column("vendors", column)
