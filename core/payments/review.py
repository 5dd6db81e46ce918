"""Payments that rules sent to review: they wait for a person of the staff, before their money is taken or after, and for the clock."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select

from core.accounts.models import Vendor
from core.kernel.ask import Search
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, Refusal
from core.kernel.outbox import enqueue, is_waiting
from core.kernel.sentence import said
from core.notifications.notices import post_notice
from core.payments.attempt import lock_both
from core.payments.history import note
from core.payments.models import Attempt, Payment
from core.payments.refund import request_refund
from core.payments.review_models import LONGEST_NOTE, Screening
from core.payments.states import LIVE_ATTEMPT, REVIEW, check_move
from core.payments.weigh import count_card, screening_of, weigh_card
from core.providers.contract import Outcome
from core.risk.lists import ensure_entry
from core.risk.rules import ALLOW, AUTHENTICATE, BLOCK, Decision
from core.risk.rules import REVIEW as TO_REVIEW

AUTHORISED_FOR = timedelta(days=6)  # a card's bank keeps money aside for seven days; the seventh is ours to let go of it in good order
_EXPECTED = Search(
    Screening,
    rest="""FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS k(vendor_id, mode, payment_id)
            JOIN payment_screenings ON payment_screenings.vendor_id = k.vendor_id AND payment_screenings.mode = k.mode
              AND payment_screenings.payment_id = k.payment_id AND payment_screenings.state = 'expected' AND NOT payment_screenings.held
            ORDER BY payment_screenings.vendor_id, payment_screenings.mode, payment_screenings.payment_id""",
)
TARGET = timedelta(hours=24)  # within which a person is to have looked
ENDED = frozenset({"refused", "refunded", "fraud", "lapsed", "gone"})
NOTED = {
    "approved": "payment.review_approved",
    "refunded": "payment.review_declined",
    "fraud": "payment.review_declined",
    "lapsed": "payment.review_lapsed",
}


class DecidedAlready(Conflict):
    """Somebody else was faster, or the clock."""

    code = "review_decided_already"


def is_held_by_rules(attempt: Attempt) -> bool:
    """Whether the money of this try is only authorised to begin with because of the rules: as decided when it began, whatever counts now."""
    row = screening_of(attempt)
    return row is not None and row.held


def asks_bank(attempt: Attempt) -> bool:
    """Whether the rules want the card’s bank to ask the payer, as decided when the try began."""
    row = screening_of(attempt)
    return row is not None and row.action == AUTHENTICATE


def is_reviewed(attempt: Attempt | None) -> bool:
    """Whether a person is to look at this try before its money is taken, for the payer's page."""
    row = screening_of(attempt) if attempt is not None else None
    return row is not None and row.held and row.state == "waiting"


def list_reviews(vendor: Vendor, payment: Payment) -> list[Screening]:
    """A payment's tries as the rules saw them, oldest first."""
    mine = (Screening.vendor_id == vendor.id, Screening.mode == payment.mode, Screening.payment_id == payment.id)
    return list(db.session.scalars(select(Screening).where(*mine).order_by(Screening.id)))


# --- an authorised card --------------------------------------------------------------------------------------------------------


def judge_card(vendor: Vendor, payment: Payment, attempt: Attempt, outcome: Outcome, counts: dict[tuple[str, int], int]) -> str:
    """What becomes of an authorised card: take, let_go or wait. In a unit of its own; repeated it answers the same."""
    payment, attempt = lock_both(attempt)
    row = screening_of(attempt)
    if row is None or row.state == "approved":
        return "take"
    if row.state in ENDED:
        return "let_go"
    if row.state == "waiting":
        return "wait"
    decision = _decided_before(row) or weigh_card(payment, row, outcome, counts)
    row.card, row.held = (outcome.card_fingerprint or "")[:120], True  # also where a code alone had it authorised first
    if decision.action == BLOCK:
        _settle_row(row, "refused", by="system", reasons=[decision.plain()])
        return "let_go"
    if decision.action == TO_REVIEW:
        _wait(payment, row, [decision.plain()], lapses=True)
        return "wait"
    if row.state == "expected":
        _settle_row(row, "passed", by="", reasons=row.reasons)
    return "take"


def _decided_before(row: Screening) -> Decision | None:
    """Of a checkout that was sent to review as a whole: what a person has said of another of its orders, or that one is to look.

    Nothing is decided about its orders one by one.
    """
    if row.action != TO_REVIEW or not row.together:
        return None
    others = select(Screening.state).where(Screening.mode == row.mode, Screening.together == row.together, Screening.id != row.id)
    states = set(db.session.scalars(others.where(Screening.state.in_(NOTED))))
    rule = row.reasons[0].get("rule", "") if row.reasons else ""
    if states & {"refunded", "fraud", "lapsed"}:
        return Decision(BLOCK, rule=rule)
    return Decision(ALLOW if "approved" in states else TO_REVIEW, rule=rule)


