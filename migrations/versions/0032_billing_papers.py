"""Invoices and credit notes as people get them: what was settled when they became final, the PDF and the XML, printed once and then kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "document_papers",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("settled", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=True),
        sa.Column("xml", sa.LargeBinary(), nullable=True),
        sa.Column("xml_sha256", sa.String(length=64), nullable=True),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_document_papers_mode")),
        sa.CheckConstraint(
            "(pdf IS NULL) = (pdf_sha256 IS NULL) AND (pdf IS NULL) = (printed_at IS NULL) AND (xml IS NULL) = (xml_sha256 IS NULL)",
            name=op.f("ck_document_papers_printed"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "document_id"],
            ["billing_documents.vendor_id", "billing_documents.mode", "billing_documents.id"],
            name=op.f("fk_document_papers_billing_documents"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "document_id", name=op.f("pk_document_papers")),
    )
    # What was printed is what people have in their hands: PostgreSQL itself refuses to change it.
    op.execute(
        "CREATE TRIGGER document_papers_keep BEFORE UPDATE OR DELETE ON document_papers FOR EACH ROW WHEN (OLD.pdf IS NOT NULL) "
        "EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER document_papers_keep_all BEFORE TRUNCATE ON document_papers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE document_papers ENABLE ALWAYS TRIGGER document_papers_keep")
    op.execute("ALTER TABLE document_papers ENABLE ALWAYS TRIGGER document_papers_keep_all")


def downgrade() -> None:
    """Take it down."""
    op.drop_table("document_papers")
