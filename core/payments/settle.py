"""The one idempotent end of every payment: redirect, webhook and poller all bring what the provider said here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, driver, unit_begun, wake_after_commit, wake_now, whole_unit
from core.kernel.ids import uuid7
from core.kernel.outbox import OutboxTask, enqueue
from core.ledger import book
from core.ledger.post import post
from core.notifications.notify import notify
from core.notifications.payer_letters import is_sent
from core.notifications.team import tell_team
from core.payments.attempt import closes, live_attempt, lock_both, move_attempt
from core.payments.charge_news import hear_charge
from core.payments.complete import complete
from core.payments.history import move, note
from core.payments.lockout import BY_CARD, locked_until
from core.payments.models import Attempt, Payment, PaymentEvent
from core.payments.start import SECOND_CHANCE, SESSION, keep_place, lock_payment
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


def settle_at_once(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome, *, cause: str) -> str:
    """The same for a caller who has nothing else to write down: a success is then a unit of work by itself, kept in the journey
    that asks for it. Any other news, and all of it when the present unit has begun, is part of that unit as usual."""
    told = Told(vendor, payment, attempt, outcome, cause)
    if outcome.state == "succeeded" and _fee_fits(outcome) and not _says_so(told) and _through(told) == payment.provider != "bank":
        items = settle_items([told], now())  # before the look: a row that has to be read again begins a unit
        if not unit_begun():
            with _one_fact():
                [([result],)] = whole_unit(SETTLE, (items,))
            _forget([told])
            if result == "settled":
                wake_now("money")
            if result in ("settled", "already"):
                return str(result)
    return settle_many([told])[0]


def settle_many(told: list[Told]) -> list[str]:
    """The same for many at once: all that succeeded share one round trip to PostgreSQL. Answers in the given order."""
    results = ["told"] * len(told)
    paid = []
    for n, item in enumerate(told):
        if item.outcome.state != "succeeded":
            continue
        if _says_so(item):
            results[n] = "already"
        else:
            paid.append((n, item))
    known = {n for n, result in enumerate(results) if result == "already"}
    if paid:
        for n, result in _book_paid(paid):
            results[n] = result
            if result in ("second_charge", "mismatch"):
                _book_unexpected(told[n], result)
            elif result == "incomplete":
                results[n] = "already"
                known.add(n)
            elif result == "settled" and not _fee_fits(told[n].outcome):
                known.add(n)
    for n, item in enumerate(told):
        if item.outcome.state != "succeeded":
            results[n] = _hear(item)
        elif n in known:
            complete(item.payment, item.outcome)
    return results


def _says_so(told: Told) -> bool:
    """The row in hand says it already. A success is for ever, so it may be believed however old it is: no news, no journey.

    A bank transfer is booked with the line of the statement that brought it, and nowhere else.
    """
    if told.attempt is not None and told.attempt.provider == "bank":
        return True
    return told.payment.state == "succeeded" and told.payment.charge == told.outcome.charge


def _fee_fits(outcome: Outcome) -> bool:
    """Whether what the processor kept is booked together with the capture: there is none yet, or it is in the same currency."""
    return outcome.fee is None or (
        outcome.fee_reference is not None and outcome.captured is not None and outcome.fee.currency == outcome.captured.currency
    )


def _book_paid(paid: list[tuple[int, Told]]) -> list[tuple[int, str]]:
    paid = sorted(paid, key=lambda p: (p[1].payment.vendor_id, p[1].payment.mode, p[1].payment.id))  # everybody locks in this order
    for _, told in paid:
        _follow_provider(told)
    db.session.flush()  # settle_payments must see what this unit has already said
    with _one_fact():
        results = driver().execute(SETTLE, (settle_items([told for _, told in paid], now()),)).fetchone()[0]
    _forget([told for _, told in paid])
    if "settled" in results:
        wake_after_commit("money")
    return [(n, result) for (n, _), result in zip(paid, results, strict=True)]


def _follow_provider(told: Told) -> None:
    """The payer began elsewhere after this: the payment belongs to whom the money is with."""
    if told.attempt is not None and told.attempt.provider != told.payment.provider:
        payment = lock_payment(told.payment)
        if payment.state != "succeeded":
            payment.provider = told.attempt.provider


def _through(told: Told) -> str:
    """Who holds this money: where the attempt was opened; for news of no attempt of ours the payment's own provider."""
    return told.attempt.provider if told.attempt is not None else told.payment.provider


class CaptureTwisted(RuntimeError):
    """The charge that is said to have paid a payment is in the books as something else: an alarm, for a person to look at."""


@contextmanager
def _one_fact() -> Iterator[None]:
    try:
        yield
    except UniqueViolation as error:
        if error.diag.constraint_name == "uq_journals_vendor_id_mode_event_key":
            raise CaptureTwisted("the charge of a payment that was not paid is in the books already, with other content") from error
        raise


