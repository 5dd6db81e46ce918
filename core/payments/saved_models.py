"""Cards saved at a provider, the pages on which they are saved, and which payment was charged to which of them. Never a card number."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class SavedCard(TenantKey, Base):
    """A card that the provider keeps for one payer of one vendor. It is put away, never deleted: payments name it."""

    __tablename__ = "saved_cards"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "provider", "provider_method"),
        CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="last4"),
        CheckConstraint("expiry_month BETWEEN 1 AND 12 AND expiry_year BETWEEN 2000 AND 2200", name="expiry"),
        CheckConstraint("put_away_at IS NULL OR NOT is_default", name="default_is_there"),
        CheckConstraint("only_for = '' OR NOT is_default", name="only_for"),
        Index("ix_saved_cards_by_email", "vendor_id", "mode", "email", "id"),
        Index("uq_saved_cards_default", "vendor_id", "mode", "email", unique=True, postgresql_where="is_default"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))  # whose it is, in one spelling, as on the payments
    name: Mapped[str] = mapped_column(String(120), default="")
    provider: Mapped[str] = mapped_column(String(20))
    provider_customer: Mapped[str] = mapped_column(String(80))
    provider_method: Mapped[str] = mapped_column(String(80))
    brand: Mapped[str] = mapped_column(String(20))
    last4: Mapped[str] = mapped_column(CHAR(4))
    expiry_month: Mapped[int] = mapped_column(SmallInteger)
    expiry_year: Mapped[int] = mapped_column(SmallInteger)
    funding: Mapped[str | None] = mapped_column(String(10))
    fingerprint: Mapped[str] = mapped_column(String(120), default="", server_default="")  # the provider's mark of it, where it said so
    country: Mapped[str | None] = mapped_column(CHAR(2))  # where it was issued, where the provider said so
    is_default: Mapped[bool]
    only_for: Mapped[str] = mapped_column(
        String(40), default="", server_default=""
    )  # the one checkout it may be charged for; empty: any payment
    created_at: Mapped[datetime]
    put_away_at: Mapped[datetime | None]  # cannot be charged any more
    forgotten_at: Mapped[datetime | None]  # and the provider does not keep it any more either

    def expired_on(self, day: date) -> bool:
        """Whether its last month was over by this day."""
        return (self.expiry_year, self.expiry_month) < (day.year, day.month)


class Saving(TenantKey, Base):
    """A payer was asked to save a card: one page at the provider, and what it came to."""

    __tablename__ = "savings"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "card_id"], ["saved_cards.vendor_id", "saved_cards.mode", "saved_cards.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint("state IN ('asked', 'open', 'saved', 'ended')", name="state"),
        CheckConstraint("(state = 'saved') = (card_id IS NOT NULL)", name="saved_card"),
        CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        Index("ix_savings_to_ask", "next_inquiry_at", postgresql_where="next_inquiry_at IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))  # asked for twice with the same word, it is one saving
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="")
    description: Mapped[str] = mapped_column(String(120))  # what it is saved for, in the payer's words
    locale: Mapped[str] = mapped_column(String(10), default="")
    provider: Mapped[str] = mapped_column(String(20))
    provider_customer: Mapped[str | None] = mapped_column(String(80))  # of a card saved before
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    redirect_url: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    card_id: Mapped[uuid.UUID | None]
    on_saved: Mapped[str | None] = mapped_column(String(60))  # the job that is asked for when a card is saved
    only_for: Mapped[str] = mapped_column(String(40), default="", server_default="")  # as on the card that comes of it
    tries: Mapped[int] = mapped_column(SmallInteger, default=1)  # pages opened at the provider, each under a reference of its own
    next_inquiry_at: Mapped[datetime | None]
    inquiries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SavedCharge(Base):
    """Which saved card a payment is charged to, and who is told how it ended."""

    __tablename__ = "saved_charges"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "card_id"], ["saved_cards.vendor_id", "saved_cards.mode", "saved_cards.id"]),
        CheckConstraint("told IN ('succeeded', 'declined', 'requires_action', 'expired', 'canceled', 'unreachable')", name="told"),
        Index("ix_saved_charges_by_card", "vendor_id", "mode", "card_id", "payment_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    card_id: Mapped[uuid.UUID]
    on_settled: Mapped[str | None] = mapped_column(String(60))  # the job that is asked for with each news below
    weighed: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # whoever wished it has asked the rules already, for all that belongs together
    told: Mapped[str | None] = mapped_column(String(20))  # the latest news
    hard: Mapped[bool | None]  # of a decline: another day will not help
