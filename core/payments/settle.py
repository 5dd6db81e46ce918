"""The one idempotent end of every payment: redirect, webhook and poller all bring what the provider said here."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, driver, wake_after_commit
from core.kernel.ids import uuid7
from core.kernel.outbox import OutboxTask, enqueue
from core.ledger import book
from core.ledger.post import post
from core.payments.attempt import closes, live_attempt, lock_both, move_attempt
from core.payments.history import move, note
from core.payments.models import Attempt, Payment, PaymentEvent
from core.payments.start import lock_payment
from core.payments.states import LIVE_ATTEMPT, PAYMENT, may_move
from core.providers.contract import Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider said about one payment, and how we heard it. `cause` is an event id, or the way we asked."""

    vendor: Vendor
    payment: Payment
    attempt: Attempt | None
    outcome: Outcome
    cause: str
    actor: str = "provider"


def settle(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome, *, cause: str) -> str:
    """Bring one payment to the truth. Says what that did: settled, already, told, stale, second_charge, mismatch.

    Safe to repeat and safe out of order: money is booked once per charge, and old news changes nothing.
    """
    return settle_many([Told(vendor, payment, attempt, outcome, cause)])[0]


def settle_many(told: list[Told]) -> list[str]:
    """The same for many at once: all that succeeded share one round trip to PostgreSQL. Answers in the given order."""
    results = ["told"] * len(told)
    paid = []
    for n, item in enumerate(told):
        if item.outcome.state != "succeeded":
            continue
        if item.attempt is not None and item.attempt.provider == "bank":
            results[n] = "already"  # a transfer is booked with the line of the statement that brought it, and nowhere else
            continue
        # A success is for ever, so a row that says so may be believed however old it is: no news, no journey.
        if item.payment.state == "succeeded" and item.payment.charge == item.outcome.charge:
            results[n] = "already"
        else:
            paid.append((n, item))
    if paid:
        for n, result in _book_paid(paid):
            results[n] = result
            if result in ("second_charge", "mismatch"):
                _book_unexpected(told[n], result)
    for n, item in enumerate(told):
        if item.outcome.state != "succeeded":
            results[n] = _hear(item)
        elif results[n] == "already" or (results[n] == "settled" and item.outcome.fee is not None):
            _complete(item.payment, item.outcome)
    return results


def _book_paid(paid: list[tuple[int, Told]]) -> list[tuple[int, str]]:
    paid = sorted(paid, key=lambda p: (p[1].payment.vendor_id, p[1].payment.mode, p[1].payment.id))  # everybody locks in this order
    for _, told in paid:
        _follow_provider(told)
    db.session.flush()  # settle_payments must see what this unit has already said
    items = settle_items([told for _, told in paid], now())
    results = driver().execute(SETTLE, (items,)).fetchone()[0]
    for _, told in paid:
        for row in (told.payment, told.attempt):
            if row is not None and row in db.session:
                db.session.expire(row)
    wake_after_commit("money")
    return [(n, result) for (n, _), result in zip(paid, results, strict=True)]


def _follow_provider(told: Told) -> None:
    """The payer began elsewhere after this: the payment belongs to whom the money is with."""
    if told.attempt is not None and told.attempt.provider != told.payment.provider:
        payment = lock_payment(told.payment)
        if payment.state != "succeeded":
            payment.provider = told.attempt.provider


def _through(told: Told) -> str:
    """Who holds this money."""
    return told.attempt.provider if told.attempt is not None else told.payment.provider


SETTLE = "SELECT settle_payments(%s::jsonb)"


def settle_items(told: list[Told], at: datetime) -> str:
    """The document settle_payments takes."""
    return json.dumps([_item(t, at) for t in told])


def _item(told: Told, at: datetime) -> dict[str, Any]:
    """What settle_payments takes for one payment: the provider's word, and the journal that books it."""
    payment, outcome = told.payment, told.outcome
    if outcome.captured is None or not outcome.charge:
        raise ValueError("a provider that says succeeded names the charge and the amount")
    return {
        "vendor_id": str(payment.vendor_id),
        "mode": payment.mode,
        "payment_id": str(payment.id),
        "attempt_id": str(told.attempt.id) if told.attempt is not None else None,
        "captured": outcome.captured.minor,
        "currency": outcome.captured.currency,
        "charge": outcome.charge,
        "brand": outcome.card_brand,
        "last4": outcome.card_last4,
        "at": at.isoformat(),
        "available_at": (at + timedelta(days=told.vendor.release_days)).isoformat(),
        "actor": told.actor,
        "cause": told.cause,
        "task_id": str(uuid7()),
        "journal": book.capture(payment, charge=outcome.charge, captured=outcome.captured, at=outcome.occurred_at or at, through=_through(told)).wire(),
    }


def _book_unexpected(told: Told, why: str) -> None:
    """Money we did not ask for is booked, shown and left for a person; it is never ignored and never taken as the sale."""
    payment, outcome = lock_payment(told.payment), told.outcome
    if outcome.captured is None or not outcome.charge:
        return
    _nothing_pending(payment, told)
    journal = book.unexpected_capture(payment, charge=outcome.charge, captured=outcome.captured, at=outcome.occurred_at or now(), through=_through(told))
    if post([journal]):
        amount = {"amount_minor": outcome.captured.minor, "currency": outcome.captured.currency}
        note(payment, "payment.unexpected_money", actor=told.actor, cause=told.cause, why=why, charge=outcome.charge, **amount)


