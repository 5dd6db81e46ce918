"""What a vendor issues for its payments, and whether it does."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money

KINDS = ("invoice", "credit_note")
ORIGINS = ("sale", "refund", "refund_undone", "details")


class SaleDocument(TenantKey, Base):
    """An invoice or a credit note of one payment. It is written once, with its number; PostgreSQL refuses to change or delete it.

    Sums are positive on both kinds. What is still invoiced of a payment is the sum of its invoices less that of its credit notes.
    """

    __tablename__ = "sale_documents"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "series", "number"),
        UniqueConstraint("vendor_id", "mode", "payment_id", "place"),
        # One credit note for a refund, and one invoice for a refund that did not arrive after all.
        Index("uq_sale_documents_refund", "vendor_id", "mode", "refund_id", "kind", unique=True, postgresql_where="refund_id IS NOT NULL"),
        Index("ix_sale_documents_newest", "vendor_id", "mode", "id"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint(one_of("origin", ORIGINS), name="origin"),
        CheckConstraint("gross_minor > 0 AND net_minor + tax_minor = gross_minor", name="sum"),
        CheckConstraint("(kind = 'credit_note') <= (corrects IS NOT NULL)", name="corrects"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"], name="fk_sale_documents_payments"
        ),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "refund_id"], ["refunds.vendor_id", "refunds.mode", "refunds.id"], name="fk_sale_documents_refunds"
        ),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    place: Mapped[int]  # which of the payment's documents, from 1
    kind: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(20))
    corrects: Mapped[int | None]  # the place of the document it puts right
    refund_id: Mapped[uuid.UUID | None]
    series: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    issued_on: Mapped[date]
    on_day: Mapped[date]  # the tax point: the day on which the money came, or went back
    currency: Mapped[str] = mapped_column(CHAR(3))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    shares: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # what it comes to at each rate: core/invoices/shares.py
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    seller: Mapped[dict[str, Any]] = mapped_column(JSONB)  # both parties as they were
    buyer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    locale: Mapped[str] = mapped_column(String(10))
    issued_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]

    @property
    def name(self) -> str:
        """What people call it, `INV-000042`."""
        return f"{self.series}{self.number:06d}"

    @property
    def is_credit(self) -> bool:
        return self.kind == "credit_note"

    @property
    def gross(self) -> Money:
        """What it comes to with its tax."""
        return Money(self.gross_minor, self.currency)

    @property
    def net(self) -> Money:
        return Money(self.net_minor, self.currency)

    @property
    def tax(self) -> Money:
        return Money(self.tax_minor, self.currency)


class InvoiceSwitch(Base):
    """A vendor issues an invoice for every payment that arrives from this moment on; without a row it does not."""

    __tablename__ = "invoice_switches"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    since: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(60))
