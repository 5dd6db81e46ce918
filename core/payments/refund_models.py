"""Refunds: what is asked back of a payment, and what became of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payments.states import REFUND


class Refund(TenantKey, Base):
    """Money going back. Requested by a person, sent by a worker, settled by what the provider confirms."""

    __tablename__ = "refunds"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint(one_of("state", REFUND), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("fee_returned_minor >= 0 AND fee_returned_minor <= amount_minor", name="fee_returned"),
        CheckConstraint(
            "taken_from IN ('seller_pending', 'seller_available', 'seller_receivable', 'seller_hold', 'unapplied')", name="taken_from"
        ),
        # Money nobody asked for goes back once, whoever asks at the same moment.
        Index(
            "uq_refunds_unapplied_once",
            "vendor_id",
            "mode",
            "charge",
            unique=True,
            postgresql_where="taken_from = 'unapplied' AND state NOT IN ('failed', 'canceled')",
        ),
        Index("ix_refunds_by_payment", "vendor_id", "mode", "payment_id", "id"),
        Index("ix_refunds_by_state", "vendor_id", "mode", "state", "id"),
        Index("ix_refunds_queued", "vendor_id", "mode", "currency", "id", postgresql_where="state = 'queued'"),
        Index("ix_refunds_to_ask", "next_inquiry_at", postgresql_where="next_inquiry_at IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    form_token: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(20), default="requested")
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fee_returned_minor: Mapped[int] = mapped_column(BigInteger)
    taken_from: Mapped[str] = mapped_column(String(20))
    charge: Mapped[str | None] = mapped_column(String(80))  # which of the provider's charges goes back; empty: the payment's own
    provider: Mapped[str | None] = mapped_column(String(20))  # whose charge that is; empty: the payment's own provider
    reason: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(300), default="")
    tell_payer: Mapped[bool] = mapped_column(default=True, server_default="true")  # a letter when it has reached them
    on_settled: Mapped[str | None] = mapped_column(String(60))  # the job that is asked for when it has ended
    requested_by: Mapped[str] = mapped_column(String(60))
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    failure_reason: Mapped[str | None] = mapped_column(String(120))
    next_inquiry_at: Mapped[datetime | None]
    inquiries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What goes back to the payer."""
        return Money(self.amount_minor, self.currency)

    @property
    def of_sale(self) -> bool:
        """Whether it gives back what was sold. Money that nobody asked for is given back without touching the payment's sums.

        That is named by its charge. What was paid to the platform itself stands as unapplied too, and is a sale all the same.
        """
        return self.taken_from != "unapplied" or self.charge is None
