"""Staff, their sessions and their visits to vendors, and what their pages look for: the newest of the audit log, work that gave up, events about nothing of ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "staff",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('reviewer', 'finance', 'superuser')", name=op.f("ck_staff_role")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_staff_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_public_id")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["staff.user_id"], name=op.f("fk_staff_sessions_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
    )
    op.create_table(
        "staff_visits",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_staff_visits_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_staff_visits")),
    )
    op.create_index("ix_staff_sessions_user", "staff_sessions", ["user_id"])
    op.create_index("ix_audit_entries_newest", "audit_entries", ["id"])
    op.create_index("ix_outbox_dead", "outbox", ["id"], postgresql_where=sa.text("state = 'dead'"))
    op.create_index("ix_provider_events_unmatched", "provider_events", ["received_at"], postgresql_where=sa.text("result = 'unmatched'"))


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_provider_events_unmatched", "provider_events")
    op.drop_index("ix_outbox_dead", "outbox")
    op.drop_index("ix_audit_entries_newest", "audit_entries")
    op.drop_table("staff_visits")
    op.drop_table("staff_sessions")
    op.drop_table("staff")
