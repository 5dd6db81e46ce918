"""From which sum on a seller is told of a payment; reports that come by e-mail; and disputed payments found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0091"
down_revision = "0090"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "large_thresholds",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("least_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_large_thresholds_mode")),
        sa.CheckConstraint("least_minor > 0", name=op.f("ck_large_thresholds_least")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_large_thresholds_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "currency", name=op.f("pk_large_thresholds")),
    )
    op.create_table(
        "report_schedules",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("every", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("narrow", JSONB(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_report_schedules_mode")),
        sa.CheckConstraint("every IN ('daily', 'monthly', 'weekly')", name=op.f("ck_report_schedules_every")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_report_schedules_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_report_schedules")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_report_schedules_vendor_id_mode_public_id")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "person", "every", "query", name=op.f("uq_report_schedules_vendor_id_mode_person_every_query")
        ),
    )
    op.create_index("ix_report_schedules_due", "report_schedules", ["due_at"])
    op.create_table(
        "payment_reports",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("schedule", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("narrow", JSONB(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payment_reports_mode")),
        sa.CheckConstraint("first_on <= last_on AND since < until", name=op.f("ck_payment_reports_days")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_payment_reports_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payment_reports")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payment_reports_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "schedule", "first_on", name=op.f("uq_payment_reports_vendor_id_mode_schedule_first_on")),
    )
    op.create_index("ix_payments_disputed", "payments", ["vendor_id", "mode", "id"], postgresql_where="disputed_minor > 0")


def downgrade() -> None:
    """As it was."""
    op.drop_index("ix_payments_disputed", "payments")
    op.drop_table("payment_reports")
    op.drop_table("report_schedules")
    op.drop_table("large_thresholds")