def _hear(told: Told) -> str:
    """Everything but success: states move by their table, and old news is stale."""
    outcome = told.outcome
    if told.attempt is not None:
        payment, attempt = lock_both(told.attempt)
    else:
        payment, attempt = lock_payment(told.payment), None
    if payment.state == "succeeded":
        if attempt is not None and outcome.state == "canceled":
            move_attempt(attempt, "abandoned")
        return "stale"
    if outcome.state in ("requires_method", "declined"):
        return _hear_decline(payment, attempt, outcome, told)
    if outcome.state == "canceled":
        if attempt is not None:
            if not closes(attempt, outcome):
                return "stale"
            move_attempt(attempt, "abandoned")
        _nothing_pending(payment, told)
        return "told"
    if _is_over(attempt):
        return "stale"
    to = {"processing": "processing", "requires_action": "requires_action", "unknown": "unknown"}[outcome.state]
    if attempt is not None:
        move_attempt(attempt, {"processing": "submitted", "requires_action": "action_required", "unknown": "unknown"}[to])
    if payment.state == to or not may_move(PAYMENT, payment.state, to) or payment.state in ("canceled", "expired"):
        return "stale"
    if to == "requires_action" and payment.state == "requires_method":
        return "told"  # the page at the provider is still open after a decline; the reason stays on show
    move(payment, to, f"payment.{to}", actor=told.actor, cause=told.cause)
    return "told"


def _is_over(attempt: Attempt | None) -> bool:
    """News of an attempt that was closed says nothing about the payment's present one."""
    return attempt is not None and attempt.state not in LIVE_ATTEMPT


def _nothing_pending(payment: Payment, told: Told) -> None:
    """An attempt has ended without paying this payment: it is not waiting for an answer any more, and may be tried again."""
    if payment.state in ("unknown", "processing") and live_attempt(payment) is None:
        move(payment, "requires_method", "payment.requires_method", actor=told.actor, cause=told.cause)


def _hear_open(payment: Payment, attempt: Attempt | None, told: Told) -> str:
    """Nothing was tried yet. That ends our not knowing: the provider's page is still open and waits for the payer."""
    if payment.state != "unknown" or _is_over(attempt):
        return "stale"
    if attempt is not None:
        move_attempt(attempt, "action_required")
    move(payment, "requires_action", "payment.requires_action", actor=told.actor, cause=told.cause)
    return "told"


def _hear_decline(payment: Payment, attempt: Attempt | None, outcome: Outcome, told: Told) -> str:
    """A decline ends a try, never the payment: the payer may try again on the same opening."""
    if outcome.decline_code is None:
        return _hear_open(payment, attempt, told)
    charge = outcome.charge or ""
    known = _decline_known(payment, charge, told.cause)
    if not known:
        note(payment, "attempt.declined", actor=told.actor, cause=told.cause, charge=charge, decline_code=outcome.decline_code)
    if _is_over(attempt) or (known and payment.state != "unknown"):  # heard again while we did not know: so this is how things stand
        return "stale" if known else "told"
    if attempt is not None:
        attempt.decline_code = outcome.decline_code
        move_attempt(attempt, "action_required")
    payment.decline_code = outcome.decline_code
    if payment.state != "requires_method" and may_move(PAYMENT, payment.state, "requires_method"):
        move(payment, "requires_method", "payment.requires_method", actor=told.actor, cause=told.cause)
    return "told"


def _decline_known(payment: Payment, charge: str, cause: str) -> bool:
    """The same decline heard twice (webhook and poll) is one line. The failed charge names it; without one, the event does."""
    declines = select(PaymentEvent.seq).where(
        PaymentEvent.vendor_id == payment.vendor_id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == "attempt.declined",
    )
    same = PaymentEvent.detail["charge"].astext == charge if charge else PaymentEvent.cause == cause
    return db.session.scalar(declines.where(same).limit(1)) is not None


def _complete(payment: Payment, outcome: Outcome) -> None:
    """Write down what earlier news left out: the card, and what the processor kept (booked once, under its own line's id)."""
    wanting_card = payment.card_brand is None and outcome.card_brand is not None
    wanting_fee = payment.processor_fee_minor is None and outcome.fee is not None and outcome.fee_reference is not None
    if not (wanting_card or wanting_fee):
        return
    payment = lock_payment(payment)
    if payment.card_brand is None:
        payment.card_brand, payment.card_last4 = outcome.card_brand, outcome.card_last4
    if payment.processor_fee_minor is None and outcome.fee is not None and outcome.fee_reference is not None:
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


def ask_again(vendor_id: uuid.UUID, mode: str, attempt: Attempt, *, due_in: int = 0) -> OutboxTask:
    """Have a worker ask the provider about this attempt."""
    return enqueue("settle_attempt", vendor_id, due_in=due_in, mode=mode, attempt=str(attempt.id))
