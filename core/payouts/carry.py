"""A payout through a processor: moved to the seller's account there, paid out from it, watched, and taken back when it does not arrive.

Each step is asked for under a number of its own that is written down before, and its answer is recorded once, whoever brings it: the job
that asked, a second one beside it, the clock, or a message of the processor's. What is unknown is asked for again under the same number;
a day later the processor is asked what it has under it. Only what is known moves anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.stops import payout_hold
from core.kernel.clock import now
from core.kernel.db import db, lock_again, locked
from core.kernel.money import Money
from core.kernel.outbox import enqueue, is_waiting
from core.ledger import book
from core.ledger.models import Journal
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.refund_books import debt_of
from core.payouts.history import move
from core.payouts.models import Payout, PayoutAccount
from core.payouts.queries import account_of, find_payout
from core.payouts.rail_models import Carriage
from core.payouts.settle import give_back
from core.providers.contract import NoSuchProvider, ProviderRefused, ProviderUnreachable
from core.providers.receivers import MoveOutcome, MoveToReceiver, PayOutOutcome, PaysSellers
from core.providers.registry import seller_payer

log = structlog.get_logger("payouts")
SAFE = timedelta(hours=23)  # how long asking again under the same number is asking once
FIRST_WAIT, LONGEST_WAIT = 30, 6 * 3600  # seconds between two looks
WATCHED_DAYS = 10  # after it was paid: a bank may send money back that long
NOT_DONE = "not_done"  # nobody answered for a day, and the processor has nothing under our number
HELD_WAIT = timedelta(minutes=15)  # a payout that is held is looked at again
SHORT = "balance_insufficient"
REPLACED = "bank_account_replaced"  # at the processor, since the payout was asked for: nobody has seen that account cool off


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the processor next."""

    payout: str
    mode: str
    vendor: str
    provider: str
    receiver: str
    mark: str  # of the bank account that the payout was asked for
    amount: Money
    step: str
    tries: int
    is_late: bool  # the number protects no more: look, do not ask
    is_old: bool  # nor would it if a database that was restored since had asked: look before asking
    move_reference: str
    payout_reference: str

    @property
    def reference(self) -> str:
        """The number of this step at the processor."""
        return f"{self.payout}-{self.step}-{self.tries}"

    @property
    def metadata(self) -> dict[str, str]:
        """What comes back with every message about it."""
        return {"vendor": self.vendor, "mode": self.mode, "payout": self.payout}


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite no: nothing has happened."""

    code: str
    message: str


Answer = MoveOutcome | PayOutOutcome | Refused | None  # None: nobody knows yet


def hand_to_processor(vendor: Vendor, payout: Payout, account: PayoutAccount) -> None:
    """Write down that an approved payout goes this way, and have it begun."""
    db.session.add(
        Carriage(
            vendor_id=vendor.id, mode=payout.mode, payout_id=payout.id, provider=account.provider, receiver=account.provider_account, step="move",
            created_at=now(), next_look_at=now() + timedelta(seconds=FIRST_WAIT),
        )
    )  # fmt: skip
    move(payout, "submitted", actor="system", rail="processor", provider=account.provider)
    enqueue("carry_payout", vendor.id, mode=payout.mode, payout=payout.public_id)


def find_carriage(vendor: Vendor, payout: Payout) -> Carriage | None:
    """How far it is; None for one that goes by the bank."""
    return db.session.get(Carriage, (vendor.id, payout.mode, payout.id))


# --- asking -----------------------------------------------------------------------------------------------------------------


def next_question(vendor: Vendor, mode: str, number: str) -> Question | None:
    """What to ask now, written down as asked; None when there is nothing left to ask. Answered with no transaction open."""
    payout = find_payout(vendor, mode, number)
    row = locked(Carriage, vendor.id, mode, payout.id) if payout is not None else None
    if payout is None or row is None or (row.step == "done" and payout.state != "paid"):
        return None
    if row.asked_at is None and row.step in ("move", "pay") and _is_held(vendor, payout, row):
        row.next_look_at = now() + HELD_WAIT
        return None
    row.asked_at = row.asked_at or now()
    row.next_look_at = _next_look(row, payout)
    row.looks += 1
    step = "watch" if row.step == "done" else row.step  # what arrived can still come back, and then somebody says so
    return Question(
        payout.public_id, mode, vendor.public_id, row.provider, row.receiver, account_of(vendor, payout).mark, payout.amount, step, row.tries, now() > row.asked_at + SAFE, now() > row.created_at + SAFE,
        row.move_reference, row.payout_reference,
    )  # fmt: skip


def _is_held(vendor: Vendor, payout: Payout, row: Carriage) -> bool:
    """Whether the staff hold it, or its seller has come to owe something before anything was moved: the step is not begun. One that was asked
    for already goes on, for nobody knows what has become of it."""
    owes = row.step == "move" and bool(debt_of(vendor.id, payout.mode, payout.currency))
    return owes or payout_hold(vendor, payout.mode, payout.public_id) is not None


def call_off_unasked(vendor: Vendor, payout: Payout) -> bool:
    """Nothing of it is asked of the processor any more; False when something has been, and it goes on."""
    row = locked(Carriage, vendor.id, payout.mode, payout.id)
    if row is None or not has_not_begun(row):
        return False
    row.step, row.next_look_at = "done", None
    return True


def has_not_begun(row: Carriage) -> bool:
    """Whether the processor has been asked for nothing yet."""
    return row.step == "move" and row.asked_at is None


def _next_look(row: Carriage, payout: Payout) -> datetime | None:
    if row.step == "done":
        return None
    if payout.state == "paid" and row.step == "watch":
        return now() + timedelta(days=1)
    return now() + timedelta(seconds=min(FIRST_WAIT * 2 ** min(row.looks, 12), LONGEST_WAIT))


def ask(question: Question) -> Answer:
    """Ask the processor. Outside any transaction. None when nobody knows what has happened."""
    try:
        known = _FIND[question.step](question) if question.is_old and question.step in ("move", "pay") else None
        return known or _ASK[question.step](question)
    except NoSuchProvider:
        log.error("carriage_without_provider", payout=question.payout, provider=question.provider, mode=question.mode)
        return None  # a key that is missing here says nothing of what the processor has done
    except ProviderRefused as no:
        return _refused(question, no)
    except ProviderUnreachable as problem:
        log.info("carriage_not_answered", payout=question.payout, step=question.step, error=str(problem))
        return _look(question) if problem.kept else None  # it will answer nothing else under this number: is there something under it?


def _refused(question: Question, no: ProviderRefused) -> Answer:
    """A no says nothing of an earlier time this was asked: money may have been moved then, or taken back by hand. While nobody can tell, nobody knows."""
    if question.step not in ("move", "back"):
        return Refused(no.code, no.message)
    try:
        return _FIND[question.step](question) or Refused(no.code, no.message)
    except (ProviderUnreachable, ProviderRefused):
        return None


def _look(question: Question) -> Answer:
    try:
        return _FIND[question.step](question)
    except (ProviderUnreachable, ProviderRefused):
        return None


def _move(question: Question) -> Answer:
    if question.is_late:
        return _found_move(question) or _nothing_there()
    payer = seller_payer(question.provider, question.mode)
    if (replaced := _replaced(payer, question)) is not None:
        return _found_move(question) or replaced
    wish = MoveToReceiver(
        question.reference, question.receiver, question.amount, f"Payout {question.payout}", question.metadata
    )  # fmt: skip
    return payer.move_to_receiver(wish)


def _replaced(payer: PaysSellers, question: Question) -> Refused | None:
    """Whether another bank account stands behind the seller's account there by now."""
    bank = payer.inquire_receiver(question.receiver).banks.get(question.amount.currency)
    if bank is not None and bank.mark == question.mark:
        return None
    return Refused(REPLACED, "The bank account at the processor was changed since the payout was asked for.")


