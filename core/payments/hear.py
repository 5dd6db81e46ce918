"""What a provider says of a payment short of money: under way, declined, closed, unknown. States move by their table, old news is stale."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask, enqueue
from core.notifications.notices import post_notice
from core.notifications.payer_letters import is_sent
from core.payments.attempt import closes, live_attempt, lock_both, move_attempt
from core.payments.charge_news import hear_charge
from core.payments.discount_cards import note_card
from core.payments.history import move, note
from core.payments.lockout import BY_CARD, locked_until
from core.payments.models import Attempt, Payment, PaymentEvent
from core.payments.start import SECOND_CHANCE, SESSION, keep_place, lock_payment
from core.payments.states import LIVE_ATTEMPT, PAYMENT, may_move
from core.payments.to_payer import write_to_payer
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


def hear(told: Told) -> str:
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
    if (
        outcome.held and attempt is not None and attempt.state in LIVE_ATTEMPT
    ):  # a worker looks at the card, and takes the money or lets it go
        enqueue("decide_hold", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))
    return "stale" if _is_over(attempt) else _hear_progress(payment, attempt, told)


def _hear_canceled(payment: Payment, attempt: Attempt | None, told: Told) -> str:
    """Nothing can be paid on the attempt any more. A payer who was told to wait for the bank is told how that ended."""
    if attempt is not None:
        if not closes(attempt, told.outcome):
            return "stale"
        move_attempt(attempt, "abandoned")
    if payment.state == "processing" and live_attempt(payment) is None:
        tell_payer_it_failed(told.vendor, payment)
    nothing_pending(payment, told)
    return "told"


def _hear_progress(payment: Payment, attempt: Attempt | None, told: Told) -> str:
    """It is under way: with the bank, with the payer, or we do not know."""
    outcome = told.outcome
    if outcome.state == "processing" and outcome.charge and _decline_known(payment, outcome, told.cause):
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
    if to == "requires_action" and payment.state == "requires_method" and not _is_tried_again(payment, attempt, told):
        return "told"  # the page at the provider is still open after a decline; the reason stays on show
    move(payment, to, f"payment.{to}", actor=told.actor, cause=told.cause)
    _promise(told.vendor, payment, attempt)
    return "told"


def _is_tried_again(payment: Payment, attempt: Attempt | None, told: Told) -> bool:
    """Whether the payer is being asked about a newer card than the one that was declined.

    Events come in any order, and this may be the question that came before the decline: the provider is asked, and its answer counts.
    A payment that rests goes on resting.
    """
    if attempt is None or locked_until(payment):
        return False
    if _is_event(told):
        ask_again(payment.vendor_id, payment.mode, attempt)
        return False
    return True


def _is_event(told: Told) -> bool:
    """Brought by the provider at some time, in any order; otherwise it is the answer to a question asked just now."""
    return told.cause.startswith("evt_")


def _promise(vendor: Vendor, payment: Payment, attempt: Attempt | None) -> None:
    """A payer whose bank may take days is told by e-mail what they have been told on the page; and the team that it will come."""
    if payment.state != "processing" or attempt is None or not attempt.delayed_days:
        return
    post_notice(vendor, "payment_waits", mode=payment.mode, about=payment.public_id)
    if is_sent(vendor, payment.mode, "instruction_received"):
        write_to_payer(vendor, "instruction_received", payment)


def _was_before(attempt: Attempt | None, told: Told) -> bool:
    """An event that the payer is being asked says nothing new once they have answered and their bank has it."""
    return attempt is not None and attempt.state == "submitted" and told.outcome.state == "requires_action" and _is_event(told)


def _is_over(attempt: Attempt | None) -> bool:
    """News of an attempt that was closed says nothing about the payment's present one."""
    return attempt is not None and attempt.state not in LIVE_ATTEMPT


def nothing_pending(payment: Payment, told: Told) -> None:
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
    known = _decline_known(payment, outcome, told.cause)
    if not known:
        keep_place(payment, SESSION)
        named = {"charge": outcome.charge or ""} | ({"tried": outcome.tried} if outcome.tried and not outcome.charge else {})
        note(payment, "attempt.declined", actor=told.actor, cause=told.cause, decline_code=outcome.decline_code, **named)
        if outcome.card_fingerprint or attempt is None or attempt.method in BY_CARD:
            _have_it_counted(payment, name=outcome.charge or outcome.tried or told.cause, card=outcome.card_fingerprint or "")
        note_card(told.vendor, payment, outcome.card_fingerprint)
    # Heard again while we thought otherwise, or as the end of the attempt: so this is how things stand.
    unsure = payment.state == "unknown" or (payment.state == "requires_action" and not _is_event(told))
    if _is_over(attempt) or (known and not unsure and not outcome.closed):
        return "stale" if known else "told"
    if attempt is not None:
        attempt.decline_code = outcome.decline_code
        move_attempt(attempt, "declined" if outcome.closed else "action_required")
    payment.decline_code = outcome.decline_code
    if payment.state == "processing":
        _give_time(payment)
        tell_payer_it_failed(told.vendor, payment)
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


def tell_payer_it_failed(vendor: Vendor, payment: Payment) -> None:
    """The page had said that it was being processed and that we would write; so we do, unless the vendor has decided otherwise."""
    if is_sent(vendor, payment.mode, "payment_failed"):
        write_to_payer(vendor, "payment_failed", payment)


def _decline_known(payment: Payment, outcome: Outcome, cause: str) -> bool:
    """The same decline heard twice (webhook and poll) is one line. The failed charge names it; a check by the bank that failed has none, and
    what was tried names it; without that too, the event does."""
    declines = select(PaymentEvent.seq).where(
        PaymentEvent.vendor_id == payment.vendor_id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == "attempt.declined",
    )
    same = PaymentEvent.cause == cause
    if named := outcome.charge or outcome.tried:
        same = PaymentEvent.detail["charge" if outcome.charge else "tried"].astext == named
    return db.session.scalar(declines.where(same).limit(1)) is not None


def ask_again(vendor_id: uuid.UUID, mode: str, attempt: Attempt, *, due_in: int = 0) -> OutboxTask:
    """Have a worker ask the provider about this attempt."""
    return enqueue("settle_attempt", vendor_id, due_in=due_in, mode=mode, attempt=str(attempt.id))
