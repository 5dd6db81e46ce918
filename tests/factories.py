"""Makes what a test needs to begin with, through the real acts: a shop with its owner signed in, a link, a payment in any state."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, false, update

from core.accounts.models import Membership, User, Vendor
from core.accounts.reset_password import NOBODY
from core.accounts.sessions import begin_session
from core.accounts.sign_up import Registration, sign_up
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.payments.attempt import begin_attempt, record_opening
from core.payments.link import create_link, link_token
from core.payments.link_terms import LinkTerms
from core.payments.models import Attempt, Payment, PaymentLink
from core.payments.refund import begin_sending, request_refund, settle_refund
from core.payments.refund_models import Refund
from core.payments.release import books_due, release_book
from core.payments.settle import settle
from core.payments.start import start_payment
from core.providers.contract import Opening, Outcome, RefundOutcome
from tests.browser import Browser
from workers.release import release_all as everything_due

PASSWORD = "sunny-Harbour-42"


@dataclass(frozen=True)
class Shop:
    """A vendor, its owner, and the secret of a browser in which the owner is signed in."""

    app: Flask
    vendor: Vendor
    user: User
    membership: Membership
    secret: str
    mode: str = "test"

    @property
    def email(self) -> str:
        return self.user.email

    def browser(self) -> Browser:
        """A browser in which the owner is signed in."""
        return Browser(self.app, seat=self.secret)


@contextmanager
def unit(app: Flask) -> Iterator[None]:
    """One unit of work outside any request, kept at the end."""
    with app.app_context(), unit_of_work():
        yield


def make_shop(app: Flask, *, business: str = "Blue Door Bakery", currency: str = "GBP", country: str = "GB", verified: bool = True) -> Shop:
    with unit(app):
        made = sign_up(Registration(business, country, currency, f"owner-{secrets.token_hex(6)}@example.com", PASSWORD))
        assert made
        made.user.email_verified_at = now() if verified else None
        _, secret = begin_session(made.user, made.membership, address="127.0.0.1", agent="Test")
    return Shop(app, made.vendor, made.user, made.membership, secret)


def make_colleague(shop: Shop, role: str) -> Shop:
    """Another person of the same vendor, signed in, in this role. There is one owner only: that is the shop itself."""
    if role == "owner":
        return shop
    other = make_shop(shop.app)
    with unit(shop.app):
        membership = Membership(vendor_id=shop.vendor.id, user_id=other.user.id, role=role, created_at=now())
        db.session.add(membership)
        db.session.flush()
        _, secret = begin_session(other.user, membership)
    return Shop(shop.app, shop.vendor, other.user, membership, secret)


def make_link(shop: Shop, *, amount: str | None = "25.00", title: str = "Sourdough course", **terms: Any) -> PaymentLink:
    code = terms.pop("currency", shop.vendor.currency)
    minor = None if amount is None else Money.of(amount, code).minor
    with unit(shop.app):
        return create_link(
            shop.vendor, mode=shop.mode, by=shop.user.public_id, terms=LinkTerms(title=title, currency=code, amount_minor=minor, **terms)
        )


def link_address(shop: Shop, link: PaymentLink) -> str:
    """The path a payer opens."""
    return f"/pay/{link_token(shop.vendor, link)}"


def make_payment(
    shop: Shop, link: PaymentLink | None = None, *, amount: str | None = None, email: str = "ada@example.com", name: str = "Ada Payer"
) -> Payment:
    """A payment just started through a link: nobody has been asked for money."""
    link = link or make_link(shop)
    sum_ = Money.of(amount, link.currency) if amount else link.amount
    assert sum_, "an open link needs an amount"
    with unit(shop.app):
        return start_payment(shop.vendor, link, amount=sum_, email=email, name=name, form_token=secrets.token_urlsafe(18))


def open_payment(shop: Shop, payment: Payment) -> Attempt:
    """The provider has opened its page and waits for the payer."""
    with unit(shop.app):
        attempt = begin_attempt(shop.vendor, payment)
        reference = f"cs_{secrets.token_hex(8)}"
        return record_opening(shop.vendor, attempt, Opening(provider_reference=reference, redirect_url="http://127.0.0.1/card"))


def tell(shop: Shop, payment: Payment, attempt: Attempt | None, state: str, **facts: Any) -> str:
    """The provider says what became of the payment."""
    reference = attempt.provider_reference if attempt and attempt.provider_reference else "cs_none"
    with unit(shop.app):
        attempt = again(attempt) if attempt else None
        return settle(
            shop.vendor,
            again(payment),
            attempt,
            Outcome(state=state, provider_reference=reference, **facts),
            cause=f"evt_{secrets.token_hex(8)}",
        )


def make_paid(shop: Shop, link: PaymentLink | None = None, **start: Any) -> Payment:
    """A payment whose money has arrived, with everything that follows from it booked."""
    payment = make_payment(shop, link, **start)
    attempt = open_payment(shop, payment)
    tell(
        shop, payment, attempt, "succeeded",
        charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount, card_brand="visa", card_last4="4242", occurred_at=now(),
    )  # fmt: skip
    return fresh(shop, payment)


def make_declined(shop: Shop, link: PaymentLink | None = None, *, code: str = "insufficient_funds", **start: Any) -> Payment:
    payment = make_payment(shop, link, **start)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "declined", charge=f"ch_{secrets.token_hex(8)}", decline_code=code)
    return fresh(shop, payment)


def ask_refund(shop: Shop, payment: Payment, amount: str | None = None, *, reason: str = "requested_by_customer") -> Refund:
    with unit(shop.app):
        sum_ = Money.of(amount, payment.currency) if amount else payment.captured
        return request_refund(
            shop.vendor, again(payment), amount=sum_, reason=reason, by=shop.user.public_id, form_token=secrets.token_urlsafe(18)
        )


def tell_refund(shop: Shop, refund: Refund, state: str, *, failure_reason: str | None = None) -> None:
    """The provider says what became of a refund, after a worker has sent it."""
    with unit(shop.app):
        begin_sending(refund)
    with unit(shop.app):
        outcome = RefundOutcome(
            state=state, provider_reference=f"re_{refund.public_id}", amount=refund.amount, failure_reason=failure_reason
        )
        settle_refund(shop.vendor, refund, outcome, cause=f"evt_{secrets.token_hex(8)}")


def out_of_sight(keep: Vendor | None = None) -> None:
    """What other tests left open in the shared database: the clock does not look after it any more, and no worker takes it up.

    In the present unit. Events that nobody has opened yet belong to no vendor and stay, unless nobody's work is kept.
    """
    me = keep.id if keep else NOBODY
    mine = OutboxTask.vendor_id.in_([me, NOBODY]) if keep else false()
    db.session.execute(delete(OutboxTask).where(~mine))
    for kind in (Attempt, Refund):
        db.session.execute(update(kind).where(kind.vendor_id != me, kind.next_inquiry_at.is_not(None)).values(next_inquiry_at=None))
    unpaid = Payment.state.in_(("created", "requires_method", "requires_action"))
    db.session.execute(update(Payment).where(Payment.vendor_id != me, unpaid).values(expires_at=now() + timedelta(days=365)))


def fresh(shop: Shop, row: Any) -> Any:
    """The row as the database has it now."""
    with shop.app.app_context():
        return again(row)


def again(row: Any) -> Any:
    """The same row in the present unit, as the database has it now."""
    return db.session.get(type(row), (row.vendor_id, row.mode, row.id), populate_existing=True)


def release_all(app: Flask) -> None:
    """Whatever is due becomes available, other tests' payments too: as the clock does it, each book kept by itself."""
    with app.app_context():
        everything_due()


def release_here() -> int:
    """Whatever is due becomes available, in the present unit; answers how many payments."""
    return sum(release_book(vendor_id, mode, 100_000) for vendor_id, mode in books_due())
