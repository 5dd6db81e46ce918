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
PUT_OFF = timedelta(hours=1)  # of a reminder that could not be written
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


def list_due_reminders(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Disputes whose team is to be reminded, by their keys, those that have waited longest first."""
    due = select(Dispute.vendor_id, Dispute.mode, Dispute.id).where(Dispute.remind_at <= now()).order_by(Dispute.remind_at).limit(limit)
    return [(row[0], row[1], row[2]) for row in db.session.execute(due)]


def send_due_reminder(vendor_id: uuid.UUID, mode: str, number: uuid.UUID) -> bool:
    """Write to the team that has not answered yet; whether there was somebody to remind. Whoever is told late, because we were away, gets
    one letter and not one for each that was missed."""
    dispute = _hold_due(vendor_id, mode, number)
    if dispute is None:
        return False
    waits = dispute.state in ANSWERABLE and dispute.wish is None and dispute.answered_at is None
    waits = waits and dispute.due_at is not None and dispute.due_at > now()
    dispute.remind_at = next_reminder(dispute.due_at, now()) if waits else None
    if waits:
        tell_team(get_vendor(vendor_id), "dispute_due", mode=mode, dispute=dispute.public_id)
    return waits


def put_reminder_off(vendor_id: uuid.UUID, mode: str, number: uuid.UUID) -> None:
    """One that could not be written is tried again in an hour, so that the others behind it get their turn."""
    if (dispute := _hold_due(vendor_id, mode, number)) is not None:
        dispute.remind_at = now() + PUT_OFF


def _hold_due(vendor_id: uuid.UUID, mode: str, number: uuid.UUID) -> Dispute | None:
    """The dispute, locked; None for one that another clock has at this moment, or whose team it reminded just now."""
    mine = select(Dispute).where(Dispute.vendor_id == vendor_id, Dispute.mode == mode, Dispute.id == number, Dispute.remind_at <= now())
    return db.session.scalar(mine.with_for_update(skip_locked=True).execution_options(populate_existing=True))
