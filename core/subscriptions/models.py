"""The paper of an invoice or a credit note: what was settled when it became final, then the PDF and the XML, printed once."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check


class DocumentPaper(Base):
    """One for each final document. Once it is printed PostgreSQL refuses to change or delete it."""

    __tablename__ = "document_papers"
    __table_args__ = (
        mode_check(),
        CheckConstraint(
            "(pdf IS NULL) = (pdf_sha256 IS NULL) AND (pdf IS NULL) = (printed_at IS NULL) AND (xml IS NULL) = (xml_sha256 IS NULL)",
            name="printed",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "document_id"], ["billing_documents.vendor_id", "billing_documents.mode", "billing_documents.id"],
            name="fk_document_papers_billing_documents",
        ),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    document_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(String(10))
    settled: Mapped[dict[str, Any]] = mapped_column(JSONB)  # core/subscriptions/settled.py: Settled, as it was then
    asked_at: Mapped[datetime]
    # Read only when they are asked for: a list must not carry every paper.
    pdf: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    pdf_sha256: Mapped[str | None] = mapped_column(String(64))
    xml: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    xml_sha256: Mapped[str | None] = mapped_column(String(64))
    printed_at: Mapped[datetime | None]
