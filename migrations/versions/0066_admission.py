"""What the staff stop for a business, and how one is let into live mode."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0066"
down_revision = "0064"


def upgrade() -> None:
    """Build it."""
    op.add_column("vendors", sa.Column("stopped_modes", ARRAY(sa.String(4)), nullable=False, server_default="{}"))
    op.add_column("vendors", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE vendors SET approved_at = created_at WHERE live_enabled")  # who is live stays live
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

    _applications()


def _applications() -> None:
    op.create_table(
        "applications",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("legal_name", sa.String(120), nullable=False),
        sa.Column("street", sa.String(120), nullable=False),
        sa.Column("postcode", sa.String(20), nullable=False),
        sa.Column("city", sa.String(80), nullable=False),
        sa.Column("registration", sa.String(60), nullable=False),
        sa.Column("owner_name", sa.String(120), nullable=False),
        sa.Column("website", sa.String(200), nullable=False),
        sa.Column("sells", sa.Text(), nullable=False),
        sa.Column("sent_by", sa.String(60), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_applications_mode")),
        sa.CheckConstraint("state IN ('approved', 'asked', 'refused', 'sent')", name=op.f("ck_applications_state")),
        sa.CheckConstraint("(state IN ('approved', 'refused')) = (decided_at IS NOT NULL)", name=op.f("ck_applications_decided")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_applications_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_applications")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_applications_vendor_id_mode_public_id")),
    )
    waiting = "state IN ('asked', 'sent')"
    op.create_index("uq_applications_open", "applications", ["vendor_id"], unique=True, postgresql_where=waiting)
    op.create_index("ix_applications_waiting", "applications", ["sent_at"], postgresql_where=waiting)
    op.create_index("ix_applications_public_id", "applications", ["public_id"])
    op.create_table(
        "application_notes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("author", sa.String(60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_application_notes_mode")),
        sa.CheckConstraint("kind IN ('answered', 'approved', 'asked', 'refused', 'sent')", name=op.f("ck_application_notes_kind")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "application_id"],
            ["applications.vendor_id", "applications.mode", "applications.id"],
            name=op.f("fk_application_notes_applications"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_application_notes")),
    )
    op.create_index("ix_application_notes_of", "application_notes", ["vendor_id", "mode", "application_id", "id"])
    op.create_table(
        "admission_files",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.SmallInteger(), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_admission_files_mode")),
        sa.CheckConstraint("kind IN ('address', 'bank', 'other', 'person', 'register')", name=op.f("ck_admission_files_kind")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_admission_files_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_admission_files")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_admission_files_vendor_id_mode_public_id")),
    )

    _fees_and_notes()


def _fees_and_notes() -> None:
    op.create_table(
        "vendor_fees",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("before_bps", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("published_by", sa.String(60), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("bps BETWEEN 0 AND 5000", name=op.f("ck_vendor_fees_bps")),
        sa.CheckConstraint("applied_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_vendor_fees_one_end")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_fees_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_vendor_fees")),
    )
    planned = "applied_at IS NULL AND withdrawn_at IS NULL"
    op.create_index("uq_vendor_fees_planned", "vendor_fees", ["vendor_id"], unique=True, postgresql_where=planned)
    op.create_index("ix_vendor_fees_due", "vendor_fees", ["from_on"], postgresql_where=planned)
    op.create_table(
        "staff_notes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(60), nullable=False),
        sa.Column("flag", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("flag IN ('', 'complaint', 'key_account', 'watch')", name=op.f("ck_staff_notes_flag")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_staff_notes_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_staff_notes")),
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_table("staff_notes")
    op.drop_table("vendor_fees")
    op.drop_table("admission_files")
    op.drop_table("application_notes")
    op.drop_table("applications")
    op.drop_column("vendors", "approved_at")
    op.drop_table("vendor_stops")
    op.drop_column("directory_standings", "barred")
    op.drop_column("vendors", "stopped_modes")
