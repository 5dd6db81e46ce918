"""How the letters about a link fared: queued, sent, bounced, opened, paid. Nothing here is written down twice: it is read off the rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.notifications.mail_stops import UNWANTED
from core.notifications.models import Message
from core.notifications.queries import LOST
from core.payments.models import Payment, PaymentLink
from core.payments.sharing_models import LinkReminder, LinkSending
from core.payments.states import PAID


@dataclass(frozen=True)
class Fate:
    """One sending, and what became of it. `problem` is why the letter did not arrive, in the mail server's words; `number` the letter's."""

    sending: LinkSending
    letter: str
    problem: str
    paid_by: str | None
    reminders: list[LinkReminder]
    number: str = ""

    @property
    def unwanted(self) -> bool:
        """Whether it did not leave because its reader wants no such letters."""
        return self.letter == "held" and self.problem == UNWANTED

    @property
    def state(self) -> str:
        """The furthest it came: paid, opened, then what is known of the letter (bounced, held, failed, canceled, overtaken, queued, sent, kept)."""
        if self.paid_by:
            return "paid"
        if self.sending.opened_at:
            return "opened"
        if self.letter in ("failed", "overtaken") and self.sending.canceled_at:
            return "canceled"
        return self.letter

    @property
    def open_ended(self) -> bool:
        """Whether something is still to leave that could be called off."""
        return self.sending.canceled_at is None and (self.letter == "queued" or any(r.state == "planned" for r in self.reminders))


def list_sendings(vendor: Vendor, link: PaymentLink, *, limit: int = 50) -> list[Fate]:
    """The latest sendings of a link, newest first."""
    mine = LinkSending.vendor_id == vendor.id, LinkSending.mode == link.mode, LinkSending.link_id == link.id
    letter = (Message.vendor_id == LinkSending.vendor_id) & (Message.mode == LinkSending.mode) & (Message.id == LinkSending.message_id)
    rows = db.session.execute(
        select(LinkSending, Message).outerjoin(Message, letter).where(*mine).order_by(LinkSending.id.desc()).limit(limit)
    ).all()
    sendings = [sending for sending, _ in rows]
    paid, reminders = _paid_by(vendor, link, sendings), _reminders(vendor, link, sendings)
    lost = _lost(vendor, link, [reminder for some in reminders.values() for reminder in some])
    found = []
    for sending, first in rows:
        mine = reminders[sending.public_id]
        letter = next((lost[one.message_id] for one in mine if one.message_id in lost), first)
        found.append(_fate(sending, letter, paid.get(sending.public_id), mine))
    return found


def count_lost(vendor: Vendor, link: PaymentLink) -> int:
    """To how many addresses this link was sent in vain: the first letter came back, or did not leave."""
    letter = (Message.vendor_id == LinkSending.vendor_id) & (Message.mode == LinkSending.mode) & (Message.id == LinkSending.message_id)
    mine = LinkSending.vendor_id == vendor.id, LinkSending.mode == link.mode, LinkSending.link_id == link.id
    lost = select(func.count()).select_from(LinkSending).join(Message, letter).where(*mine, Message.state.in_(("bounced", "held")))
    return int(db.session.scalar(lost.where(LinkSending.opened_at.is_(None))) or 0)


def _fate(sending: LinkSending, letter: Message | None, paid_by: str | None, reminders: list[LinkReminder]) -> Fate:
    if letter is None:
        return Fate(sending, "queued", "", paid_by, reminders)
    return Fate(sending, letter.state, (letter.last_error or "") if letter.state in LOST else "", paid_by, reminders, letter.public_id)


def _lost(vendor: Vendor, link: PaymentLink, reminders: list[LinkReminder]) -> dict[uuid.UUID | None, Message]:
    """The reminders that came back, or did not leave because the address takes no letters: then the first letter's arrival is old news."""
    ids = [reminder.message_id for reminder in reminders if reminder.message_id]
    if not ids:
        return {}
    mine = select(Message).where(Message.vendor_id == vendor.id, Message.mode == link.mode, Message.id.in_(ids))
    return {letter.id: letter for letter in db.session.scalars(mine.where(Message.state.in_(("bounced", "held"))))}


def _paid_by(vendor: Vendor, link: PaymentLink, sendings: Iterable[LinkSending]) -> dict[str, str]:
    """Sending to payment: one that came by the letter's address, or under the same e-mail address after it was sent."""
    ids = [sending.id for sending in sendings]
    if not ids:
        return {}
    here = (Payment.vendor_id == LinkSending.vendor_id) & (Payment.mode == LinkSending.mode)
    # Two questions, each with an index of its own; as one with an "or" it would read every payment of the link.
    by_address = here & (Payment.sending_id == LinkSending.id)
    by_e_mail = here & (Payment.email == LinkSending.recipient) & (Payment.created_at >= LinkSending.created_at)
    found: dict[str, str] = {}
    for came in (by_e_mail, by_address):
        rows = db.session.execute(
            select(LinkSending.public_id, func.min(Payment.public_id))
            .join(Payment, came & (Payment.link_id == LinkSending.link_id))
            .where(LinkSending.vendor_id == vendor.id, LinkSending.mode == link.mode, LinkSending.id.in_(ids), Payment.state.in_(PAID))
            .group_by(LinkSending.public_id)
        )
        found.update((sending, payment) for sending, payment in rows)
    return found


def _reminders(vendor: Vendor, link: PaymentLink, sendings: list[LinkSending]) -> dict[str, list[LinkReminder]]:
    names = {sending.id: sending.public_id for sending in sendings}
    found: dict[str, list[LinkReminder]] = {name: [] for name in names.values()}
    mine = LinkReminder.vendor_id == vendor.id, LinkReminder.mode == link.mode, LinkReminder.sending_id.in_(list(names))
    for reminder in db.session.scalars(select(LinkReminder).where(*mine).order_by(LinkReminder.number)):
        found[names[reminder.sending_id]].append(reminder)
    return found
