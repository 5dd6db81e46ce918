"""A browser of the staff that shows a vendor's own pages as its owner sees them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0078"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "staff_looks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_staff_looks_mode")),
        sa.CheckConstraint("ends_at <= begun_at + interval '30 minutes'", name=op.f("ck_staff_looks_half_an_hour")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "visit_id"], ["staff_visits.vendor_id", "staff_visits.id"], name="fk_staff_looks_staff_visits"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_looks")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_looks_public_id")),
    )
    op.create_index("ix_staff_looks_vendor", "staff_looks", ["vendor_id", "visit_id"])
    op.create_index("ix_staff_looks_session", "staff_looks", ["session_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("staff_looks")
