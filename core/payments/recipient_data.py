"""What the letters about links and the filled-in addresses hold of one person: handed out with the rest of it, and taken away with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.mail_stops import forget_stops
from core.notifications.models import Message
from core.payments.sharing_models import LinkPrefill, LinkReminder, LinkSending

KINDS = ("link_sent", "link_reminder")


def letters_to(vendor: Vendor, mode: str, email: str) -> list[dict[str, Any]]:
    """Every letter about a link that went to this address, as plain values."""
    mine = select(LinkSending).where(LinkSending.vendor_id == vendor.id, LinkSending.mode == mode, LinkSending.recipient == email)
    return [
        {
            "number": sending.public_id,
            "message": sending.message,
            "asked_for_at": sending.created_at.isoformat(timespec="seconds"),
            "opened_at": sending.opened_at.isoformat(timespec="seconds") if sending.opened_at else None,
        }
        for sending in db.session.scalars(mine.order_by(LinkSending.id))
    ]


def forget_recipient(vendor: Vendor, mode: str, email: str, pseudonym: str) -> None:
    """Their address leaves the letters and what is planned of them, and no address stays filled in for them."""
    theirs = LinkSending.vendor_id == vendor.id, LinkSending.mode == mode, LinkSending.recipient == email
    ids = list(db.session.scalars(select(LinkSending.id).where(*theirs)))
    planned = (
        LinkReminder.vendor_id == vendor.id,
        LinkReminder.mode == mode,
        LinkReminder.sending_id.in_(ids),
        LinkReminder.state == "planned",
    )
    db.session.execute(update(LinkReminder).where(*planned).values(state="dropped", reason="the payer's data was erased"))
    db.session.execute(update(LinkSending).where(*theirs).values(recipient=pseudonym, message="", canceled_at=now()))
    letters = Message.vendor_id == vendor.id, Message.mode == mode, Message.recipient == email, Message.kind.in_(KINDS)
    waiting = {"state": "failed", "last_error": "the payer's data was erased", "taken_until": None}
    db.session.execute(update(Message).where(*letters, Message.state == "queued").values(waiting))
    db.session.execute(update(Message).where(*letters).values(text=None, html=None, subject=None, recipient=pseudonym))
    forget_stops(vendor.id, [email], mode)
    filled = LinkPrefill.vendor_id == vendor.id, LinkPrefill.mode == mode, LinkPrefill.email == email
    db.session.execute(update(LinkPrefill).where(*filled).values(email="", payer_name="", payer_reference="", withdrawn_at=now()))
