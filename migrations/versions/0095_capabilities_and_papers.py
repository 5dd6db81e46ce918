"""Forms on other websites and software can be stopped for a business as well, a stop can begin on a day that is told before, and each paper of a
business is looked at by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0095"
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
    _papers()


def _papers() -> None:
    op.add_column("admission_files", sa.Column("review", sa.String(10), nullable=False, server_default=""))
    op.add_column("admission_files", sa.Column("review_reason", sa.String(300), nullable=False, server_default=""))
    op.add_column("admission_files", sa.Column("reviewed_by", sa.String(60), nullable=False, server_default=""))
    op.add_column("admission_files", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("admission_files", sa.Column("expires_on", sa.Date(), nullable=True))
    op.add_column("admission_files", sa.Column("end_told_at", sa.DateTime(timezone=True), nullable=True))
    for column in ("review", "review_reason", "reviewed_by"):
        op.alter_column("admission_files", column, server_default=None)
    for name, rule in (
        ("review", "review IN ('', 'accepted', 'refused')"),
        ("reviewed", "(review = '') = (reviewed_at IS NULL)"),
        ("reason", "review <> 'refused' OR review_reason <> ''"),
        ("expires", "expires_on IS NULL OR review = 'accepted'"),
    ):
        op.create_check_constraint(op.f(f"ck_admission_files_{name}"), "admission_files", rule)
    op.create_index("ix_admission_files_expires", "admission_files", ["expires_on"], postgresql_where="expires_on IS NOT NULL")


def downgrade() -> None:
    """Take it down: what only this knows goes with it."""
    op.drop_index("ix_admission_files_expires", "admission_files")
    for name in ("expires", "reason", "reviewed", "review"):
        op.drop_constraint(op.f(f"ck_admission_files_{name}"), "admission_files")
    for column in ("end_told_at", "expires_on", "reviewed_at", "reviewed_by", "review_reason", "review"):
        op.drop_column("admission_files", column)
    op.execute("DELETE FROM vendor_stops WHERE what IN ('api', 'embed') OR NOT carried_out")
    op.drop_constraint(op.f("ck_vendor_stops_what"), "vendor_stops")
    op.create_check_constraint(op.f("ck_vendor_stops_what"), "vendor_stops", "what IN ('listing', 'payments', 'payouts')")
    op.drop_constraint(op.f("ck_vendor_stops_starts"), "vendor_stops")
    op.drop_column("vendor_stops", "carried_out")
    op.drop_column("vendor_stops", "starts_at")
    for column in COLUMNS:
        op.drop_column("vendors", column)