def _pay(question: Question) -> Answer:
    if question.is_late:
        return _found_payout(question) or _nothing_there()
    payer = seller_payer(question.provider, question.mode)
    if (replaced := _replaced(payer, question)) is not None:  # between the move and this somebody may have had hours
        return _found_payout(question) or replaced
    return payer.pay_out(question.reference, question.receiver, question.amount, question.metadata)


def _watch(question: Question) -> Answer:
    return seller_payer(question.provider, question.mode).inquire_pay_out(question.receiver, question.payout_reference)


def _back(question: Question) -> Answer:
    """Asked late, it may have come back without our hearing of it; what has not is asked for under another number (see `_hear_back`)."""
    found = _found_move(question) if question.is_late else None
    if found is not None and found.taken_back == question.amount:
        return found
    if question.is_late:
        return _nothing_there()
    return seller_payer(question.provider, question.mode).take_back(question.reference, question.move_reference, question.amount)


def _found_move(question: Question) -> MoveOutcome | None:
    return seller_payer(question.provider, question.mode).find_move(f"{question.payout}-move-0")


def _found_payout(question: Question) -> PayOutOutcome | None:
    return seller_payer(question.provider, question.mode).find_pay_out(question.reference, question.receiver)


def _back_already(question: Question) -> Answer:
    found = _found_move(question)
    return found if found is not None and found.taken_back == question.amount else None