def counts_of_card(payment: Payment, attempt: Attempt, outcome: Outcome) -> dict[tuple[str, int], int]:
    """What has to be counted before judge_card is asked, with nothing locked."""
    return count_card(payment, outcome) if attempt.screened else {}


def _settle_row(row: Screening, to: str, *, by: str, reasons: list[dict[str, str]]) -> None:
    check_review(row.state, to)
    row.state, row.reasons = to, reasons
    row.decided_by, row.decided_at = by, now() if by else None
    db.session.flush()


def check_review(old: str, new: str) -> None:
    """Refuse a move the table does not allow."""
    check_move(REVIEW, old, new)


def _wait(payment: Payment, row: Screening, reasons: list[dict[str, str]], *, lapses: bool) -> None:
    check_review(row.state, "waiting")
    at = now()
    row.state, row.reasons, row.waits_since = "waiting", reasons, at
    row.lapses_at = at + AUTHORISED_FOR if lapses else None
    note(payment, "payment.under_review", actor="system", held=lapses)
    db.session.flush()


def find_expected(keys: Sequence[tuple[uuid.UUID, str, uuid.UUID]]) -> list[Screening]:
    """Of payments that have just been paid those that a person is to look at and that could not be held, in the order in which everybody locks."""
    rows = _EXPECTED.all(*[list(part) for part in zip(*sorted(set(keys)), strict=True)]) if keys else []
    return [found for (found,) in rows]


def begin_reviews_of_paid(expected: Sequence[Screening]) -> None:
    """They wait for a person now, their money in the books."""
    for found in expected:
        payment, _ = lock_both(db.session.get_one(Attempt, (found.vendor_id, found.mode, found.attempt_id)))
        row = lock_again(found)
        if row.state == "expected" and payment.state == "succeeded":
            _wait(payment, row, row.reasons, lapses=False)


# --- a person decides ----------------------------------------------------------------------------------------------------------


def approve(vendor: Vendor, row: Screening, *, by: str, words: str = "") -> str:
    """It is good: what was authorised is taken by a worker, what was taken stays. Answers approved, or gone when the bank has let it go.

    Repeated by the same person it changes nothing. Refuses DecidedAlready.
    """
    payment, attempt, row, done = _claim(row, "approved", by)
    if done:
        return row.state
    if row.held and attempt.state not in LIVE_ATTEMPT:
        return _gone(row)
    _decide(vendor, payment, row, "approved", by=by, words=words)
    if row.held:
        enqueue("decide_hold", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))
    _tell_others(row)
    return row.state


def decline(vendor: Vendor, row: Screening, *, by: str, words: str = "", fraud: bool = False, lists: Sequence[str] = ()) -> str:
    """It is not good: what was authorised is let go, what was taken is refunded whole. Answers refunded, fraud, or gone.

    As fraud, of `lists` (email, card, address) what is known of the payer goes on the block list, with this payment as its origin.
    Repeated by the same person it changes nothing. Refuses DecidedAlready, and what request_refund refuses.
    """
    to = "fraud" if fraud else "refunded"
    payment, attempt, row, done = _claim(row, to, by)
    if done:
        return row.state
    if row.held and attempt.state not in LIVE_ATTEMPT:
        return _gone(row)
    if not row.held and not payment.refundable:
        if payment.disputed_minor:
            raise Conflict("This payment is disputed: the payer’s bank holds the money until that is decided. A refund would pay twice.")
        return _gone(row)
    words = _decide(vendor, payment, row, to, by=by, words=words)
    if fraud:
        _list_payer(payment, row, lists, by=by, words=words)
    if row.held:
        enqueue("decide_hold", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))
    else:
        reason = "fraudulent" if fraud else "other"
        # With a colon, as every name that we give ourselves: no form can carry one, so nobody takes this refund's place with a smaller one.
        request_refund(vendor, payment, amount=payment.refundable, reason=reason, by=by, form_token=f"review:{row.public_id}")
    _tell_others(row)
    return row.state


def _tell_others(row: Screening) -> None:
    """What was decided about one order of a checkout counts for the others: each in its own book, one after the other."""
    if row.together:
        enqueue("decide_together", row.vendor_id, mode=row.mode, review=str(row.id))


