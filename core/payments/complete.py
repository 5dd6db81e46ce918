"""What the news of a payment left out and is heard later: how it was paid, and what the processor kept."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.payments.history import note
from core.payments.models import Payment, PaymentEvent
from core.payments.start import lock_payment
from core.providers.contract import Outcome

log = structlog.get_logger("payments")


def complete(payment: Payment, outcome: Outcome) -> None:
    """Write down what earlier news left out: how it was paid, and what the processor kept (booked once, under its own line's id)."""
    wanting_way = payment.method_kind is None and outcome.kind is not None
    wanting_card = payment.card_brand is None and outcome.card_brand is not None
    wanting_fee = payment.processor_fee_minor is None and outcome.fee is not None and outcome.fee_reference is not None
    if not (wanting_way or wanting_card or wanting_fee):
        return
    payment = lock_payment(payment)
    if payment.method_kind is None and outcome.kind is not None:
        payment.method, payment.method_kind = outcome.method, outcome.kind
    if payment.card_brand is None:
        payment.card_brand, payment.card_last4, payment.card_funding = outcome.card_brand, outcome.card_last4, outcome.card_funding
    if payment.processor_fee_minor is None and outcome.fee is not None and outcome.fee_reference is not None:
        if outcome.fee.currency != payment.currency:
            _refuse_fee(payment, outcome.fee, outcome.fee_reference)
            return
        payment.processor_fee_minor = outcome.fee.minor
        if outcome.fee:
            post([book.processor_fee(payment, fee=outcome.fee, reference=outcome.fee_reference, at=now())])
        note(
            payment,
            "fee.recorded",
            actor="provider",
            cause=outcome.fee_reference,
            amount_minor=outcome.fee.minor,
            currency=outcome.fee.currency,
        )


def _refuse_fee(payment: Payment, fee: Money, reference: str) -> None:
    """A charge in another currency than the payment's was converted by the provider, at a rate the books do not know.

    Booked as if it were the payment's currency it would be a lie; it is shown, and left to reconciliation.
    """
    log.error("fee_in_other_currency", payment=payment.public_id, fee=str(fee), reference=reference)
    told = select(PaymentEvent.seq).where(
        PaymentEvent.vendor_id == payment.vendor_id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == "fee.other_currency",
    )
    if db.session.scalar(told.limit(1)) is None:
        note(payment, "fee.other_currency", actor="provider", cause=reference, amount_minor=fee.minor, currency=fee.currency)
