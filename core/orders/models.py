"""A checkout with several sellers in the book of whoever opened it, and its orders, each with its lines in its own seller's book."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import HistoryRow, one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.orders.states import CHECKOUT, ORDER, RULES


class Checkout(TenantKey, Base):
    """One payment event: one payer, one card, orders of different sellers. Its caller's own id of it makes it once."""

    __tablename__ = "checkouts"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "checkout_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        CheckConstraint(one_of("state", CHECKOUT), name="state"),
        CheckConstraint(one_of("rule", RULES), name="rule"),
        CheckConstraint("total_minor > 0", name="total"),
        Index("ix_checkouts_newest", "id"),  # for the staff, who look across callers
        Index("ix_checkouts_public_id", "public_id"),
        Index("ix_checkouts_due", "due_at", postgresql_where="due_at IS NOT NULL"),
        Index("ix_checkouts_by_email", "vendor_id", "mode", "email"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    checkout_id: Mapped[str] = mapped_column(String(80))  # the caller's own
    digest: Mapped[str] = mapped_column(CHAR(64))  # of all that was asked for: the same id again must mean the same
    token_id: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    payer_name: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(CHAR(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    rule: Mapped[str] = mapped_column(String(20))
    terms_version: Mapped[int]  # the platform's fees as they were then
    state: Mapped[str] = mapped_column(String(20), default="open")
    card_id: Mapped[uuid.UUID | None]  # the one token that all orders are paid with
    opened_by: Mapped[str] = mapped_column(String(60))
    decision: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # what the rules said of all of it, once; None: there were none
    address: Mapped[str] = mapped_column(String(60), default="", server_default="")  # of the payer, while the rules may ask for it
    expires_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # when the clock looks at it next
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)

    @property
    def total(self) -> Money:
        """What all orders come to."""
        return Money(self.total_minor, self.currency)


class CheckoutPart(Base):
    """Which order of which seller stands at which place of a checkout. Written with it and never changed."""

    __tablename__ = "checkout_parts"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "checkout_id"], ["checkouts.vendor_id", "checkouts.mode", "checkouts.id"]),
        UniqueConstraint("vendor_id", "mode", "checkout_id", "seller_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    checkout_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seller_id: Mapped[uuid.UUID]
    order_id: Mapped[uuid.UUID]


class Order(TenantKey, Base):
    """What one seller is to deliver and be paid for: a payment of its own in its own book."""

    __tablename__ = "orders"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "payment_id"),
        CheckConstraint(one_of("state", ORDER), name="state"),
        CheckConstraint("amount_minor > 0 AND fee_minor BETWEEN 0 AND amount_minor", name="amount"),
        CheckConstraint("release_days BETWEEN 1 AND 90", name="release_days"),
        CheckConstraint("least_days BETWEEN 0 AND release_days", name="least_days"),
        CheckConstraint("ended_because IN ('', 'undone', 'time')", name="ended_because"),
        CheckConstraint("delivered_at IS NULL OR state = 'paid'", name="delivered"),
        Index("ix_orders_by_state", "vendor_id", "mode", "state", "id"),
        Index("ix_orders_to_deliver", "vendor_id", "mode", "id", postgresql_where="state = 'paid' AND delivered_at IS NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    operator_id: Mapped[uuid.UUID]  # in whose book its checkout stands
    checkout_id: Mapped[uuid.UUID]
    reference: Mapped[str] = mapped_column(String(80))  # what the caller knows it by
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)  # what the platform keeps of it
    seller_bears: Mapped[bool]  # what the processor keeps of it
    release_days: Mapped[int] = mapped_column(SmallInteger)  # after which it counts as delivered if nobody says so before
    least_days: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")  # which saying so does not shorten
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    why_over: Mapped[str] = mapped_column(String(60), default="")
    ended_because: Mapped[str] = mapped_column(String(10), default="")  # the checkout ended without it: undone or out of time
    payment_id: Mapped[uuid.UUID | None]
    delivered_at: Mapped[datetime | None]
    delivered_by: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)

    @property
    def amount(self) -> Money:
        """What the payer pays for it."""
        return Money(self.amount_minor, self.currency)

    @property
    def fee(self) -> Money:
        """The platform's fee of it."""
        return Money(self.fee_minor, self.currency)


class OrderLine(Base):
    """One line of an order, as it was sold."""

    __tablename__ = "order_lines"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "order_id"], ["orders.vendor_id", "orders.mode", "orders.id"]),
        CheckConstraint("quantity BETWEEN 1 AND 10000 AND unit_minor > 0 AND amount_minor = quantity * unit_minor", name="amount"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[int]
    unit_minor: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))

    @property
    def amount(self) -> Money:
        """Quantity by price."""
        return Money(self.amount_minor, self.currency)


class OrderRefundLine(Base):
    """How much of which line a refund gives back."""

    __tablename__ = "order_refund_lines"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "refund_id"], ["refunds.vendor_id", "refunds.mode", "refunds.id"]),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "order_id", "place"],
            ["order_lines.vendor_id", "order_lines.mode", "order_lines.order_id", "order_lines.place"],
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_order_refund_lines_by_order", "vendor_id", "mode", "order_id", "place"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    refund_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    order_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class OrderEvent(HistoryRow, Base):
    """One line of the history of an order, or of a checkout (`subject_id` is either's id). Append-only."""

    __tablename__ = "order_events"
    __table_args__ = (mode_check(),)
    subject_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class OrderTerms(Base):
    """One version of what the platform keeps of orders. It stands in the house's book; a version is never changed."""

    __tablename__ = "order_terms"
    __table_args__ = (mode_check(), CheckConstraint("version > 0", name="version"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    begins_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(60))
    published_at: Mapped[datetime]


class SellingConsent(Base):
    """A seller lets another business sell for it at its checkouts. In the seller's book: nobody is sold for who has not said so."""

    __tablename__ = "selling_consents"
    __table_args__ = (mode_check(), ForeignKeyConstraint(["vendor_id"], ["vendors.id"]))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    operator_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    given_by: Mapped[str] = mapped_column(String(60))
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
