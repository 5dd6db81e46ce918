"""Tables of money going out: where to, when, each payout with the lines it is made of, and its history."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import CausedHistoryRow, one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payouts.states import PAYOUT, RAILS, SCHEDULES

PROCESSORS = {"stripe": "Stripe", "sandbox": "Sandbox processor"}


class PayoutAccount(TenantKey, Base):
    """Where a vendor's balance in one currency goes: a bank account, or the one behind their account at a processor, whose number only the
    processor knows. Never changed: another one takes its place."""

    __tablename__ = "payout_accounts"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("rail", RAILS), name="rail"),
        CheckConstraint("(rail = 'bank') = (iban <> '') AND (rail = 'processor') = (provider_account <> '')", name="where"),
        Index("uq_payout_accounts_in_use", "vendor_id", "mode", "currency", unique=True, postgresql_where="replaced_at IS NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(CHAR(3))
    holder: Mapped[str] = mapped_column(String(70))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11), default="")
    rail: Mapped[str] = mapped_column(String(10), default="bank")
    provider: Mapped[str] = mapped_column(String(20), default="")
    provider_account: Mapped[str] = mapped_column(String(60), default="")  # the processor's name for the seller's account there
    last4: Mapped[str] = mapped_column(String(4), default="")  # of the bank account behind it
    mark: Mapped[str] = mapped_column(String(60), default="")  # the processor's own of that bank account: another one is another account
    added_by: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    usable_from: Mapped[datetime]  # until then whoever owns the business can still stop it
    replaced_at: Mapped[datetime | None]

    @property
    def ends_in(self) -> str:
        """What a page shows of it."""
        return self.last4 or self.iban[-4:]

    @property
    def through(self) -> str:
        """The processor's name, as people know it; empty for a transfer of our bank's."""
        return PROCESSORS.get(self.provider, self.provider)


class PayoutTerms(Base):
    """When a vendor's balance in one currency is paid out by itself, and how much there must be."""

    __tablename__ = "payout_terms"
    __table_args__ = (
        mode_check(),
        CheckConstraint(one_of("schedule", SCHEDULES), name="schedule"),
        CheckConstraint("day BETWEEN 1 AND 31", name="day"),
        CheckConstraint("minimum_minor > 0", name="minimum"),
        CheckConstraint("(next_on IS NULL) = (schedule = 'on_request')", name="next_on"),
        Index("ix_payout_terms_due", "next_on", "vendor_id", "mode", "currency", postgresql_where="next_on IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    schedule: Mapped[str] = mapped_column(String(12))
    day: Mapped[int] = mapped_column(SmallInteger)  # weekly: ISO day of the week; monthly: day of the month, or its last one
    minimum_minor: Mapped[int] = mapped_column(BigInteger)
    next_on: Mapped[date | None]  # in the vendor's time zone
    updated_at: Mapped[datetime]


class Payout(TenantKey, Base):
    """What a seller had available in one currency, on its way to their bank.

    opening + lines = amount + carried, said by the row and proved before the money leaves: core/payouts/statement.py.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        UniqueConstraint("vendor_id", "mode", "currency", "seq"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "account_id"], ["payout_accounts.vendor_id", "payout_accounts.mode", "payout_accounts.id"]
        ),
        CheckConstraint(one_of("state", PAYOUT), name="state"),
        CheckConstraint("amount_minor > 0 AND carried_minor >= 0", name="amount"),
        CheckConstraint("opening_minor + lines_minor = amount_minor + carried_minor", name="adds_up"),
        Index("ix_payouts_public_id", "public_id"),
        Index("ix_payouts_newest", "vendor_id", "mode", "id"),
        Index("ix_payouts_to_approve", "mode", "id", postgresql_where="state = 'requested'"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))  # the same wish told twice is one payout
    currency: Mapped[str] = mapped_column(CHAR(3))
    seq: Mapped[int]  # 1, 2, 3 ... of this vendor in this currency
    opening_minor: Mapped[int] = mapped_column(BigInteger)
    lines_minor: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    carried_minor: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(String(12))
    why_held: Mapped[str] = mapped_column(String(40), default="")  # why a person has to look at it
    requested_by: Mapped[str] = mapped_column(String(60))  # usr_..., or system by the schedule
    approved_by: Mapped[str] = mapped_column(String(60), default="")
    failure_reason: Mapped[str] = mapped_column(String(60), default="")
    trace: Mapped[str] = mapped_column(String(60), default="", server_default="")  # the number it has on the seller's own bank statement
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What leaves."""
        return Money(self.amount_minor, self.currency)


class PayoutLine(Base):
    """One entry of the seller's available money, and the payout whose statement it stands on: each entry on one of them only."""

    __tablename__ = "payout_lines"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payout_id"], ["payouts.vendor_id", "payouts.mode", "payouts.id"]),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "journal_id", "leg"], ["entries.vendor_id", "entries.mode", "entries.journal_id", "entries.leg"]
        ),
        Index("ix_payout_lines_payout", "vendor_id", "mode", "payout_id", "journal_id", "leg"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    journal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    leg: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    payout_id: Mapped[uuid.UUID]


class PayoutEvent(CausedHistoryRow, Base):
    """One line of a payout's history. Append-only."""

    __tablename__ = "payout_events"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payout_id"], ["payouts.vendor_id", "payouts.mode", "payouts.id"]),
    )
    payout_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
