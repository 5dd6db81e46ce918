"""A pause after many declines: whoever tries one card after another waits, and a payer who means it loses a quarter of an hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db
from core.payments.models import Payment, PaymentEvent

MOST_DECLINES = 5
PAUSE = timedelta(minutes=15)
BY_CARD = frozenset({"card", "wallet"})  # ways to pay in which a card can be tested


def locked_until(payment: Payment) -> datetime | None:
    """When this payment may be tried again; None while it may. Every fifth decline begins a pause, whichever page it came from."""
    if payment.state != "requires_method" or not payment.decline_code:
        return None
    declines = select(func.count(), func.max(PaymentEvent.at)).where(
        PaymentEvent.vendor_id == payment.vendor_id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == "attempt.declined",
    )
    number, last = db.session.execute(declines).one()
    until = last + PAUSE if number and number % MOST_DECLINES == 0 else None
    return until if until and now() < until else None


def is_held(payment: Payment) -> bool:
    """Whether this payment was taken for card testing a short while ago: no card is tried on it then; it may be paid in another way."""
    return payment.held_until is not None and now() < payment.held_until
