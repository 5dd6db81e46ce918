"""What the provider says of a dispute, brought into the books. Read whole each time; late, twice or out of order it ends in the same truth."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.disputes import history
from core.disputes.accept_rules import plan_acceptance
from core.disputes.books import book_fee, book_lost, book_opening, book_reversed, book_won
from core.disputes.history import begin, move
from core.disputes.models import Dispute
from core.disputes.remind import AFTER_DUE, JUST_TOLD, next_inquiry, next_reminder
from core.disputes.states import DISPUTE, LOST, OPEN, OVER, WAY
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.notifications.notices import post_notice
from core.notifications.team import tell_team
from core.payments.disputed import stop_refunds
from core.payments.history import note
from core.payments.models import Payment
from core.payments.start import lock_payment
from core.providers.disputes import DisputeOutcome

log = structlog.get_logger("disputes")


class DisputeTooEarly(Exception):
    """The provider tells of a dispute of a payment that is not paid here yet: the news came in the wrong order. Look again later."""


def follow_dispute(vendor: Vendor, payment: Payment, outcome: DisputeOutcome, *, provider: str, cause: str) -> str:
    """Bring a dispute to what the provider says: settled, stale when that is known already, or mismatch when it is about another charge.

    The payment is locked and then the vendor is held, as a refund does: neither sees money the other one takes.
    """
    payment = lock_payment(payment)
    if payment.charge is None:
        raise DisputeTooEarly(f"{outcome.provider_reference}: {payment.public_id} is {payment.state}")
    if outcome.charge != payment.charge or outcome.amount.currency != payment.currency or outcome.state == "unknown":
        log.error("dispute_cannot_be_booked", payment=payment.public_id, dispute=outcome.provider_reference, state=outcome.state)
        return "mismatch"
    known = _find(payment, provider, outcome)
    if known is not None and outcome.cycles < known.cycle:
        return "stale"
    dispute = known or _begin(payment, provider, outcome, cause)
    hold_vendor(vendor.id)
    before, was_touched = (dispute.state, dispute.cycle), bool(dispute.draft)
    _take(vendor, payment, dispute, outcome, cause)
    for line in outcome.withdrawals:
        if line.fee:
            book_fee(payment, dispute, line)
    if known is not None and (dispute.state, dispute.cycle) == before:
        return "stale"
    planned = dispute.cycle > before[1] and not was_touched and plan_acceptance(dispute)
    _tell(vendor, payment, dispute, cause=cause, planned=planned)
    return "settled"


def _find(payment: Payment, provider: str, outcome: DisputeOutcome) -> Dispute | None:
    mine = select(Dispute).where(
        Dispute.vendor_id == payment.vendor_id, Dispute.mode == payment.mode, Dispute.provider == provider,
        Dispute.provider_reference == outcome.provider_reference,
    )  # fmt: skip
    return db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))


def _begin(payment: Payment, provider: str, outcome: DisputeOutcome, cause: str) -> Dispute:
    """It begins as an inquiry, or as a dispute; what has happened since is walked through."""
    asking = outcome.state in ("inquiry", "closed") and not outcome.cycles
    dispute = Dispute(
        vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), public_id=public_id("dp"), payment_id=payment.id, provider=provider,
        provider_reference=outcome.provider_reference, state="inquiry" if asking else "needs_response", reason=outcome.reason,
        network_code=outcome.network_code[:20], currency=payment.currency, amount_minor=outcome.amount.minor, share_fee_minor=0, held_minor=0,
        advanced_minor=0, cycle=0, submissions=0, due_at=None, opened_at=outcome.opened_at or now(), draft={}, inquiries=0,
        version=0, created_at=now(),
    )  # fmt: skip
    db.session.add(dispute)
    db.session.flush()
    begin(dispute, cause=cause, reason=outcome.reason, amount_minor=outcome.amount.minor, currency=payment.currency)
    return dispute


def _take(vendor: Vendor, payment: Payment, dispute: Dispute, outcome: DisputeOutcome, cause: str) -> None:
    """Every time that money was taken, one after the other, and then where it stands."""
    while dispute.cycle < outcome.cycles:
        if dispute.state in OPEN | LOST and dispute.cycle:
            _walk(payment, dispute, "won", cause)  # only what was given back can be taken again
        stop_refunds(vendor, payment)
        dispute.amount_minor = outcome.amount.minor
        move(dispute, "needs_response", actor="bank", cause=cause)
        book_opening(payment, dispute)
        dispute.wish, dispute.answered_at, dispute.decided_at, dispute.accept_at, dispute.draft = None, None, None, None, {}
    if outcome.due_at != dispute.due_at and dispute.state not in LOST | {"closed", "reversed"}:
        dispute.due_at = outcome.due_at
        dispute.remind_at = next_reminder(dispute.due_at, now() + JUST_TOLD)
    if outcome.submissions > dispute.submissions:
        dispute.submissions, dispute.answered_at = outcome.submissions, now()
        dispute.accept_at = None
        if dispute.state == "inquiry":  # answered, and still only asked
            dispute.wish = None
            history.note(dispute, "dispute.answered", actor="bank", cause=cause)
    if outcome.state in LOST and _refund_may_fail(payment, dispute):
        dispute.next_inquiry_at = now() + AFTER_DUE
        return
    _walk(payment, dispute, outcome.state, cause)
    dispute.next_inquiry_at = next_inquiry(dispute) if dispute.state in (*OPEN, "inquiry") else None


def _refund_may_fail(payment: Payment, dispute: Dispute) -> bool:
    """A refund was sent before we heard of this, and both do not fit into the payment: a loss waits until the processor has said what became of
    the refund. Mostly it refuses it, and then all of what was lost stands among the payment's refunds, with its part of our fee."""
    gone = payment.refunded_minor + payment.refunding_minor + payment.queued_minor + payment.disputed_minor
    return dispute.state in OPEN and payment.refunding_minor > 0 and gone > payment.captured_minor