def _forget(told: list[Told]) -> None:
    """What the session holds of these rows is older than what PostgreSQL has just made of them."""
    session = db.session()
    for item in told:
        for row in (item.payment, item.attempt):
            if row is not None and row in session:
                session.expire(row)


SETTLE = "SELECT settle_payments(%s::jsonb)"
_document = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


def settle_items(told: list[Told], at: datetime) -> str:
    """The document settle_payments takes."""
    said_at = at.isoformat()
    return _document([_item(t, at, said_at) for t in told])


def _item(told: Told, at: datetime, said_at: str) -> dict[str, Any]:
    """What settle_payments takes for one payment: the provider's word, and the journals that book it."""
    payment, outcome = told.payment, told.outcome
    captured, charge = outcome.captured, outcome.charge
    if captured is None or not charge:
        raise ValueError("a provider that says succeeded names the charge and the amount")
    through = _through(told)
    capture = book.capture(payment, charge=charge, captured=captured, at=outcome.occurred_at or at, through=through)
    journals = [capture.wire()]
    item = {
        "vendor_id": str(payment.vendor_id),
        "mode": payment.mode,
        "payment_id": str(payment.id),
        "attempt_id": str(told.attempt.id) if told.attempt is not None else None,
        "captured": captured.minor,
        "currency": captured.currency,
        "charge": charge,
        "brand": outcome.card_brand,
        "last4": outcome.card_last4,
        "provider": through,
        "method": outcome.method if outcome.kind else told.attempt.method if told.attempt is not None else None,
        "kind": outcome.kind,
        "funding": outcome.card_funding,
        "at": said_at,
        "available_at": (at + timedelta(days=told.vendor.release_days)).isoformat(),
        "actor": told.actor,
        "cause": told.cause,
        "task_id": str(uuid7()),
        "journals": journals,
    }
    if outcome.fee is not None and outcome.fee_reference is not None and _fee_fits(outcome):
        item |= {"fee": outcome.fee.minor, "fee_reference": outcome.fee_reference}
        if outcome.fee:
            kept = book.processor_fee(payment, fee=outcome.fee, reference=outcome.fee_reference, at=at, through=through)
            right_after = uuid.UUID(int=capture.id.int + 1)  # within one millisecond ids have no order, and the books are read by it
            journals.append(replace(kept, id=right_after).wire())
    return item


def _book_unexpected(told: Told, why: str) -> None:
    """Money we did not ask for is booked, shown and left for a person; it is never ignored and never taken as the sale."""
    if told.attempt is not None:  # it took money, whatever for: nobody need ask about it again
        payment, attempt = lock_both(told.attempt)
        move_attempt(attempt, "succeeded")
    else:
        payment = lock_payment(told.payment)
    outcome = told.outcome
    if outcome.captured is None or not outcome.charge:
        return
    _nothing_pending(payment, told)
    at, through = outcome.occurred_at or now(), _through(told)
    journal = book.unexpected_capture(payment, charge=outcome.charge, captured=outcome.captured, at=at, through=through)
    if post([journal]):
        amount = {"amount_minor": outcome.captured.minor, "currency": outcome.captured.currency}
        note(
            payment,
            "payment.unexpected_money",
            actor=told.actor,
            cause=told.cause,
            why=why,
            charge=outcome.charge,
            provider=_through(told),
            **amount,
        )
        tell_team(told.vendor, "unexpected_money", mode=payment.mode, payment=payment.public_id)


def _hear(told: Told) -> str:
    """Everything but success: states move by their table, and old news is stale."""
    outcome = told.outcome
    if told.attempt is not None:
        payment, attempt = lock_both(told.attempt)
    else:
        payment, attempt = lock_payment(told.payment), None
    if attempt is not None and attempt.surface == "saved":
        return hear_charge(told.vendor, payment, attempt, outcome, cause=told.cause, actor=told.actor)
    if payment.state == "succeeded":
        if attempt is not None and outcome.state == "canceled":
            move_attempt(attempt, "abandoned")
        return "stale"
    if outcome.state in ("requires_method", "declined"):
        return _hear_decline(payment, attempt, outcome, told)
    if outcome.state == "canceled":
        return _hear_canceled(payment, attempt, told)
    return "stale" if _is_over(attempt) else _hear_progress(payment, attempt, told)


def _hear_canceled(payment: Payment, attempt: Attempt | None, told: Told) -> str:
    """Nothing can be paid on the attempt any more. A payer who was told to wait for the bank is told how that ended."""
    if attempt is not None:
        if not closes(attempt, told.outcome):
            return "stale"
        move_attempt(attempt, "abandoned")
    if payment.state == "processing" and live_attempt(payment) is None:
        _tell_payer_it_failed(told.vendor, payment)
    _nothing_pending(payment, told)
    return "told"