def _nothing_there() -> Refused:
    return Refused(NOT_DONE, "The processor gave no answer for a day, and has nothing under our number.")


_ASK: dict[str, Callable[[Question], Answer]] = {"move": _move, "pay": _pay, "watch": _watch, "back": _back}
_FIND: dict[str, Callable[[Question], Answer]] = {"move": _found_move, "pay": _found_payout, "watch": _watch, "back": _back_already}


# --- recording --------------------------------------------------------------------------------------------------------------


def record(vendor: Vendor, question: Question, answer: Answer, *, cause: str) -> bool:
    """Bring the payout to what was answered, once. Answers whether there is something to ask at once."""
    hold_vendor(vendor.id)
    found = find_payout(vendor, question.mode, question.payout)
    if found is None:
        return False
    payout, row = lock_again(found), locked(Carriage, vendor.id, question.mode, found.id)
    if row is None or not _is_about(question, payout, row):
        return False  # somebody was faster
    before = row.step
    _HEAR[question.step](vendor, payout, row, answer, cause)
    if row.step == before:
        return False
    row.asked_at, row.looks = None, 0
    row.next_look_at = _next_look(row, payout)
    return row.step in ("pay", "back")


def _is_about(question: Question, payout: Payout, row: Carriage) -> bool:
    """What has arrived is heard of for ever; what has been taken back already is not taken back by an answer that was slow."""
    if row.step == "done":
        return question.step == "watch" and payout.state == "paid"
    return (row.step, row.tries) == (question.step, question.tries)


def _hear_move(vendor: Vendor, payout: Payout, row: Carriage, answer: Answer, cause: str) -> None:
    if isinstance(answer, MoveOutcome):
        row.move_reference, row.step = answer.provider_reference, "pay"
        post([book.payout_moved(payout, source=row.provider, at=now())])
    elif isinstance(answer, Refused):
        if answer.code == SHORT:  # the seller cannot mend it: the platform has to leave or put money there
            log.error("processor_balance_too_low", payout=payout.public_id, provider=row.provider, amount=str(payout.amount))
        _look_at_account(vendor, payout, row, answer)
        row.why, row.problem = answer.code[:60], answer.message[:200]
        _end(vendor, payout, row, cause)


def _look_at_account(vendor: Vendor, payout: Payout, row: Carriage, no: Refused) -> None:
    if no.code == REPLACED:
        enqueue("look_at_receiver", vendor.id, mode=payout.mode, provider=row.provider)


def _hear_pay(vendor: Vendor, payout: Payout, row: Carriage, answer: Answer, cause: str) -> None:
    if isinstance(answer, PayOutOutcome):
        row.payout_reference, row.step = answer.provider_reference, "watch"
        _note_trace(payout, row, answer)
        move(payout, "in_transit", actor="provider", cause=cause, trace=answer.trace)
        _hear_watch(vendor, payout, row, answer, cause)
    elif isinstance(answer, Refused):
        _look_at_account(vendor, payout, row, answer)
        row.why, row.problem, row.step = answer.code[:60], answer.message[:200], "back"


