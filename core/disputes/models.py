"""Tables of disputes: each with its draft of an answer, the files that go with it, its history, what was written about it, and debts that were written off."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.disputes.states import DISPUTE, SIDES, WISHES
from core.kernel.columns import CausedHistoryRow, one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.providers.disputes import FILES, REASONS


class Dispute(TenantKey, Base):
    """A payer's bank wants money back. What it is worth here follows from its journals; the provider's word moves it."""

    __tablename__ = "disputes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "provider", "provider_reference"),
        CheckConstraint(one_of("state", DISPUTE), name="state"),
        CheckConstraint(one_of("reason", REASONS), name="reason"),
        CheckConstraint(one_of("wish", WISHES), name="wish"),
        CheckConstraint("amount_minor > 0 AND cycle >= 0", name="amount"),
        CheckConstraint("share_fee_minor >= 0 AND held_minor >= 0 AND advanced_minor >= 0", name="shares"),
        Index("ix_disputes_public_id", "public_id"),
        Index("ix_disputes_newest", "vendor_id", "mode", "id"),
        Index("ix_disputes_by_payment", "vendor_id", "mode", "payment_id", "id"),
        Index("ix_disputes_due", "due_at", postgresql_where="state IN ('inquiry', 'needs_response')"),
        Index("ix_disputes_to_remind", "remind_at", postgresql_where="remind_at IS NOT NULL"),
        Index("ix_disputes_to_ask", "next_inquiry_at", postgresql_where="next_inquiry_at IS NOT NULL"),
        Index("ix_disputes_to_accept", "accept_at", postgresql_where="accept_at IS NOT NULL"),
        Index("ix_disputes_unread", "waits_since", postgresql_where="waits_since IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    provider: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(30))
    network_code: Mapped[str] = mapped_column(String(20), default="")  # the card scheme's own word for the reason
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    # Of the present cycle, while money is taken: our fee in it, the seller's share that is kept aside, and how much of that
    # came from elsewhere than the payment's own waiting money.
    share_fee_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    held_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    advanced_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    cycle: Mapped[int] = mapped_column(SmallInteger, default=0)  # how often money was taken for it
    submissions: Mapped[int] = mapped_column(SmallInteger, default=0)  # how often it was answered, by the provider's count
    due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    draft: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  # the answer as it stands; what was sent stands in the history
    remind_at: Mapped[datetime | None]  # when the team is reminded next that an answer is due
    wish: Mapped[str | None] = mapped_column(String(10))  # what was asked for and has not reached the bank yet
    wished_by: Mapped[str] = mapped_column(String(60), default="")
    accept_at: Mapped[datetime | None]  # when it is given in by itself, by a rule of the vendor; they were told, and can stop it
    waits_since: Mapped[datetime | None]  # since when a message of the vendor waits for the staff
    answered_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    next_inquiry_at: Mapped[datetime | None]
    inquiries: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    @property
    def amount(self) -> Money:
        """What the payer's bank wants back."""
        return Money(self.amount_minor, self.currency)

    @property
    def held(self) -> Money:
        """The seller's share of it."""
        return Money(self.held_minor, self.currency)

    @property
    def share_fee(self) -> Money:
        """Our fee in it."""
        return Money(self.share_fee_minor, self.currency)


class DisputeEvent(CausedHistoryRow, Base):
    """One line of a dispute's history. Append-only."""

    __tablename__ = "dispute_events"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "dispute_id"], ["disputes.vendor_id", "disputes.mode", "disputes.id"]),
    )
    dispute_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class DisputeFile(TenantKey, Base):
    """A file of an answer: checked and drawn anew, kept where only the vendor's team and the bank read it. One of each kind."""

    __tablename__ = "dispute_files"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "dispute_id"], ["disputes.vendor_id", "disputes.mode", "disputes.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("kind", FILES), name="kind"),
        Index("uq_dispute_files_kind", "vendor_id", "mode", "dispute_id", "cycle", "kind", unique=True),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    dispute_id: Mapped[uuid.UUID]
    cycle: Mapped[int] = mapped_column(SmallInteger)  # the answer it belongs to
    kind: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    pages: Mapped[int] = mapped_column(SmallInteger)
    added_by: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    content: Mapped[bytes] = deferred(mapped_column("data", LargeBinary, nullable=False))


class DisputeMessage(TenantKey, Base):
    """What the vendor's team or the staff wrote to each other about a dispute. It never goes to the bank."""

    __tablename__ = "dispute_messages"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "dispute_id"], ["disputes.vendor_id", "disputes.mode", "disputes.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint(one_of("side", SIDES), name="side"),
        Index("ix_dispute_messages_of", "vendor_id", "mode", "dispute_id", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))
    dispute_id: Mapped[uuid.UUID]
    side: Mapped[str] = mapped_column(String(10))
    author: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)  # empty once the payer's data was erased
    at: Mapped[datetime]


class DisputeEnclosure(TenantKey, Base):
    """The file that went with a message: checked and drawn anew, read by the vendor's team and the staff."""

    __tablename__ = "dispute_enclosures"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "message_id"], ["dispute_messages.vendor_id", "dispute_messages.mode", "dispute_messages.id"]
        ),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "message_id"),
        Index("ix_dispute_enclosures_of", "vendor_id", "mode", "dispute_id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    dispute_id: Mapped[uuid.UUID]
    message_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    pages: Mapped[int] = mapped_column(SmallInteger)
    content: Mapped[bytes] = deferred(mapped_column("data", LargeBinary, nullable=False))


class AcceptRule(Base):
    """Up to which amount of a currency a vendor's disputes are given in by themselves, and after how many days. Without a row none is."""

    __tablename__ = "dispute_accept_rules"
    __table_args__ = (mode_check(), CheckConstraint("most_minor > 0 AND days BETWEEN 1 AND 7", name="bounds"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    most_minor: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[int] = mapped_column(SmallInteger)
    set_by: Mapped[str] = mapped_column(String(60))
    set_at: Mapped[datetime]

    @property
    def most(self) -> Money:
        """The largest amount that is given in."""
        return Money(self.most_minor, self.currency)


class WriteOff(TenantKey, Base):
    """What a seller owes and will not pay is taken out of the books: by one person of the staff, above a limit by two."""

    __tablename__ = "write_offs"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint("state IN ('requested', 'booked', 'declined')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("uq_write_offs_waiting", "vendor_id", "mode", "currency", unique=True, postgresql_where="state = 'requested'"),
        Index("ix_write_offs_newest", "vendor_id", "mode", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(300))
    requested_by: Mapped[str] = mapped_column(String(60))
    decided_by: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What is not asked for any more."""
        return Money(self.amount_minor, self.currency)