def _hear_progress(payment: Payment, attempt: Attempt | None, told: Told) -> str:
    """It is under way: with the bank, with the payer, or we do not know."""
    outcome = told.outcome
    if outcome.state == "processing" and outcome.charge and _decline_known(payment, outcome.charge, ""):
        return "stale"  # the bank was asked, and has said no since: the news are in the wrong order
    if _was_before(attempt, told):
        return "stale"
    if outcome.state == "unknown" and payment.state == "processing":
        return "stale"  # that it cannot be asked just now takes nothing from what we know: the bank has it
    to = {"processing": "processing", "requires_action": "requires_action", "unknown": "unknown"}[outcome.state]
    if attempt is not None:
        move_attempt(attempt, {"processing": "submitted", "requires_action": "action_required", "unknown": "unknown"}[to])
    if payment.state == to or not may_move(PAYMENT, payment.state, to) or payment.state in ("canceled", "expired"):
        return "stale"
    if to == "requires_action" and payment.state == "requires_method":
        return "told"  # the page at the provider is still open after a decline; the reason stays on show
    move(payment, to, f"payment.{to}", actor=told.actor, cause=told.cause)
    _promise(told.vendor, payment, attempt)
    return "told"


def _promise(vendor: Vendor, payment: Payment, attempt: Attempt | None) -> None:
    """A payer whose bank may take days is told by e-mail what they have been told on the page."""
    if (
        payment.state == "processing"
        and attempt is not None
        and attempt.delayed_days
        and is_sent(vendor, payment.mode, "instruction_received")
    ):
        notify(vendor, "instruction_received", mode=payment.mode, to=payment.email, locale=payment.locale, payment=payment.public_id)


def _was_before(attempt: Attempt | None, told: Told) -> bool:
    """An event that the payer is being asked says nothing new once they have answered and their bank has it."""
    return (
        attempt is not None and attempt.state == "submitted" and told.outcome.state == "requires_action" and told.cause.startswith("evt_")
    )


def _is_over(attempt: Attempt | None) -> bool:
    """News of an attempt that was closed says nothing about the payment's present one."""
    return attempt is not None and attempt.state not in LIVE_ATTEMPT


def _nothing_pending(payment: Payment, told: Told) -> None:
    """An attempt has ended without paying this payment: it is not waiting for an answer any more, and may be tried again."""
    if payment.state in ("unknown", "processing") and live_attempt(payment) is None:
        _give_time(payment)
        move(payment, "requires_method", "payment.requires_method", actor=told.actor, cause=told.cause)


def _give_time(payment: Payment) -> None:
    """What the bank worked on did not expire meanwhile; now that it said no, there is time to pay in another way."""
    if payment.state == "processing":
        payment.expires_at = max(payment.expires_at, now() + SECOND_CHANCE)


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
        keep_place(payment, SESSION)
        note(payment, "attempt.declined", actor=told.actor, cause=told.cause, charge=charge, decline_code=outcome.decline_code)
        if outcome.card_fingerprint or attempt is None or attempt.method in BY_CARD:
            _have_it_counted(payment, name=charge or told.cause, card=outcome.card_fingerprint or "")
    # Heard again while we did not know, or as the end of the attempt: so this is how things stand.
    if _is_over(attempt) or (known and payment.state != "unknown" and not outcome.closed):
        return "stale" if known else "told"
    if attempt is not None:
        attempt.decline_code = outcome.decline_code
        move_attempt(attempt, "declined" if outcome.closed else "action_required")
    payment.decline_code = outcome.decline_code
    if payment.state == "processing":
        _give_time(payment)
        _tell_payer_it_failed(told.vendor, payment)
        if attempt is not None and attempt.state in LIVE_ATTEMPT:
            ask_again(payment.vendor_id, payment.mode, attempt)  # an event does not say whether its page takes another card
    if payment.state != "requires_method" and may_move(PAYMENT, payment.state, "requires_method"):
        move(payment, "requires_method", "payment.requires_method", actor=told.actor, cause=told.cause)
    db.session.flush()
    if attempt is not None and attempt.state in LIVE_ATTEMPT and locked_until(payment):
        ask_again(payment.vendor_id, payment.mode, attempt)  # its page at the provider takes cards still: a worker closes it
    return "told"


def _have_it_counted(payment: Payment, *, name: str, card: str) -> None:
    """A worker counts it, against card testing: the counters stand in Redis, which is not asked while rows are locked."""
    enqueue("count_decline", payment.vendor_id, mode=payment.mode, payment=str(payment.id), decline=name, card=card)


def _tell_payer_it_failed(vendor: Vendor, payment: Payment) -> None:
    """The page had said that it was being processed and that we would write; so we do, unless the vendor has decided otherwise."""
    if is_sent(vendor, payment.mode, "payment_failed"):
        notify(vendor, "payment_failed", mode=payment.mode, to=payment.email, locale=payment.locale, payment=payment.public_id)


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


def ask_again(vendor_id: uuid.UUID, mode: str, attempt: Attempt, *, due_in: int = 0) -> OutboxTask:
    """Have a worker ask the provider about this attempt."""
    return enqueue("settle_attempt", vendor_id, due_in=due_in, mode=mode, attempt=str(attempt.id))