def _note_trace(payout: Payout, row: Carriage, answer: PayOutOutcome) -> None:
    """What their bank's statement will say of it: some processors know that only when it has arrived."""
    row.trace = payout.trace = answer.trace or row.trace


def _hear_watch(vendor: Vendor, payout: Payout, row: Carriage, answer: Answer, cause: str) -> None:
    if not isinstance(answer, PayOutOutcome):
        return
    if answer.state == "paid" and payout.state == "in_transit":
        post([book.payout_arrived(payout, source=row.provider, at=now())])
        move(payout, "paid", actor="provider", cause=cause)
        payout.arrived_at = now()
        row.next_look_at = now() + timedelta(days=1)
        _note_trace(payout, row, answer)
        tell_team(vendor, "payout_paid", mode=payout.mode, payout=payout.public_id)
    elif answer.state in ("failed", "canceled"):
        if payout.state == "paid":
            post([book.payout_bounced(payout, source=row.provider, at=now(), reverses=_journal(payout, "paid"))])
        row.why, row.step, row.tries = answer.failure_reason or answer.state, "back", 0
    elif payout.state == "paid" and payout.arrived_at is not None and now() > payout.arrived_at + timedelta(days=WATCHED_DAYS):
        row.step = "done"


def _hear_back(vendor: Vendor, payout: Payout, row: Carriage, answer: Answer, cause: str) -> None:
    if isinstance(answer, MoveOutcome) and answer.taken_back == payout.amount:
        row.back_reference = answer.back_reference
        post([book.payout_taken_back(payout, source=row.provider, at=now(), reverses=_journal(payout, "moved"))])
        _end(vendor, payout, row, cause)
    elif isinstance(answer, Refused):  # the money is still at the seller's account, or has left it: nobody gets it twice
        if answer.code != NOT_DONE:
            log.error("payout_not_taken_back", payout=payout.public_id, provider=row.provider, code=answer.code)
        row.problem, row.tries, row.asked_at = answer.message[:200], row.tries + 1, None


def _end(vendor: Vendor, payout: Payout, row: Carriage, cause: str) -> None:
    """It does not arrive, and nobody else has the money: it is the seller's again."""
    why = "return" if payout.state == "paid" else "fail"
    payout.failure_reason, row.step = row.why, "done"
    move(payout, "returned" if why == "return" else "failed", actor="provider", cause=cause, reason=row.why)
    give_back(payout, why=why)
    tell_team(vendor, "payout_failed", mode=payout.mode, payout=payout.public_id)


_HEAR: dict[str, Callable[[Vendor, Payout, Carriage, Answer, str], None]] = {
    "move": _hear_move, "pay": _hear_pay, "watch": _hear_watch, "back": _hear_back,
}  # fmt: skip


def _journal(payout: Payout, step: str) -> uuid.UUID | None:
    return db.session.scalar(
        select(Journal.id).where(
            Journal.vendor_id == payout.vendor_id, Journal.mode == payout.mode, Journal.event_key == f"po:{payout.public_id}:{step}"
        )
    )


# --- the clock --------------------------------------------------------------------------------------------------------------


def claim_due(limit: int = 200) -> list[tuple[uuid.UUID, str, str]]:
    """Payouts to ask about now, each given to one caller: (vendor id, mode, number). Their next turn is planned at once."""
    due = (
        select(Carriage, Payout.public_id)
        .join(Payout, (Payout.vendor_id == Carriage.vendor_id) & (Payout.mode == Carriage.mode) & (Payout.id == Carriage.payout_id))
        .where(Carriage.next_look_at <= now(), ~is_waiting("carry_payout", Carriage.vendor_id, payout=Payout.public_id))
        .order_by(Carriage.next_look_at)
        .limit(limit)
        .with_for_update(of=Carriage, skip_locked=True)
    )
    found = [(row, number) for row, number in db.session.execute(due)]
    for row, _number in found:
        row.next_look_at = now() + timedelta(minutes=5)  # the job plans the one after; this is for one that never runs
    return [(row.vendor_id, row.mode, number) for row, number in found]
