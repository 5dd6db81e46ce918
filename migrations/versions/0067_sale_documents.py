"""Invoices and credit notes of single payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "invoice_switches",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_invoice_switches_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_invoice_switches_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", name=op.f("pk_invoice_switches")),
    )
    op.create_table(
        "sale_documents",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("series", sa.String(20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("shares", postgresql.JSONB(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("seller", postgresql.JSONB(), nullable=False),
        sa.Column("buyer", postgresql.JSONB(), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("issued_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_sale_documents_mode")),
        sa.CheckConstraint("kind IN ('credit_note', 'invoice')", name=op.f("ck_sale_documents_kind")),
        sa.CheckConstraint("origin IN ('details', 'refund', 'refund_undone', 'sale')", name=op.f("ck_sale_documents_origin")),
        sa.CheckConstraint("gross_minor > 0 AND net_minor + tax_minor = gross_minor", name=op.f("ck_sale_documents_sum")),
        sa.CheckConstraint("(kind = 'credit_note') <= (corrects IS NOT NULL)", name=op.f("ck_sale_documents_corrects")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_sale_documents_payments"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "refund_id"], ["refunds.vendor_id", "refunds.mode", "refunds.id"], name=op.f("fk_sale_documents_refunds")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_sale_documents")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_sale_documents_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "series", "number", name=op.f("uq_sale_documents_vendor_id_mode_series_number")),
        sa.UniqueConstraint("vendor_id", "mode", "payment_id", "place", name=op.f("uq_sale_documents_vendor_id_mode_payment_id_place")),
    )
    op.create_index(
        "uq_sale_documents_refund", "sale_documents", ["vendor_id", "mode", "refund_id", "kind"], unique=True,
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_sale_documents_newest", "sale_documents", ["vendor_id", "mode", "id"])
    op.execute("CREATE TRIGGER sale_documents_keep BEFORE UPDATE OR DELETE ON sale_documents FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute(
        "CREATE TRIGGER sale_documents_keep_all BEFORE TRUNCATE ON sale_documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE sale_documents ENABLE ALWAYS TRIGGER sale_documents_keep")
    op.execute("ALTER TABLE sale_documents ENABLE ALWAYS TRIGGER sale_documents_keep_all")


def downgrade() -> None:
    """Take it down."""
    op.drop_table("sale_documents")
    op.drop_table("invoice_switches")
