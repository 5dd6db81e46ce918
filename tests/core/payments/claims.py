"""Refund links as tests of several doors need them: a refund that failed, its link, the account that was named, and what our bank does."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments import refund as refunds
from core.payments.claim import approve_claim, make_claim
from core.payments.claim_answer import answer_claim, claim_token
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.queries import list_refunds
from core.payments.refund_models import Refund
from core.providers.bank_orders import find_order
from tests.core.payments.transfers import TestBank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, tell_refund, unit

THEIRS, OTHER = "DE12500105170648489890", "AT611904300234573201"


def failed_refund(shop: Shop, amount: str = "40.00", back: str | None = None, currency: str = "EUR") -> tuple[Payment, Refund]:
    """A payment by card, and a refund of it that the card did not take."""
    payment = make_paid(shop, make_link(shop, amount=amount, currency=currency))
    refund = ask_refund(shop, payment, back)
    tell_refund(shop, refund, "failed", failure_reason="expired_or_canceled_card")
    return fresh(shop, payment), fresh(shop, refund)


def opened(shop: Shop, payment: Payment, refund: Refund | None, amount: Money | None = None) -> RefundClaim:
    with unit(shop.app):
        return make_claim(shop.vendor, again(payment), again(refund) if refund else None, amount=amount, by=shop.user.public_id)


def named(shop: Shop, claim: RefundClaim, *, holder: str = "Ada Payer", iban: str = THEIRS) -> RefundClaim:
    with unit(shop.app):
        return answer_claim(db.session.get_one(Vendor, shop.vendor.id), again(claim), holder=holder, iban=iban)


def approved(shop: Shop, claim: RefundClaim) -> RefundClaim:
    with unit(shop.app):
        return approve_claim(db.session.get_one(Vendor, shop.vendor.id), again(claim), by=shop.user.public_id)


def address(shop: Shop, claim: RefundClaim) -> str:
    with shop.app.app_context():
        return f"/claim/{claim_token(shop.vendor, claim)}"


def refund_of(shop: Shop, claim: RefundClaim) -> Refund:
    """The one that pays it."""
    paid_by = fresh(shop, claim).paid_by
    assert isinstance(paid_by, uuid.UUID)
    with shop.app.app_context():
        return db.session.get_one(Refund, (claim.vendor_id, claim.mode, paid_by))


def send(shop: Shop, refund: Refund) -> str:
    """What a worker does with it; answers how the bank says it stands."""
    with unit(shop.app):
        sending = refunds.begin_sending(again(refund))
    assert sending is not None
    with shop.app.app_context():
        outcome = refunds.send_refund(shop.vendor, sending)
    with unit(shop.app):
        refunds.settle_refund(shop.vendor, refund, outcome, cause="sent")
    return outcome.state


def bank_says(shop: Shop, refund: Refund, *, back: str = "") -> None:
    """A statement shows that it left or, with a reason, that it came back."""
    with unit(shop.app):
        order = find_order("test", refund.public_id)
        assert order is not None
    sign = 1 if back else -1
    tx = Tx(refund.amount_minor, sign=sign, end_to_end=order.end_to_end, name=order.to_name, account=order.to_account, returned=back)
    TestBank(shop, "EUR").tell(Line((tx,), sign=sign, booked_on=now().date()))


def whole(shop: Shop) -> bool:
    """Whether the vendor's books are in order."""
    with unit(shop.app):
        return find_breaks(shop.vendor.id, "test") == []


def messages(shop: Shop, kind: str) -> list[Message]:
    """The vendor's letters of a kind."""
    with shop.app.app_context():
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


def list_of_refunds(shop: Shop, payment: Payment) -> list[Refund]:
    """A payment's refunds, as everybody is told of them."""
    with shop.app.app_context():
        return list_refunds(shop.vendor, payment)
