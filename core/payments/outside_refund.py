"""Refunds that nobody asked for here: made in the processor's own dashboard, found by its events, and booked as what they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.ledger.post import BalanceTooLow
from core.notifications.team import tell_team
from core.payments.charge_news import tell_given_back
from core.payments.history import note
from core.payments.models import Payment
from core.payments.refund import REASONS, settle_refund
from core.payments.refund_alarm import raise_alarm
from core.payments.refund_books import book_request, fee_to_return, sellers_account, settle_debt
from core.payments.refund_models import Refund
from core.payments.refund_queue import make_room
from core.payments.start import lock_payment
from core.payments.unexpected import list_unexpected, unapplied_refund
from core.providers.contract import RefundOutcome


def settle_outside_refund(vendor: Vendor, payment: Payment, outcome: RefundOutcome, *, cause: str) -> str:
    """Bring a refund to the truth that may not be ours: booked once under the provider's own number, however often it is told.

    Says what that did, as settle_refund does; `excess` when it gives back more than is left of the payment (ours may be under
    way for the same money: tell it again later), `mismatch` when it is of no charge or currency of this payment. Both raise an
    alarm, once: a line in the history, one in the log and a letter.
    """
    payment = lock_payment(payment)
    known = db.session.scalar(_named(payment, outcome))
    if known is not None:
        return settle_refund(vendor, known, outcome, cause=cause) if known.payment_id == payment.id else "mismatch"
    if outcome.state in ("failed", "canceled"):
        return "stale"  # it came to nothing before we heard of it: no money has moved
    refund = _of_sale(payment, outcome) if outcome.charge == payment.charge else _of_unexpected(vendor, payment, outcome)
    if refund is None or refund.amount != outcome.amount:
        return _alarm(vendor, payment, outcome, "mismatch")
    if refund.of_sale:
        make_room(payment, outcome.amount)
        refund.fee_returned_minor = fee_to_return(payment, outcome.amount).minor
    if refund.of_sale and payment.refundable < outcome.amount:
        return _alarm(vendor, payment, outcome, "excess")
    _book(payment, refund)
    amount = {"amount_minor": outcome.amount.minor, "currency": outcome.amount.currency}
    note(payment, "refund.outside", actor="provider", cause=cause, refund=refund.public_id, reference=outcome.provider_reference, **amount)
    ids = {"payment": payment.public_id, "refund": refund.public_id}
    tell_team(vendor, "refund_outside", mode=payment.mode, amount=outcome.amount, **ids)
    settle_refund(vendor, refund, outcome, cause=cause)
    tell_given_back(payment)
    return "settled"


def _named(payment: Payment, outcome: RefundOutcome) -> Any:
    """The refund that goes by this number at the provider, or was booked under it."""
    number = outcome.provider_reference
    mine = select(Refund).where(Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode)
    return mine.where(or_(Refund.form_token == _key(number), (Refund.payment_id == payment.id) & (Refund.provider_reference == number)))


def _key(number: str) -> str:
    """Stands in the place of a form's number, which PostgreSQL keeps unique: so two workers cannot book it twice."""
    return f"outside:{number}"[:80]


def _of_sale(payment: Payment, outcome: RefundOutcome) -> Refund | None:
    if payment.state != "succeeded" or outcome.amount.currency != payment.currency:
        return None
    return Refund(
        vendor_id=payment.vendor_id,
        mode=payment.mode,
        id=uuid7(),
        public_id=public_id("ref"),
        payment_id=payment.id,
        currency=outcome.amount.currency,
        amount_minor=outcome.amount.minor,
        fee_returned_minor=fee_to_return(payment, outcome.amount).minor,
        taken_from=sellers_account(payment),
        reason=outcome.reason if outcome.reason in REASONS else "other",
        note="",
        requested_by="provider",
        inquiries=0,
        created_at=now(),
        **_sent(outcome),
    )


def _of_unexpected(vendor: Vendor, payment: Payment, outcome: RefundOutcome) -> Refund | None:
    """Somebody gave money back there that was held here as not expected."""
    held = next((one for one in list_unexpected(vendor, payment) if one.charge == outcome.charge and one.is_here), None)
    if held is None:
        return None
    refund = unapplied_refund(payment, held, reason="other", by="provider", form_token=_key(outcome.provider_reference))
    for name, value in _sent(outcome).items():
        setattr(refund, name, value)
    return refund


def _sent(outcome: RefundOutcome) -> dict[str, Any]:
    """It has left already; when its end is not known yet, the clock asks for it like for any other."""
    return {
        "form_token": _key(outcome.provider_reference),
        "state": "submitted",
        "provider_reference": outcome.provider_reference,
        "sent_at": now(),
        "next_inquiry_at": now(),
    }


def _book(payment: Payment, refund: Refund) -> None:
    """The money has gone, whether or not the seller still holds it: what the balance does not hold, the seller owes."""
    hold_vendor(payment.vendor_id)
    try:
        with db.session.begin_nested():
            book_request(payment, refund)
    except BalanceTooLow:
        db.session.refresh(payment)
        refund.taken_from = "seller_receivable"
        book_request(payment, refund)
        settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)


def _alarm(vendor: Vendor, payment: Payment, outcome: RefundOutcome, why: str) -> str:
    raise_alarm(vendor, payment, outcome.amount, number=outcome.provider_reference, why=why)
    return why
