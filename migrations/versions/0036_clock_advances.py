"""Clocks of test subscriptions on their way to a later moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "clock_advances",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("goal", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=True),
        sa.Column("waits_for", sa.Uuid(), nullable=True),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(60), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_clock_advances_mode")),
        sa.CheckConstraint("mode = 'test'", name=op.f("ck_clock_advances_test_only")),
        sa.CheckConstraint("state IN ('running', 'done', 'stopped')", name=op.f("ck_clock_advances_state")),
        sa.CheckConstraint("(state = 'running') = (ended_at IS NULL)", name=op.f("ck_clock_advances_ended")),
        sa.CheckConstraint("target_at >= from_at", name=op.f("ck_clock_advances_forward")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_clock_advances_vendors")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"],
            ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_clock_advances_subscriptions",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_clock_advances")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_clock_advances_vendor_id_mode_public_id")),
    )
    op.create_index(
        "uq_clock_advances_one",
        "clock_advances",
        ["vendor_id", "mode", "subscription_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_clock_advances_newest", "clock_advances", ["vendor_id", "mode", "subscription_id", "id"])
    op.create_index("ix_clock_advances_due", "clock_advances", ["look_at"], postgresql_where=sa.text("state = 'running'"))


def downgrade() -> None:
    """Take it down."""
    op.drop_table("clock_advances")
