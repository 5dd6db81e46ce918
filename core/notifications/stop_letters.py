"""The reader of a letter has it stopped by one press, without signing in: what they did not ask for, or what they can choose not to get."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.accounts.models import Membership, User, Vendor
from core.accounts.queries import find_vendor
from core.kernel.audit import record
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.signing import Claims, TokenRefused, make_token, read_token
from core.notifications.daily import choose_manner, manner_of
from core.notifications.mail_stops import find_stop, stop_unwanted, want_again
from core.notifications.models import Message
from core.notifications.notify import UNASKED
from core.notifications.queries import get_message
from core.notifications.scheduled import KIND as REPORT
from core.notifications.scheduled import end_schedule, schedule_of
from core.notifications.team import BUSINESS, OPTIONAL, Choice, choices_of, choose

GOOD_FOR = timedelta(days=5 * 365)  # people find old letters
DAILY = "daily_news"


def stopping_token(vendor: Vendor, message: Message) -> str:
    """What stands in the letter's headers: it opens only the page on which letters like this one are stopped."""
    ends = message.created_at + GOOD_FOR
    return make_token("letters", vendor=vendor.public_id, mode=message.mode, token_id=message.public_id, expires_at=ends)


def open_stopping(token: str) -> tuple[Vendor, Message]:
    """Whose letter it was. Refuses a token that is none of ours, and a letter that nobody can have stopped."""
    claims = read_token("letters", token)
    vendor = find_vendor(claims.vendor)
    message = _message(vendor, claims) if vendor else None
    if vendor is None or message is None or message.kind not in OPTIONAL:
        raise TokenRefused("revoked", claims)
    return vendor, message


def standing_of_stopping(vendor: Vendor, claims: Claims) -> str:
    """For whoever asks whether it is genuine."""
    return "genuine" if _message(vendor, claims) else "revoked"


def is_stopped(vendor: Vendor, message: Message) -> bool:
    """Whether no more of these go to the letter's reader."""
    if message.kind in UNASKED:
        stop = find_stop(vendor, message.mode, message.recipient)
        return stop is not None and stop.unwanted_at is not None
    if message.kind == REPORT:
        return schedule_of(vendor, message) is None
    return not any(_kinds(vendor, message, reader) for reader in _readers(vendor, message))


def stop_letters(vendor: Vendor, message: Message) -> None:
    """No more of these to this reader. Pressed twice, it is the same; news in the portal stays."""
    if is_stopped(vendor, message):
        return
    record(vendor.id, actor="system", action="letters.stopped", subject=message.public_id, mode=message.mode)
    if message.kind in UNASKED:
        stop_unwanted(message, by="reader")
        return
    if message.kind == REPORT:
        if (order := schedule_of(vendor, message)) is not None:
            end_schedule(vendor, message.mode, order.public_id, person=order.person, by="system")
        return
    for reader in _readers(vendor, message):
        now_chosen = choices_of(vendor, message.mode, reader)
        choose(vendor, message.mode, reader, {kind: Choice(now_chosen[kind].shown) for kind in _kinds(vendor, message, reader)})
        if reader != BUSINESS:
            choose_manner(vendor, message.mode, reader, manner_of(vendor, message.mode, reader))


def let_them_write(vendor: Vendor, message: Message) -> None:
    """The reader of a letter in the vendor's name takes that back; one of its people does so in their settings."""
    if message.kind in UNASKED and is_stopped(vendor, message):
        want_again(vendor, message.mode, message.recipient)
        record(vendor.id, actor="system", action="letters.wanted_again", subject=message.public_id, mode=message.mode)


def _message(vendor: Vendor, claims: Claims) -> Message | None:
    try:
        return get_message(vendor, claims.mode, claims.token_id)
    except NotFound:
        return None


def _readers(vendor: Vendor, message: Message) -> list[str]:
    """Who reads what goes to that address: people of the business, and the business itself where it is its own."""
    team = select(User.public_id).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == vendor.id)
    people = list(db.session.scalars(team.where(User.email == message.recipient)))
    own = [BUSINESS] if message.recipient == vendor.support_email and message.kind != DAILY else []
    return people + own


def _kinds(vendor: Vendor, message: Message, reader: str) -> list[str]:
    """What of theirs such a letter would bring: its own kind, or everything in the letter of the day."""
    chosen = choices_of(vendor, message.mode, reader)
    if message.kind == DAILY:
        return [kind for kind, choice in chosen.items() if choice.mailed and choice.daily]
    return [message.kind] if chosen[message.kind].mailed and not chosen[message.kind].daily else []