def _walk(payment: Payment, dispute: Dispute, to: str, cause: str) -> None:
    """There, by the steps whose news were missed. Money is taken nowhere on this way, so nothing is opened by it.

    What the bank gives back after all of what was lost has a step of its own.
    """
    if to == "won" and dispute.state in LOST:
        _move(payment, dispute, "reversed", cause)
        return
    for step in (*WAY.get(to, ()), to):
        if step in DISPUTE[dispute.state] and step != "needs_response":
            _move(payment, dispute, step, cause)


def _move(payment: Payment, dispute: Dispute, to: str, cause: str) -> None:
    """One step, with its money."""
    if to == "lost" and dispute.wish == "accept":
        to = "accepted"
    if not move(dispute, to, actor="bank", cause=cause):
        return
    if to == "won":
        book_won(payment, dispute)
    elif to in LOST:
        book_lost(payment, dispute)
    elif to == "reversed":
        book_reversed(payment, dispute)
    if to == "under_review":
        dispute.answered_at = now()
    else:
        dispute.decided_at = now()
    dispute.wish, dispute.accept_at = None, None


def _tell(vendor: Vendor, payment: Payment, dispute: Dispute, *, cause: str, planned: bool) -> None:
    """The payment's own history says it, the team is told of what is new and of what is decided, and an open one is looked after.

    Where it will be given in by the vendor's own rule (`planned`) the letter about that says that it has begun.
    """
    kind = {"inquiry": "inquiry", "needs_response": "opened"}.get(dispute.state, dispute.state)
    note(payment, f"dispute.{kind}", actor="bank", cause=cause, dispute=dispute.public_id, amount_minor=dispute.amount_minor,
         currency=dispute.currency, dispute_reason=dispute.reason)  # fmt: skip
    if planned:
        tell_team(vendor, "dispute_to_accept", mode=dispute.mode, dispute=dispute.public_id)
    elif dispute.state in ("inquiry", "needs_response"):
        tell_team(vendor, "dispute_opened", mode=dispute.mode, dispute=dispute.public_id)
    elif dispute.state == "under_review":
        post_notice(vendor, "dispute_sent", mode=dispute.mode, about=dispute.public_id)
    elif dispute.state in OVER:
        tell_team(vendor, "dispute_decided", mode=dispute.mode, dispute=dispute.public_id)
