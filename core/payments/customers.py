"""What a customer has come to: their payments, and the sums of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.db import db
from core.kernel.keyset import at_most
from core.kernel.money import Money
from core.payments.models import Payment
from core.payments.refund_models import Refund

COUNTED = 10_000  # payments of one customer, the newest; beyond them the page says so


@dataclass(frozen=True, slots=True)
class Total:
    """One currency's sums over a customer's payments."""

    started: int
    paid: int
    taken: Money
    refunded: Money

    @property
    def kept(self) -> Money:
        """What was taken and not given back."""
        return self.taken - self.refunded


def totals_of(vendor: Vendor, customer: Customer) -> list[Total]:
    """By currency, over the newest COUNTED payments."""
    some = (
        select(Payment.currency, Payment.captured_minor, Payment.refunded_minor)
        .where(Payment.vendor_id == vendor.id, Payment.mode == customer.mode, Payment.email == customer.email)
        .order_by(Payment.id.desc())
        .limit(COUNTED)
        .subquery()
    )
    rows = db.session.execute(
        select(
            some.c.currency,
            func.count(),
            func.count().filter(some.c.captured_minor > 0),
            func.sum(some.c.captured_minor),
            func.sum(some.c.refunded_minor),
        )
        .group_by(some.c.currency)
        .order_by(some.c.currency)
    )
    return [Total(int(all), int(paid), Money(int(taken), code), Money(int(back), code)) for code, all, paid, taken, back in rows]


def list_taken(
    vendor: Vendor, customer: Customer, currency: str, *, after: uuid.UUID | None = None, limit: int = 50
) -> tuple[list[Payment], uuid.UUID | None]:
    """The payments of this customer whose money arrived, in one currency, newest first; and where the next page begins."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == customer.mode, Payment.email == customer.email)
    mine = mine.where(Payment.currency == currency, Payment.captured_minor > 0)
    if after:
        mine = mine.where(Payment.id < after)
    rows = list(db.session.scalars(mine.order_by(Payment.id.desc()).limit(at_most(limit + 1))))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def refunds_of_customer(vendor: Vendor, customer: Customer, *, limit: int = 10) -> list[tuple[Refund, Payment]]:
    """The newest of what this customer was given back, with the payments it belongs to."""
    mine = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    query = select(Refund, Payment).join(Payment, mine).where(Payment.vendor_id == vendor.id, Payment.mode == customer.mode)
    found = db.session.execute(query.where(Payment.email == customer.email).order_by(Refund.id.desc()).limit(limit))
    return [(refund, payment) for refund, payment in found]
