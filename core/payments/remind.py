"""Reminding people of a link that was sent to them, before it ends: never once they have paid, and never when there is nothing to pay."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.notify import notify
from core.notifications.payer_letters import is_sent
from core.payments.link import link_state
from core.payments.models import Payment, PaymentLink
from core.payments.sharing_models import LinkReminder, LinkSending
from core.payments.states import PAID

LATER = timedelta(hours=1)  # somebody is paying this very moment, or it could not be written: look again then
OVER = ("canceled", "expired")


def list_due_reminders(limit: int = 100) -> list[tuple[UUID, str, UUID, int]]:
    """Those whose time has come, by their keys, the ones that have waited longest first."""
    mine = select(LinkReminder.vendor_id, LinkReminder.mode, LinkReminder.sending_id, LinkReminder.number)
    due = mine.where(LinkReminder.state == "planned", LinkReminder.due_at <= now()).order_by(LinkReminder.due_at).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in db.session.execute(due)]


def send_due_reminder(vendor_id: UUID, mode: str, sending: UUID, number: int) -> bool:
    """Ask for its letter; whether one was asked for. Two clocks never take the same one."""
    reminder = _hold_due(vendor_id, mode, sending, number)
    return reminder is not None and _send(reminder)


def put_reminder_off(vendor_id: UUID, mode: str, sending: UUID, number: int) -> None:
    """One that could not be written is tried again later, so that the others behind it get their turn."""
    if (reminder := _hold_due(vendor_id, mode, sending, number)) is not None:
        reminder.due_at = now() + LATER


def _hold_due(vendor_id: UUID, mode: str, sending: UUID, number: int) -> LinkReminder | None:
    """The reminder, locked; None for one that another clock has at this moment, or sent just now."""
    mine = select(LinkReminder).where(LinkReminder.vendor_id == vendor_id, LinkReminder.mode == mode, LinkReminder.sending_id == sending)
    due = mine.where(LinkReminder.number == number, LinkReminder.state == "planned", LinkReminder.due_at <= now())
    return db.session.scalar(due.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def _send(reminder: LinkReminder) -> bool:
    key = reminder.vendor_id, reminder.mode
    sending = db.session.get_one(LinkSending, (*key, reminder.sending_id), populate_existing=True)
    link = db.session.get_one(PaymentLink, (*key, sending.link_id), populate_existing=True)
    reason = why_silent(link, sending)
    if reason:
        reminder.state, reminder.reason = "dropped", reason
        return False
    if being_paid(link, sending):
        reminder.due_at = now() + LATER
        return False
    vendor = get_vendor(reminder.vendor_id)
    if not is_sent(vendor, link.mode, "link_reminder"):
        reminder.state, reminder.reason = "dropped", "you have switched reminders off"
        return False
    letter = notify(
        vendor, "link_reminder", mode=link.mode, to=sending.recipient, locale=link.locale, link=link.public_id, sending=sending.public_id
    )
    reminder.state, reminder.message_id = "sent", letter.id
    return True


def why_silent(link: PaymentLink, sending: LinkSending) -> str | None:
    """Why no letter about this sending may leave any more; None while one may. Asked when it is due, and again as it is written."""
    if sending.canceled_at is not None:
        return "cancelled"
    if sending.link_token_id != link.token_id:
        return "the link has a new address"
    state = link_state(link)
    if state == "paid" or (link.total is None and _theirs(link, sending, paid=True)):
        return "paid"
    if state not in ("open", "sold_out") or (state == "sold_out" and link.kind == "reusable"):
        return "the link takes no payments any more"
    return None


def being_paid(link: PaymentLink, sending: LinkSending) -> bool:
    """Whether this person, or for a link that is paid once anybody, is in the middle of paying."""
    return link_state(link) == "sold_out" or _theirs(link, sending, paid=False)


def _theirs(link: PaymentLink, sending: LinkSending, *, paid: bool) -> bool:
    """A payment through the link since it was sent, by the letter's address or under the same e-mail address: paid, or under way."""
    stage = Payment.state.in_(PAID) if paid else Payment.state.not_in((*PAID, *OVER))
    mine = Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id
    known_by = (Payment.sending_id == sending.id, Payment.email == sending.recipient)  # an index each, so two questions
    some = [select(Payment.id).where(*mine, same, stage, Payment.created_at >= sending.created_at).limit(1) for same in known_by]
    return any(db.session.scalar(question) is not None for question in some)
