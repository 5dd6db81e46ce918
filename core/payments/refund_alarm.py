"""Money that went back at a provider and that the books cannot follow: said once where the vendor looks, and each time where operators look."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.money import Money
from core.notifications.team import tell_team
from core.payments.history import note
from core.payments.models import Payment, PaymentEvent

ALARM = "refund.cannot_be_booked"
log = structlog.get_logger("payments")


def raise_alarm(vendor: Vendor, payment: Payment, amount: Money, *, number: str, why: str) -> None:
    """`number` is the refund's at the provider. The payment is locked."""
    log.error("refund_cannot_be_booked", why=why, payment=payment.public_id, refund=number, amount=str(amount))
    told = select(PaymentEvent.seq).where(
        PaymentEvent.vendor_id == payment.vendor_id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == ALARM,
        PaymentEvent.detail["reference"].astext == number,
    )
    if db.session.scalar(told.limit(1)) is None:
        sums = {"amount_minor": amount.minor, "currency": amount.currency}
        note(payment, ALARM, actor="provider", cause="", why=why, reference=number, **sums)
        tell_team(vendor, "refund_not_booked", mode=payment.mode, amount=amount, payment=payment.public_id)