def list_others(row: Screening, *states: str) -> list[Screening]:
    """The other orders' reviews of the same checkout, in these states or in all, whichever seller's they are."""
    if not row.together:
        return []
    others = select(Screening).where(Screening.mode == row.mode, Screening.together == row.together, Screening.id != row.id)
    return list(db.session.scalars((others.where(Screening.state.in_(states)) if states else others).order_by(Screening.id)))


def decide_alike(vendor: Vendor, row: Screening, decided: Screening) -> str:
    """Decide one order of a checkout as another one was. Repeated, or where somebody was faster, it changes nothing."""
    try:
        if decided.state == "approved":
            return approve(vendor, row, by=decided.decided_by, words=decided.note)
        return decline(vendor, row, by=decided.decided_by, words=decided.note, fraud=decided.state == "fraud")
    except DecidedAlready:
        return lock_again(row).state


def _claim(row: Screening, to: str, by: str) -> tuple[Payment, Attempt, Screening, bool]:
    """Everything locked in the one order everybody uses; True when this very act was done before by this very person."""
    payment, attempt = lock_both(db.session.get_one(Attempt, (row.vendor_id, row.mode, row.attempt_id)))
    row = lock_again(row)
    if (row.state, row.decided_by) == (to, by):
        return payment, attempt, row, True
    if row.state != "waiting":
        raise DecidedAlready("This review has ended already: somebody else, or the clock, was faster. Look at what became of it.")
    if any(other.state != to for other in list_others(row, *NOTED)):
        raise DecidedAlready("Another order of this checkout was decided otherwise already: that counts for all of them.")
    return payment, attempt, row, False


def _decide(vendor: Vendor, payment: Payment, row: Screening, to: str, *, by: str, words: str) -> str:
    words = " ".join(words.split())
    if len(words) > LONGEST_NOTE:
        raise Refusal(said("At most %(most)s characters.", most=LONGEST_NOTE), field="words")
    row.note = words
    _settle_row(row, to, by=by, reasons=row.reasons)
    note(payment, NOTED[to], actor="system" if by == "system" else by, held=row.held)
    if to != "approved":
        post_notice(vendor, "review_ended", mode=row.mode, about=payment.public_id)
    record(vendor.id, actor=by, action=f"review.{to}", subject=row.public_id, mode=row.mode, payment=payment.public_id, held=row.held)
    return words


def _gone(row: Screening) -> str:
    _settle_row(row, "gone", by="system", reasons=row.reasons)
    return row.state


def _list_payer(payment: Payment, row: Screening, lists: Sequence[str], *, by: str, words: str) -> None:
    known = {"email": payment.email, "card": row.card, "address": row.address}
    for kind in lists:
        if known.get(kind):
            reason = words or "Refunded as fraud after a review"
            ensure_entry(payment.mode, "block", kind, known[kind], reason=reason, by=by, origin=payment.public_id)


# --- the clock -----------------------------------------------------------------------------------------------------------------


def claim_lapsed(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Reviews that the clock ends now, (vendor id, mode, id): the authorisation is about to end, or the payer's bank has let it go."""
    over = or_(Screening.lapses_at <= now(), Attempt.state.not_in(LIVE_ATTEMPT) & Screening.held)
    same = (Attempt.vendor_id == Screening.vendor_id) & (Attempt.mode == Screening.mode) & (Attempt.id == Screening.attempt_id)
    asked = is_waiting("end_review", Screening.vendor_id, review_id=Screening.id)
    query = select(Screening.vendor_id, Screening.mode, Screening.id).join(Attempt, same).where(Screening.state == "waiting", over, ~asked)
    return [(vendor_id, mode, row_id) for vendor_id, mode, row_id in db.session.execute(query.order_by(Screening.waits_since).limit(limit))]


def end_by_clock(vendor: Vendor, row: Screening) -> str:
    """Nobody decided: nothing is taken. The payer is written to by whoever lets the money go, the vendor is told here. Repeated it is once."""
    payment, attempt = lock_both(db.session.get_one(Attempt, (row.vendor_id, row.mode, row.attempt_id)))
    row = lock_again(row)
    if row.state != "waiting":
        return row.state
    if attempt.state not in LIVE_ATTEMPT:
        return _gone(row)
    if row.lapses_at is None or row.lapses_at > now():
        return row.state
    _decide(vendor, payment, row, "lapsed", by="system", words="")
    enqueue("decide_hold", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))
    return row.state


def forget_addresses(limit: int) -> int:
    """Where payers came from and with which card is kept for as long as a review may need it, and a month at most."""
    old = Screening.created_at < now() - timedelta(days=30)
    rows = list(db.session.scalars(select(Screening).where(Screening.address != "", old, Screening.state != "waiting").limit(limit)))
    for row in rows:
        row.address = row.card = ""
    return len(rows)
