"""Asking the provider about outcomes nobody has told us: payers close browsers, webhooks get lost, answers time out."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import is_waiting
from core.payments.models import Attempt, Payment
from core.payments.outage import has_no_answer, varied_wait
from core.payments.refund_models import Refund
from core.payments.states import LIVE_ATTEMPT
from core.providers.contract import Outcome, ProviderUnreachable
from core.providers.registry import provider_named

# Seconds between inquiries while an attempt is open. Never more than 45: an outcome nobody told us of is ours within a minute.
BACKOFF = (15, 20, 30, 45)
# While the bank has it (processing) the payer knows, and is told by e-mail: it is asked about as long again as it has taken so far.
FIRST_WAIT, LONGEST_WAIT = 15, 6 * 3600
QUICK_LOOKS = 20  # for a refund whose answer was lost: a quarter of an hour of them
HANDED_OUT = timedelta(minutes=1)
GRACE = timedelta(minutes=2)  # after a payment's time is up, a payer who pressed the button at the last second may still finish


def inquire(payment: Payment, attempt: Attempt) -> Outcome:
    """Ask the provider what became of an attempt. Outside any transaction; an unreachable provider leaves it unknown."""
    if attempt.provider_reference is None:
        return Outcome(state="unknown", provider_reference="")
    try:
        return provider_named(attempt.provider, payment.mode).inquire(attempt.provider_reference)
    except ProviderUnreachable:
        return Outcome(state="unknown", provider_reference=attempt.provider_reference)


def plan_next_inquiry(attempt: Attempt) -> None:
    """Decide when to ask again about a locked attempt that is still open."""
    if attempt.state not in LIVE_ATTEMPT:
        attempt.next_inquiry_at = None
        return
    attempt.next_inquiry_at = now() + timedelta(seconds=_wait(attempt))
    attempt.inquiries += 1


def _wait(attempt: Attempt) -> int:
    if has_no_answer(attempt):
        return varied_wait(attempt.inquiries + 1)
    if attempt.state == "submitted":
        return min(FIRST_WAIT * 2 ** min(attempt.inquiries, 12), LONGEST_WAIT)
    return BACKOFF[min(attempt.inquiries, len(BACKOFF) - 1)]


def claim_due_attempts(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Attempts to ask about now, each given to one caller: (vendor id, mode, attempt id). Their next turn is planned at once."""
    due = (
        select(Attempt)
        .where(Attempt.next_inquiry_at <= now(), ~is_waiting("settle_attempt", Attempt.vendor_id, attempt=Attempt.id))
        .order_by(Attempt.next_inquiry_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for attempt in found:
        plan_next_inquiry(attempt)
    return [(a.vendor_id, a.mode, a.id) for a in found]


def claim_due_refunds(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Refunds to ask about now: sent, and not yet confirmed."""
    due = (
        select(Refund)
        .where(Refund.next_inquiry_at <= now(), ~is_waiting("poll_refund", Refund.vendor_id, refund=Refund.id))
        .order_by(Refund.next_inquiry_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for refund in found:
        refund.inquiries += 1
        refund.next_inquiry_at = now() + timedelta(seconds=_wait_for_refund(refund))
    return [(r.vendor_id, r.mode, r.id) for r in found]


def _wait_for_refund(refund: Refund) -> int:
    looks = refund.inquiries
    if refund.provider_reference is None:  # the answer was lost: whether anything went back is not known
        if looks <= QUICK_LOOKS:
            return BACKOFF[-1]
        looks -= QUICK_LOOKS
    return min(2 * FIRST_WAIT * 2 ** min(looks, 12), LONGEST_WAIT)


def claim_overdue_payments(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Unpaid payments whose time is up: their attempts are to be closed and the payments expired.

    A claimed one is marked as touched, so that it is not handed out again every second while its provider is slow.
    """
    due = (
        select(Payment)
        .where(
            Payment.expires_at <= now() - GRACE,
            Payment.state.in_(("created", "requires_method", "requires_action")),
            Payment.updated_at <= now() - HANDED_OUT,
            ~is_waiting("close_payment", Payment.vendor_id, payment=Payment.id),
        )
        .order_by(Payment.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for payment in found:
        payment.updated_at = now()
    return [(p.vendor_id, p.mode, p.id) for p in found]
