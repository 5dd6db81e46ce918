"""What billing keeps: price lists, subscriptions with everything that happened to them, their documents, and the charges they want.

The vendor at the head of each key is the one who sells; `subscriber` is the public id of who subscribes.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.house import HOUSE
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money


class PriceList(Base):
    """One version of a seller's terms, from a day on. Never changed: another price is another version."""

    __tablename__ = "price_lists"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[date]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]


class KeptSubscription(TenantKey, Base):
    """A subscription: the frozen value it is now, and beside it what is looked for. Written by core/billing/store.py alone."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_subscriptions_subscriber", "vendor_id", "mode", "subscriber", "id"),
        Index("ix_subscriptions_due", "due_at"),
        Index("ix_subscriptions_data_due", "data_due_at", postgresql_where=text("data_due_at IS NOT NULL")),
        # Who subscribes to the plans of the house does so once.
        Index(
            "uq_subscriptions_one",
            "vendor_id",
            "mode",
            "subscriber",
            unique=True,
            postgresql_where=text(f"vendor_id = '{HOUSE}' AND status <> 'cancelled'"),
        ),
        CheckConstraint("ahead_seconds = 0 OR (mode = 'test' AND ahead_seconds > 0)", name="ahead"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "card_id"], ["saved_cards.vendor_id", "saved_cards.mode", "saved_cards.id"],
            name="fk_subscriptions_saved_cards",
        ),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    subscriber: Mapped[str] = mapped_column(String(40))
    payer_email: Mapped[str] = mapped_column(String(254), default="", server_default="")  # whose saved card pays
    card_id: Mapped[uuid.UUID | None]  # the very card, where the subscriber chose one for this; else the payer's default
    locale: Mapped[str] = mapped_column(String(10), default="", server_default="")  # the language in which payments for it are spoken of
    status: Mapped[str] = mapped_column(String(20))
    tier: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(CHAR(3))
    today: Mapped[date]  # the local day up to which every midnight has been run
    due_at: Mapped[datetime | None]  # when the next one falls, or what waits for its payment lapses; never again when all is over
    lapse_at: Mapped[datetime | None]  # until when a change may still be paid
    period_start: Mapped[date]
    period_end: Mapped[date]
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    events: Mapped[int] = mapped_column(Integer)  # how many there are
    followed: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # of how many the books, letters and listings know
    ahead_seconds: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # how far a test subscription's clock was moved
    began_at: Mapped[datetime]
    data_until: Mapped[date | None]  # of a plan that has ended: the day its letter promised, from which its data is deleted
    data_due_at: Mapped[datetime | None]  # when somebody is to look: to warn, then to delete; never again when that is done
    data_warned_at: Mapped[datetime | None]
    data_deleted_at: Mapped[datetime | None]


class SubscriptionEvent(TenantKey, Base):
    """One thing that happened to a subscription and all that followed. Append-only: replaying them gives the subscription again."""

    __tablename__ = "subscription_events"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "subscription_id", "seq"),
        Index(
            "uq_subscription_events_midnight", "vendor_id", "mode", "subscription_id", "on_day", unique=True,
            postgresql_where=text("kind = 'midnight'"),
        ),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_subscription_events_subscriptions",
        ),
    )  # fmt: skip
    subscription_id: Mapped[uuid.UUID]
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(
        String(20)
    )  # began, wish, midnight, received, refused, new_card, currency, zone, voided, reissued, lapsed, paid_back, came_back, given_back
    on_day: Mapped[date]
    given: Mapped[dict[str, Any]] = mapped_column(JSONB)
    effects: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    actor: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]


class BillingDocument(TenantKey, Base):
    """An invoice or a credit note. As a draft it has no number; once it is final PostgreSQL refuses to change or delete it."""

    __tablename__ = "billing_documents"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "series", "number"),
        UniqueConstraint("vendor_id", "mode", "subscription_id", "ordinal"),
        # One renewal and one batch of branches for a day, whoever runs how often.
        Index(
            "uq_billing_documents_renewal", "vendor_id", "mode", "subscription_id", "on_day", "origin", unique=True,
            postgresql_where=text("origin IN ('renewal', 'branches') AND state <> 'dropped'"),
        ),
        Index("ix_billing_documents_due", "final_due_at", postgresql_where=text("state = 'draft' AND final_due_at IS NOT NULL")),
        Index("ix_billing_documents_newest", "vendor_id", "mode", "subscription_id", "id"),
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
        CheckConstraint("state IN ('draft', 'final', 'dropped')", name="state"),
        CheckConstraint(
            "(state = 'final') = (number IS NOT NULL) AND (state = 'final') = (series IS NOT NULL) AND (state = 'final') = (issued_on IS NOT NULL)",
            name="numbered",
        ),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="sum"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_billing_documents_subscriptions",
        ),
    )  # fmt: skip
    public_id: Mapped[str] = mapped_column(String(40))
    subscription_id: Mapped[uuid.UUID]
    ordinal: Mapped[int]  # which of the subscription's documents
    kind: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    on_day: Mapped[date]  # the tax point
    currency: Mapped[str] = mapped_column(CHAR(3))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the document with its lines and how each came about
    seller: Mapped[dict[str, Any]] = mapped_column(JSONB)  # both parties as they were
    buyer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    final_due_at: Mapped[datetime | None]
    series: Mapped[str | None] = mapped_column(String(20))
    number: Mapped[int | None]
    issued_on: Mapped[date | None]
    made_at: Mapped[datetime]

    @property
    def gross(self) -> Money:
        """What it comes to with its tax; negative on a credit note."""
        return Money(self.gross_minor, self.currency)

    @property
    def name(self) -> str | None:
        """What people call it, `INV-000042`; None as long as it is a draft."""
        return None if self.number is None else f"{self.series}{self.number:06d}"


class DocumentSeries(Base):
    """How far a seller's series of numbers has come. The row is locked while a number is taken, so there is no gap and no double."""

    __tablename__ = "document_series"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    series: Mapped[str] = mapped_column(String(20), primary_key=True)
    last_number: Mapped[int]
    last_on: Mapped[date]


class BillingCharge(TenantKey, Base):
    """A charge that a subscription wants, for some of its documents together. Its public id is the key it is known by everywhere."""

    __tablename__ = "billing_charges"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "subscription_id", "event_seq", "place"),
        Index("ix_billing_charges_due", "due_at", postgresql_where=text("state = 'wanted'")),
        Index("ix_billing_charges_payment", "vendor_id", "mode", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
        CheckConstraint("state IN ('wanted', 'sent', 'stopped', 'received', 'refused')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_billing_charges_subscriptions",
        ),
    )  # fmt: skip
    public_id: Mapped[str] = mapped_column(String(40))
    subscription_id: Mapped[uuid.UUID]
    event_seq: Mapped[int]  # the event that wanted it, and which of its charges
    place: Mapped[int]
    documents: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    payment_id: Mapped[uuid.UUID | None]  # what it became, once it was sent
    due_at: Mapped[datetime]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
