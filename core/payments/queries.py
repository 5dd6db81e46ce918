"""Questions about links and payments. The vendor (and the mode) come first, always: nobody reads another's book."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, func, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.payments.attempt import live_attempt
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink, Refund

Row = TypeVar("Row")
MOST_ROWS = 100
MOVING_CARD = ("succeeded", "processing", "unknown")  # an outcome after which nobody may be sent to pay another way
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the public id to ask the older ones after (None at the end)."""

    rows: list[Row]
    next: str | None


def get_link(vendor: Vendor, mode: str, public_id: str) -> PaymentLink:
    """This vendor's link; refuses with 404."""
    if is_public_id("lnk", public_id):
        mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode)
        link = db.session.scalar(mine.where(PaymentLink.public_id == public_id))
        if link:
            return link
    raise NotFound("There is no such payment link.")


def find_link_of(vendor: Vendor, payment: Payment) -> PaymentLink | None:
    """The link a payment came through."""
    return db.session.get(PaymentLink, (vendor.id, payment.mode, payment.link_id)) if payment.link_id else None


def list_links(
    vendor: Vendor, mode: str, *, state: str | None = None, text: str | None = None, after: str | None = None, limit: int = 25
) -> Page[PaymentLink]:
    """The vendor's links, newest first, by keyset."""
    query = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode)
    if state:
        query = query.where(PaymentLink.state == state)
    if text:
        query = query.where(PaymentLink.title.icontains(text, autoescape=True))
    if after:
        query = query.where(PaymentLink.id < get_link(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = list(db.session.scalars(query.order_by(PaymentLink.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def paid_through(link: PaymentLink, *, at_most: int = 1000) -> int:
    """How many payments succeeded through a link, counted up to `at_most` (a page says "1,000 or more" beyond it)."""
    some = (
        select(Payment.id)
        .where(Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.state == "succeeded")
        .limit(at_most)
    )
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def get_payment(vendor: Vendor, mode: str, public_id: str) -> Payment:
    """This vendor's payment; refuses with 404."""
    payment = find_payment(vendor, mode, public_id)
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


def find_payment(vendor: Vendor, mode: str, public_id: str) -> Payment | None:
    """This vendor's payment by its public id, or None."""
    if not is_public_id("pay", public_id):
        return None
    return db.session.scalar(select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.public_id == public_id))


def list_payments(
    vendor: Vendor,
    mode: str,
    *,
    status: str | None = None,
    text: str | None = None,
    link: PaymentLink | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 25,
) -> Page[Payment]:
    """The vendor's payments, newest first, by keyset. Every filter is an equality or a range on an indexed column.

    `text` is a public id, a reference as people write it, or an e-mail address. `since` and `until` bound the time the
    payment was started; ids are ordered by time, so the range is a range of ids.
    """
    query = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode)
    if status:
        query = query.where(Payment.state == status)
    if link is not None:
        query = query.where(Payment.link_id == link.id)
    if text:
        query = query.where(_named(text.strip()))
    if since:
        query = query.where(Payment.id >= _first_id_at(since))
    if until:
        query = query.where(Payment.id < _first_id_at(until))
    if after:
        query = query.where(Payment.id < get_payment(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = list(db.session.scalars(query.order_by(Payment.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def _named(text: str) -> ColumnElement[bool]:
    """What somebody typed to find a payment: its id, the payer's address or the reference. One index each, never a scan."""
    if text.startswith("pay_"):
        return Payment.public_id == text
    if "@" in text:
        return Payment.email == text.lower()
    return Payment.reference == text.upper()


def _first_id_at(at: datetime) -> uuid.UUID:
    """The smallest identifier made at or after an instant: a version 7 UUID begins with its milliseconds."""
    return uuid.UUID(int=(at - EPOCH) // timedelta(milliseconds=1) << 80)


def takings_since(vendor: Vendor, mode: str, since: datetime) -> dict[str, tuple[int, Money]]:
    """What was captured since an instant, by currency: how many payments and how much."""
    rows = db.session.execute(
        select(Payment.currency, func.count(), func.sum(Payment.captured_minor))
        .where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.captured_at >= since)
        .group_by(Payment.currency)
    )
    return {currency: (int(count), Money(int(total), currency)) for currency, count, total in rows}


def timeline(vendor: Vendor, payment: Payment) -> list[PaymentEvent]:
    """Everything that ever happened to a payment, oldest first."""
    mine = select(PaymentEvent).where(
        PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == payment.mode, PaymentEvent.payment_id == payment.id
    )
    return list(db.session.scalars(mine.order_by(PaymentEvent.seq)))


def list_refunds(vendor: Vendor, payment: Payment) -> list[Refund]:
    """A payment's refunds, oldest first."""
    mine = select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Refund.id)))


def list_attempts(vendor: Vendor, payment: Payment) -> list[Attempt]:
    """A payment's attempts, oldest first."""
    mine = select(Attempt).where(Attempt.vendor_id == vendor.id, Attempt.mode == payment.mode, Attempt.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Attempt.number)))


def page_state(payment: Payment) -> str:
    """Which page of the checkout tells the truth now: pay, challenge, transfer, checking, paid, failed, canceled or expired.

    `challenge`: the provider has opened its page and waits for the payer. `transfer`: the payer has what to enter at their bank, and
    we wait for the bank's statement. `checking`: the payer may have paid and we do
    not know yet. Failure is only shown when the provider has said so.
    """
    if payment.state in ("canceled", "expired"):
        return payment.state
    if payment.state == "succeeded":
        return "paid"
    if payment.state in ("processing", "unknown"):
        return "checking"
    if payment.state == "requires_method":
        return "failed" if payment.decline_code else "pay"
    attempt = live_attempt(payment)
    if attempt is not None and attempt.provider == "bank" and attempt.provider_reference:
        return "transfer"
    if payment.state == "requires_action" and attempt is not None:
        return "challenge"
    return "expired" if attempt is None and now() >= payment.expires_at else "pay"


def milestones(vendor: Vendor, mode: str) -> dict[str, bool]:
    """Whether this vendor has any link and any payment yet: for the checklist on the home page."""
    has_link = select(PaymentLink.id).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode).limit(1)
    has_paid = select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.state == "succeeded").limit(1)
    return {"link": db.session.scalar(has_link) is not None, "paid": db.session.scalar(has_paid) is not None}
