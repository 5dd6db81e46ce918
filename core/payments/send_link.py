"""Sending a link by e-mail: each letter has an address of its own, so it is known whether it arrived, was opened and was paid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from core.accounts.models import User, Vendor
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.kernel.signing import make_token
from core.notifications.notify import notify
from core.payments.link import ends_at, link_state, lock_link, touch_link
from core.payments.models import PaymentLink
from core.payments.seen import seen
from core.payments.sharing_models import LinkReminder, LinkSending

MOST_AT_ONCE = 50
MOST_A_DAY = 500  # by one vendor: a payment portal is no mailing machine
MOST_MESSAGE = 1000
ENDS, USUAL_END = (7, 14, 30, 60, 90), 30  # days that a link without an end lives once it has been sent
DAYS = (1, 2, 3, 5, 7, 14)  # how long before its end a link may be reminded of
MORNING = time(9)  # when a letter about a day is sent, where the vendor lives
ADDRESS = re.compile(r"(https?:|www\.|//)", re.I)


class NotSent(Refusal):
    """The link cannot be sent like this; nothing was sent."""

    code = "not_sent"


def send_link(
    vendor: Vendor, link: PaymentLink, *, sender: User, recipients: list[str], message: str, reminders: list[int], form_token: str,
    ends_in: int | None = None,
) -> list[LinkSending]:  # fmt: skip
    """Ask for one letter to each address, and plan its reminders (days before the end, two at most).

    `ends_in`: so many days from now a link that would live for ever takes no payments any more (`lives_for_ever`).

    The same form sent again sends nothing again. Refuses NotSent, naming the field, before anything is written.
    """
    again = _made_before(link, form_token)
    if again:
        return again
    if ends_in is not None:
        link = lock_link(link)  # before its vendor, as whoever names a link's address locks them
    locked(Vendor, vendor.id)  # two forms at once share one day's number, and the same form twice finds itself
    again = _made_before(link, form_token)
    if again:
        return again
    recipients = list(dict.fromkeys(address.lower() for address in recipients))
    given = None if ends_in is None or not lives_for_ever(link) else _end_in(ends_in)
    moments = _moments(given or deadline(vendor, link), reminders)
    _check(vendor, link, sender, recipients, message)
    if given:
        link.expires_at = given
        touch_link(link, sender.public_id, "link.edited", changes=differences({}, {"expires_at": given}))
    return [_one(vendor, link, sender, address, message, moments, form_token) for address in recipients]


def lives_for_ever(link: PaymentLink) -> bool:
    """Whether it was made for somebody and nothing ends it: a letter that is found in years would still ask for the money. What is paid again
    and again stands on walls and websites as well, and a letter about it ends nothing there."""
    return link.kind != "reusable" and not (link.expires_at or link.hours_after_opening or link.due_on)


def _end_in(days: int) -> datetime:
    if days not in ENDS:
        raise NotSent("Choose one of these.", field="ends_in")
    return now() + timedelta(days=days)


def _made_before(link: PaymentLink, form_token: str) -> list[LinkSending]:
    mine = LinkSending.vendor_id == link.vendor_id, LinkSending.mode == link.mode, LinkSending.form_token == form_token
    return list(db.session.scalars(select(LinkSending).where(*mine, LinkSending.link_id == link.id).order_by(LinkSending.id)))


def _check(vendor: Vendor, link: PaymentLink, sender: User, recipients: list[str], message: str) -> None:
    if sender.email_verified_at is None:
        raise NotSent("Confirm your own e-mail address first; then letters can go out in the business’s name.")
    if link_state(link) != "open":
        raise NotSent("This link takes no payments at the moment, so there is nothing to send.")
    if not recipients:
        raise NotSent("Enter at least one e-mail address.", field="recipients")
    if len(recipients) > MOST_AT_ONCE:
        raise NotSent(said("%(most)s addresses at a time.", most=MOST_AT_ONCE), field="recipients")
    if len(message) > MOST_MESSAGE:
        raise NotSent(said("Use %(most)s characters at most.", most=MOST_MESSAGE), field="message")
    if ADDRESS.search(message):
        raise NotSent("Leave web addresses out: mail filters distrust them, and the letter carries the link’s own.", field="message")
    sent = _sent_since(vendor, link.mode, now() - timedelta(days=1))
    if sent + len(recipients) > MOST_A_DAY:
        raise NotSent(
            said("%(most)s letters a day at most; %(sent)s went out in the last 24 hours.", most=MOST_A_DAY, sent=sent), field="recipients"
        )


def _sent_since(vendor: Vendor, mode: str, since: datetime) -> int:
    mine = LinkSending.vendor_id == vendor.id, LinkSending.mode == mode, LinkSending.created_at > since
    return int(db.session.scalar(select(func.count()).where(*mine)) or 0)


def _one(
    vendor: Vendor, link: PaymentLink, sender: User, address: str, message: str, moments: list[tuple[int, datetime]], form_token: str
) -> LinkSending:
    sending = LinkSending(
        vendor_id=vendor.id, mode=link.mode, id=uuid7(), public_id=public_id("snd"), token_id=public_id("tok"), link_id=link.id,
        link_token_id=link.token_id, form_token=form_token, recipient=address, message=message.strip(), sent_by=sender.public_id, created_at=now(),
    )  # fmt: skip
    db.session.add(sending)
    db.session.flush()
    letter = notify(vendor, "link_sent", mode=link.mode, to=address, locale=link.locale, link=link.public_id, sending=sending.public_id)
    sending.message_id = letter.id
    for number, (days, at) in enumerate(moments, 1):
        db.session.add(
            LinkReminder(
                vendor_id=vendor.id, mode=link.mode, sending_id=sending.id, number=number, days_before=days, due_at=at, state="planned"
            )
        )
    record(vendor.id, actor=sender.public_id, action="link.sent", subject=link.public_id, sending=sending.public_id)
    return sending


def deadline(vendor: Vendor, link: PaymentLink) -> datetime | None:
    """The end that reminders count back from: the morning of a request's due day, or the moment the link stops taking payments."""
    ends = [end for end in (ends_at(link),) if end]
    if link.due_on:
        ends.append(datetime.combine(link.due_on, MORNING, tzinfo=ZoneInfo(vendor.time_zone)).astimezone(UTC))
    return min(ends, default=None)


