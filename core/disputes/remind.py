"""What the clock looks after: disputes whose news may be lost, and the days until which an answer is taken."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.disputes.models import Dispute
from core.disputes.states import ANSWERABLE
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.team import tell_team

REMINDERS = (timedelta(days=7), timedelta(days=2), timedelta(hours=12))  # before it is too late
JUST_TOLD = timedelta(hours=1)  # nobody is reminded of what they have just been told
USUAL, AFTER_DUE = timedelta(hours=6), timedelta(minutes=10)


def next_reminder(due_at: datetime | None, after: datetime) -> datetime | None:
    """When the team is reminded next; None when every reminder is past."""
    moments = [due_at - before for before in REMINDERS] if due_at else []
    return min((moment for moment in moments if moment > after), default=None)


def next_inquiry(dispute: Dispute) -> datetime:
    """Four times a day, and soon after its day is over."""
    usual = now() + USUAL
    after = dispute.due_at + AFTER_DUE if dispute.due_at and dispute.state in ANSWERABLE else usual
    return after if now() < after < usual else usual


def claim_due(limit: int = 100) -> list[tuple[uuid.UUID, str, str, str]]:
    """Disputes to ask about now: (vendor id, mode, provider, its reference). Their next turn is planned at once."""
    due = select(Dispute).where(Dispute.next_inquiry_at <= now()).order_by(Dispute.next_inquiry_at).limit(limit)
    found = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    for dispute in found:
        dispute.inquiries += 1
        dispute.next_inquiry_at = next_inquiry(dispute)
    return [(d.vendor_id, d.mode, d.provider, d.provider_reference) for d in found]


def send_due_reminders(limit: int = 100) -> int:
    """Write to the team of every vendor who has not answered yet; answers how many were due. Whoever is told late, because we were away,
    gets one letter and not one for each that was missed."""
    due = select(Dispute).where(Dispute.remind_at <= now()).order_by(Dispute.remind_at).limit(limit)
    found = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    for dispute in found:
        waits = dispute.state in ANSWERABLE and dispute.wish is None and dispute.answered_at is None
        waits = waits and dispute.due_at is not None and dispute.due_at > now()
        dispute.remind_at = next_reminder(dispute.due_at, now()) if waits else None
        if waits:
            tell_team(get_vendor(dispute.vendor_id), "dispute_due", mode=dispute.mode, dispute=dispute.public_id)
    return len(found)
