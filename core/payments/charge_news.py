"""What a provider says about a charge to a saved card, and who is told: the caller who wished it, and the payer when their bank wants them."""

from __future__ import annotations

from datetime import timedelta

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.kernel.ask import Search
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import enqueue, enqueue_named
from core.payments.attempt import closes, move_attempt
from core.payments.history import move, note
from core.payments.models import Attempt, Payment
from core.payments.outage import is_news
from core.payments.saved_models import SavedCharge
from core.payments.states import LIVE_ATTEMPT, PAYMENT, may_move
from core.payments.to_payer import write_to_payer
from core.providers.contract import Outcome

TO_CONFIRM = timedelta(days=7)  # how long a payer whose bank wants them has to answer the letter
SCA = "authentication_required"
UNREACHABLE = "unreachable"  # the provider has not answered for hours: nothing is over, and nothing is charged twice
GIVEN_BACK = "given_back"  # how much of it has gone back is another sum by now
_CHARGES = Search(
    SavedCharge,
    rest="""FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS k(vendor_id, mode, payment_id)
            JOIN saved_charges ON saved_charges.vendor_id = k.vendor_id AND saved_charges.mode = k.mode AND saved_charges.payment_id = k.payment_id
            ORDER BY saved_charges.vendor_id, saved_charges.mode, saved_charges.payment_id FOR UPDATE OF saved_charges""",
)
ENDS = ("declined", "succeeded")  # after these it does not matter any more that the payment runs out of time


def hear_charge(vendor: Vendor, payment: Payment, attempt: Attempt, outcome: Outcome, *, cause: str, actor: str) -> str:
    """Everything but success, about a locked payment and its locked attempt with nobody there. Old and doubled news are stale."""
    if attempt.provider_reference is None and outcome.provider_reference:
        attempt.provider_reference = outcome.provider_reference
    if attempt.state not in LIVE_ATTEMPT or payment.state == "succeeded":
        return "stale"
    if outcome.state == "declined" and outcome.closed:
        _end_attempt(payment, attempt, outcome, cause, actor)
        _decline(payment, outcome.decline_code or "declined", hard=outcome.hard, cause=cause, actor=actor)
        return "told"
    if outcome.state == "requires_action" and outcome.closed:
        _end_attempt(payment, attempt, outcome, cause, actor)
        _ask_payer(vendor, payment, cause=cause, actor=actor)
        return "told"
    if outcome.state == "canceled":
        return _hear_canceled(payment, attempt, outcome, cause, actor)
    if outcome.held:  # a worker looks at the card, and takes the money or lets it go
        enqueue("decide_hold", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))
    if outcome.state == "processing" and may_move(PAYMENT, payment.state, "processing"):
        move_attempt(attempt, "submitted")
        move(payment, "processing", "payment.processing", actor=actor, cause=cause)
        return "told"
    if outcome.state == "unknown" and is_news(attempt):
        tell_caller(payment, UNREACHABLE)
    return "stale"


def _end_attempt(payment: Payment, attempt: Attempt, outcome: Outcome, cause: str, actor: str) -> None:
    """This charge is over. What it left open at the provider is closed by a worker, so that nothing of it can ever move money."""
    code = outcome.decline_code or SCA
    if outcome.state == "declined":
        note(payment, "attempt.declined", actor=actor, cause=cause, charge=outcome.charge, decline_code=code)
    attempt.decline_code = code[:60]
    move_attempt(attempt, "declined")
    if attempt.provider_reference:
        enqueue("settle_attempt", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))


def _decline(payment: Payment, code: str, *, hard: bool, cause: str, actor: str) -> None:
    payment.decline_code = code[:60]
    if may_move(PAYMENT, payment.state, "requires_method"):
        move(payment, "requires_method", "payment.requires_method", actor=actor, cause=cause)
    tell_caller(payment, "declined", hard=hard)


def _ask_payer(vendor: Vendor, payment: Payment, *, cause: str, actor: str) -> None:
    """The payment waits for its payer, who gets a letter with its own page: there they pay this very payment."""
    payment.expires_at = max(payment.expires_at, now() + TO_CONFIRM)
    if may_move(PAYMENT, payment.state, "requires_action"):
        move(payment, "requires_action", "payment.requires_action", actor=actor, cause=cause, why=SCA)
    write_to_payer(vendor, "confirm_payment", payment)
    tell_caller(payment, "requires_action")


def _hear_canceled(payment: Payment, attempt: Attempt, outcome: Outcome, cause: str, actor: str) -> str:
    """Somebody called it off at the provider; or it was closed here before it was ever sent. One that is on its way is not closed by that."""
    if not closes(attempt, outcome) or (not outcome.provider_reference and attempt.state != "started"):
        return "stale"
    move_attempt(attempt, "abandoned")
    if payment.state in ("processing", "unknown"):
        _decline(payment, "canceled", hard=False, cause=cause, actor=actor)
    return "told"


def tell_caller(payment: Payment, result: str, *, hard: bool | None = None) -> None:
    """Have the caller's own job look at a payment that was charged to a saved card. Each piece of news is told once."""
    charge = db.session.get(SavedCharge, (payment.vendor_id, payment.mode, payment.id), with_for_update=True, populate_existing=True)
    if charge is not None:
        _tell(charge, result, hard)


def tell_over(payment: Payment, result: str) -> None:
    """The payment has ended unpaid, canceled or expired. No news to a caller who knows already that it was declined."""
    if payment.link_id is not None:
        return
    charge = db.session.get(SavedCharge, (payment.vendor_id, payment.mode, payment.id), with_for_update=True, populate_existing=True)
    if charge is not None and charge.told not in ENDS:
        _tell(charge, result, None)


def tell_paid(payments: list[Payment]) -> None:
    """These are paid: whoever has charged one of them to a saved card is told. One question for all of them, and none for payments that came by a link."""
    keys = [(payment.vendor_id, payment.mode, payment.id) for payment in payments if payment.link_id is None]
    if keys:
        for (charge,) in _CHARGES.all(*[list(part) for part in zip(*keys, strict=True)]):
            _tell(charge, "succeeded", None)


def tell_given_back(payment: Payment) -> None:
    """More of it has gone back than before, or less after all: a refund was asked for, has failed or was called off, or its bank is asked.
    Whoever charged it to a saved card for something looks at how much is gone by now."""
    if payment.link_id is not None or payment.vendor_id == HOUSE:  # what the house is paid goes back by its own way
        return
    charge = db.session.get(SavedCharge, (payment.vendor_id, payment.mode, payment.id))
    if charge is not None and charge.on_settled:
        enqueue_named(charge.on_settled, charge.vendor_id, mode=charge.mode, payment=str(charge.payment_id), result=GIVEN_BACK)


def _tell(charge: SavedCharge, result: str, hard: bool | None) -> None:
    if charge.told in (result, "succeeded"):
        return
    charge.told, charge.hard = result, hard
    if charge.on_settled:
        enqueue_named(charge.on_settled, charge.vendor_id, mode=charge.mode, payment=str(charge.payment_id), result=result)
