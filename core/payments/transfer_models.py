"""Bank transfers of a payment: what came, what needs a decision, what goes back; and the terms a vendor sets for them."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payments.states import CASE_KINDS, RETURN

OF_A_PAYMENT = ["vendor_id", "mode", "payment_id"]
PAYMENTS = ["payments.vendor_id", "payments.mode", "payments.id"]


class Transfer(TenantKey, Base):
    """One line of a bank statement that belongs to a payment. Several may pay for one."""

    __tablename__ = "transfers"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(OF_A_PAYMENT, PAYMENTS),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "line"),  # a line is money once
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_transfers_by_payment", "vendor_id", "mode", "payment_id", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    line: Mapped[str] = mapped_column(String(40))  # the statement line's own number
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    payer_name: Mapped[str] = mapped_column(String(140))
    account_end: Mapped[str] = mapped_column(String(4))  # the last letters of the payer's account; the rest stays with the platform
    text: Mapped[str] = mapped_column(String(300))
    matched_by: Mapped[str] = mapped_column(String(60))  # 'reference', or the person who said whose it is
    booked_on: Mapped[date]
    created_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]  # the bank has reversed it

    @property
    def amount(self) -> Money:
        """How much came."""
        return Money(self.amount_minor, self.currency)


class TransferCase(TenantKey, Base):
    """Money came that does not simply pay: somebody has to decide, or the payer to send the rest. One open case for a payment."""

    __tablename__ = "transfer_cases"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(OF_A_PAYMENT, PAYMENTS),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("kind", CASE_KINDS), name="kind"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("uq_transfer_cases_one_open", "vendor_id", "mode", "payment_id", unique=True, postgresql_where="resolved_at IS NULL"),
        Index("ix_transfer_cases_open", "vendor_id", "mode", "id", postgresql_where="resolved_at IS NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # the unapplied money it is about
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    resolved_by: Mapped[str | None] = mapped_column(String(60))

    @property
    def amount(self) -> Money:
        """How much waits."""
        return Money(self.amount_minor, self.currency)


class TransferReturn(TenantKey, Base):
    """Unapplied money that goes back to its sender: requested, handed to the bank, and settled by the debit on a statement."""

    __tablename__ = "transfer_returns"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(OF_A_PAYMENT, PAYMENTS),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("state", RETURN), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_transfer_returns_by_payment", "vendor_id", "mode", "payment_id", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(String(10), default="requested")
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(300))
    requested_by: Mapped[str] = mapped_column(String(60))
    failure_reason: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """How much goes back."""
        return Money(self.amount_minor, self.currency)


class BankTerms(Base):
    """How a vendor takes bank transfers. Without a row the terms are the usual ones."""

    __tablename__ = "bank_terms"
    __table_args__ = (
        mode_check(),
        CheckConstraint("days BETWEEN 1 AND 60", name="days"),
        CheckConstraint("tolerance_minor BETWEEN 0 AND 100000", name="tolerance_minor"),
        CheckConstraint("tolerance_bps BETWEEN 0 AND 500", name="tolerance_bps"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    days: Mapped[int]  # how long a transfer is waited for
    tolerance_minor: Mapped[int]  # so much may be missing, in the payment's minor units
    tolerance_bps: Mapped[int]  # or so many hundredths of a percent of it
    updated_at: Mapped[datetime]
