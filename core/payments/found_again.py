"""A payment that the processor has and our database has not: after a back-up was restored, what was begun or paid since is taken up from the
processor's own word, under its own numbers. Whoever wishes for the same once more finds it paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import is_public_id, public_id, spoken_reference, uuid7
from core.payments.charge import RESTORED as CAUSE
from core.payments.models import Attempt, Payment, PaymentEvent
from core.payments.queries import find_payment
from core.payments.settle import settle
from core.providers.contract import Outcome


def take_up_payment(vendor: Vendor, mode: str, provider: str, told: Mapping[str, str], outcome: Outcome, *, description: str) -> str:
    """Bring the payment that `told` names (our own words, given back by the processor) to a success that the processor tells of, and write
    it down first when it is not there. Says what that did, as `settle` does; `not_ours` for words we never gave. Safe to repeat.

    Of a payment that was lost only its money is known: who paid, through which link and what for stays with whoever remembers it.
    """
    number = told.get("payment", "")
    if told.get("mode") != mode or told.get("vendor") != vendor.public_id or not is_public_id("pay", number):
        return "not_ours"
    payment = find_payment(vendor, mode, number)
    if payment is None:
        payment = _written(vendor, mode, provider, told, outcome, description)
    mine = select(Attempt).where(Attempt.vendor_id == vendor.id, Attempt.mode == mode, Attempt.payment_id == payment.id)
    attempt = db.session.scalar(mine.where(Attempt.public_id == told.get("attempt", "")))
    if attempt is None and payment.provider != provider:
        return "not_ours"  # nobody knows any more that it was tried there: a person looks at it
    return settle(vendor, payment, attempt, replace(outcome, provider_reference=""), cause=CAUSE)


def _written(vendor: Vendor, mode: str, provider: str, told: Mapping[str, str], outcome: Outcome, description: str) -> Payment:
    if outcome.captured is None:
        raise ValueError("a provider that says succeeded names the amount")
    amount, at = outcome.captured, now()
    key: dict[str, Any] = {"vendor_id": vendor.id, "mode": mode}
    payment = Payment(
        **key, id=uuid7(), public_id=told["payment"], reference=spoken_reference(), token_id=public_id("tok"), form_token=f"{CAUSE}:{told['payment']}",
        description=(description or vendor.name)[:120], provider=provider, state="created", currency=amount.currency, amount_minor=amount.minor,
        fee_minor=amount.share(vendor.fee_bps).minor, email="", expires_at=at, created_at=outcome.occurred_at or at, updated_at=at, version=1,
    )  # fmt: skip
    detail = {"amount_minor": amount.minor, "currency": amount.currency}
    first = {"kind": "payment.created", "to_state": "created", "actor": "system", "cause": CAUSE, "detail": detail, "at": at}
    db.session.add(payment)
    db.session.flush()
    db.session.add(PaymentEvent(**key, payment_id=payment.id, seq=1, **first))
    if is_public_id("att", told.get("attempt", "")):
        db.session.add(
            Attempt(
                **key, id=uuid7(), public_id=told["attempt"], payment_id=payment.id, number=1, state="submitted", surface="hosted", method="card",
                provider=provider, delayed_days=0, next_inquiry_at=None, inquiries=0, created_at=at, updated_at=at,
            )
        )  # fmt: skip
    db.session.flush()
    return payment