def _moments(end: datetime | None, days_before: list[int]) -> list[tuple[int, datetime]]:
    wanted = sorted(set(days_before), reverse=True)
    if not wanted:
        return []
    if len(wanted) > 2 or not set(wanted) <= set(DAYS):
        raise NotSent("Two reminders at most, each on a day of the list.", field="first_reminder")
    if end is None:
        raise NotSent(
            "This link has no end and no due day to be reminded of. Give it one first, or choose no reminder.", field="first_reminder"
        )
    moments = [(days, end - timedelta(days=days)) for days in wanted]
    if moments[0][1] <= now():
        raise NotSent("The link ends sooner than that. Choose fewer days, or no reminder.", field="first_reminder")
    return moments


def replan_reminders(vendor: Vendor, link: PaymentLink) -> None:
    """The link's end was moved: what is still planned moves with it, and is dropped when there is no end any more."""
    end = deadline(vendor, link)
    mine = select(LinkSending.id).where(
        LinkSending.vendor_id == link.vendor_id, LinkSending.mode == link.mode, LinkSending.link_id == link.id
    )
    planned = select(LinkReminder).where(
        LinkReminder.vendor_id == link.vendor_id, LinkReminder.mode == link.mode, LinkReminder.state == "planned",
        LinkReminder.sending_id.in_(mine),
    )  # fmt: skip
    for reminder in db.session.scalars(planned.with_for_update().execution_options(populate_existing=True)):
        if end is None:
            reminder.state, reminder.reason = "dropped", "the link has no end any more"
        else:
            reminder.due_at = end - timedelta(days=reminder.days_before)


def cancel_sending(sending: LinkSending, *, by: str) -> None:
    """No more letters about it: a first one that has not left yet does not leave. Its address goes on working. Safe to repeat."""
    row = locked(LinkSending, sending.vendor_id, sending.mode, sending.id)
    if row is None or row.canceled_at is not None:
        return
    row.canceled_at = now()
    mine = LinkReminder.vendor_id == row.vendor_id, LinkReminder.mode == row.mode, LinkReminder.sending_id == row.id
    db.session.execute(update(LinkReminder).where(*mine, LinkReminder.state == "planned").values(state="dropped", reason="cancelled"))
    record(row.vendor_id, actor=by, action="link.sending_canceled", subject=row.public_id)


def note_sending_opened(sending: LinkSending) -> None:
    """Somebody opened the link by this letter's address. One write in a sending's life."""
    if sending.opened_at is None:
        row = locked(LinkSending, sending.vendor_id, sending.mode, sending.id)
        if row is not None:
            row.opened_at = row.opened_at or now()


def sending_token(vendor: Vendor, link: PaymentLink, sending: LinkSending) -> str:
    """The signed text of this letter's own address; it ends when the link's own address does."""
    return make_token("sending", vendor=vendor.public_id, mode=link.mode, token_id=sending.token_id, expires_at=link.token_expires_at)


def get_sending(vendor: Vendor, mode: str, public_id: str) -> tuple[PaymentLink, LinkSending]:
    """This vendor's sending with its link; refuses with 404."""
    if is_public_id("snd", public_id):
        mine = LinkSending.vendor_id == vendor.id, LinkSending.mode == mode, LinkSending.public_id == public_id
        sending = db.session.scalar(select(LinkSending).where(*mine))
        links = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, *seen(PaymentLink))
        link = db.session.scalar(links.where(PaymentLink.id == sending.link_id)) if sending else None
        if sending and link:
            return link, sending
    raise NotFound("There is no such sending.")
