"""What vendors set for selling (tax rates, discount codes, terms), and what each payer bought, answered and agreed to."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payments.cart import Rate


class TaxRate(TenantKey, Base):
    """A rate a vendor charges. It is never changed, only put away: what was sold at it stays explained."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint("bps BETWEEN 0 AND 10000", name="bps"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    bps: Mapped[int]
    inclusive: Mapped[bool]
    created_at: Mapped[datetime]
    put_away_at: Mapped[datetime | None]

    @property
    def rate(self) -> Rate:
        """The rate as a cart is worked out with it."""
        return Rate(self.public_id, self.name, self.bps, self.inclusive)


class DiscountCode(TenantKey, Base):
    """Words that make a cart cheaper. Its uses are rows of their own; the payment behind each says whether it still counts."""

    __tablename__ = "discount_codes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "code"),
        CheckConstraint("bps BETWEEN 1 AND 10000", name="bps"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(bps IS NULL) <> (amount_minor IS NULL)", name="one_kind"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="sum_has_currency"),
        CheckConstraint("most_uses BETWEEN 1 AND 1000000", name="most_uses"),
        CheckConstraint("most_each BETWEEN 1 AND 1000", name="most_each"),
        CheckConstraint("starts_at < ends_at", name="window"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40))  # in capitals
    bps: Mapped[int | None]
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    most_uses: Mapped[int | None]
    most_each: Mapped[int | None]  # per customer, by e-mail address and by card
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # by hand

    @property
    def amount(self) -> Money | None:
        return None if self.amount_minor is None or self.currency is None else Money(self.amount_minor, self.currency)

    @property
    def limited(self) -> bool:
        """Whether its uses must be counted before another is given."""
        return self.most_uses is not None or self.most_each is not None


class DiscountUse(Base):
    """One payment that was begun with a code."""

    __tablename__ = "discount_uses"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "discount_id"],
            ["discount_codes.vendor_id", "discount_codes.mode", "discount_codes.id"],
            name="fk_discount_uses_discount_codes",
        ),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        Index("ix_discount_uses_by_customer", "vendor_id", "mode", "discount_id", "customer"),
        Index("ix_discount_uses_by_card", "vendor_id", "mode", "discount_id", "card", postgresql_where="card IS NOT NULL"),
        Index("ix_discount_uses_cards_of", "vendor_id", "mode", "customer", postgresql_where="card IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    discount_id: Mapped[uuid.UUID]
    customer: Mapped[str] = mapped_column(String(254))  # the one spelling under which a person is counted
    card: Mapped[str | None] = mapped_column(String(64))  # what our key makes of the processor's mark of the card; empty until it has said


class PaymentLine(Base):
    """One line of the cart a payment was begun with, as it was then."""

    __tablename__ = "payment_lines"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        CheckConstraint("kind IN ('item', 'tip')", name="kind"),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity"),
        CheckConstraint("subtotal_minor = unit_minor * quantity", name="subtotal"),
        CheckConstraint("discount_minor BETWEEN 0 AND subtotal_minor AND tax_minor >= 0", name="not_negative"),
        CheckConstraint("total_minor = subtotal_minor - discount_minor + CASE WHEN tax_inclusive THEN 0 ELSE tax_minor END", name="total"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    item: Mapped[str] = mapped_column(String(40), default="")
    title: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int]
    currency: Mapped[str] = mapped_column(CHAR(3))
    unit_minor: Mapped[int] = mapped_column(BigInteger)
    subtotal_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    tax_inclusive: Mapped[bool]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    rate: Mapped[str] = mapped_column(String(40), default="")  # which of the payment's tax lines it belongs to


class PaymentTax(Base):
    """The tax at one rate in the cart a payment was begun with: name and rate as they were then."""

    __tablename__ = "payment_taxes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        CheckConstraint("taxable_minor >= 0 AND tax_minor >= 0", name="not_negative"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    rate: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    bps: Mapped[int]
    inclusive: Mapped[bool]
    currency: Mapped[str] = mapped_column(CHAR(3))
    taxable_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)


class TermsText(Base):
    """Terms word for word, once per version: what somebody agreed to can be shown years later."""

    __tablename__ = "terms_texts"
    __table_args__ = (mode_check(), ForeignKeyConstraint(["vendor_id"], ["vendors.id"]))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    label: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class PaymentDetail(Base):
    """What the payer answered and agreed to. It belongs to this payment only."""

    __tablename__ = "payment_details"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "terms_version"],
            ["terms_texts.vendor_id", "terms_texts.mode", "terms_texts.version"],
            name="fk_payment_details_terms_texts",
        ),
        CheckConstraint("(terms_version IS NULL) = (agreed_at IS NULL)", name="consent_has_time"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(String(40), default="")
    company: Mapped[str] = mapped_column(String(120), default="")
    tax_id: Mapped[str] = mapped_column(String(30), default="")
    billing: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    shipping: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    terms_version: Mapped[str | None] = mapped_column(String(16))
    agreed_at: Mapped[datetime | None]
    agreed_from: Mapped[str] = mapped_column(String(60), default="")  # the network address
    agreed_with: Mapped[str] = mapped_column(String(200), default="")  # the browser, as it names itself
