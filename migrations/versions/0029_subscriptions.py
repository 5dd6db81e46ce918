"""Subscriptions as they are kept: price lists, the value of each and its events, documents with gapless numbers, and the charges wanted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"

# PostgreSQL itself keeps what must not change: which rows, by which condition.
KEPT = {"price_lists": "", "subscription_events": "", "billing_documents": "WHEN (OLD.state = 'final') "}


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "price_lists",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_price_lists_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_price_lists_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "version", name=op.f("pk_price_lists")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("subscriber", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tier", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("today", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lapse_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_subscriptions_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_subscriptions_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_subscriptions_vendor_id_mode_public_id")),
    )
    op.create_index("ix_subscriptions_due", "subscriptions", ["due_at"], unique=False)
    op.create_index("ix_subscriptions_subscriber", "subscriptions", ["vendor_id", "mode", "subscriber", "id"], unique=False)
    op.create_table(
        "subscription_events",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("given", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effects", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_subscription_events_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"],
            ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_subscription_events_subscriptions",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_subscription_events")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "subscription_id", "seq", name=op.f("uq_subscription_events_vendor_id_mode_subscription_id_seq")
        ),
    )
    op.create_index(
        "uq_subscription_events_midnight",
        "subscription_events",
        ["vendor_id", "mode", "subscription_id", "on_day"],
        unique=True,
        postgresql_where=sa.text("kind = 'midnight'"),
    )
    op.create_table(
        "document_series",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_document_series_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_document_series_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "series", name=op.f("pk_document_series")),
    )
    op.create_table(
        "billing_documents",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seller", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("final_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("series", sa.String(length=20), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'final') = (number IS NOT NULL) AND (state = 'final') = (series IS NOT NULL) AND (state = 'final') = (issued_on IS NOT NULL)",
            name=op.f("ck_billing_documents_numbered"),
        ),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_billing_documents_kind")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_billing_documents_mode")),
        sa.CheckConstraint("state IN ('draft', 'final', 'dropped')", name=op.f("ck_billing_documents_state")),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name=op.f("ck_billing_documents_sum")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"],
            ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_billing_documents_subscriptions",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_billing_documents")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_billing_documents_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "series", "number", name=op.f("uq_billing_documents_vendor_id_mode_series_number")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "subscription_id", "ordinal", name=op.f("uq_billing_documents_vendor_id_mode_subscription_id_ordinal")
        ),
    )
    op.create_index(
        "ix_billing_documents_due",
        "billing_documents",
        ["final_due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'draft' AND final_due_at IS NOT NULL"),
    )
    op.create_index("ix_billing_documents_newest", "billing_documents", ["vendor_id", "mode", "subscription_id", "id"], unique=False)
    op.create_index(
        "uq_billing_documents_renewal",
        "billing_documents",
        ["vendor_id", "mode", "subscription_id", "on_day", "origin"],
        unique=True,
        postgresql_where=sa.text("origin IN ('renewal', 'branches') AND state <> 'dropped'"),
    )
    op.create_table(
        "billing_charges",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("documents", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_billing_charges_mode")),
        sa.CheckConstraint("state IN ('wanted', 'stopped', 'received', 'refused')", name=op.f("ck_billing_charges_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_billing_charges_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"],
            ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_billing_charges_subscriptions",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_billing_charges")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_billing_charges_vendor_id_mode_public_id")),
        sa.UniqueConstraint(
            "vendor_id",
            "mode",
            "subscription_id",
            "event_seq",
            "place",
            name=op.f("uq_billing_charges_vendor_id_mode_subscription_id_event_seq_place"),
        ),
    )
    op.create_index("ix_billing_charges_due", "billing_charges", ["due_at"], unique=False, postgresql_where=sa.text("state = 'wanted'"))
    for table, when in KEPT.items():
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {when}EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all")


def downgrade() -> None:
    """Take it down again."""
    for table in ("billing_charges", "billing_documents", "document_series", "subscription_events", "subscriptions", "price_lists"):
        op.drop_table(table)
