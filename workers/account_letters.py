"""What letters to a vendor's own people are made of: links that prove who they are, news, invitations, files, alarms, listings."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.accounts.api_keys import counts, get_key
from core.accounts.invite import find_invitation, invitation_token
from core.accounts.models import EmailLink, User, Vendor
from core.accounts.one_time_codes import codes_left
from core.accounts.passkey_proof import list_passkeys
from core.accounts.pay_domain_models import LOST
from core.accounts.pay_domains import get_pay_domain
from core.closing.close import closing_token, find_closing
from core.closing.models import Closing
from core.closing.states import CAN_BE_TAKEN_BACK
from core.directory.edits import get_edit
from core.directory.queries import get_listing
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.signing import make_token
from core.notifications.daily import count_news, list_news
from core.notifications.models import Message, Notice
from core.notifications.notices import OF_PLAN
from core.notifications.words import TITLES
from core.payments.export_shelf import export_state, export_token, get_export
from core.payments.figures import takings_between
from core.payments.queries import payments_named
from core.risk.attack import find_attack
from core.subscriptions.news import read_news
from core.web import addresses
from core.web.reader import Reader
from workers import plan_letters
from workers.letter import Facts, Gather, NoLongerTrue, TooLate


def account_link(address: Callable[[str], str]) -> Gather:
    """An address that is good for one use, as long as it is."""

    def gather(vendor: Vendor, message: Message) -> Facts:
        link = db.session.get(EmailLink, message.params["token"])
        if link is None or link.used_at:
            raise NoLongerTrue("the link in this message no longer works, because it was used or a newer one replaced it")
        if link.expires_at <= now():
            raise TooLate("the time of the link in this message was over before it could be sent")
        token = make_token(link.purpose, vendor=vendor.public_id, mode=message.mode, token_id=link.token_id, expires_at=link.expires_at)
        return {"email": link.email, "action_url": address(token), "expires_at": link.expires_at}

    return gather


def password_changed(vendor: Vendor, message: Message) -> Facts:
    person = db.session.query(User).filter_by(public_id=message.params["user"]).one()
    facts = {"email": person.email, "changed_at": message.created_at, "action_url": addresses.password_reset()}
    return facts | {"passkeys": list_passkeys(person), "passkeys_url": addresses.two_step()}


def second_step(vendor: Vendor, message: Message) -> Facts:
    person = db.session.query(User).filter_by(public_id=message.params["user"]).one()
    facts = {"email": person.email, "what": message.params["what"], "changed_at": message.created_at, "left": codes_left(person)}
    return facts | {"action_url": addresses.password_reset()}


def daily_news(vendor: Vendor, message: Message) -> Facts:
    """What has happened since the last one, newest first."""
    said = {name: uuid.UUID(message.params[name]) for name in ("after", "until")}
    news = list_news(vendor, message.mode, message.params["user"], **said)
    if not news:
        raise NoLongerTrue("they do not want to hear of any of it by e-mail any more")
    payments = payments_named(vendor, message.mode, {one.about for one in news})
    reader = Reader(message.locale, vendor.time_zone)
    rows = [
        (plan_letters.say(TITLES[one.kind][0], reader), one, payments.get(one.about), _page_of(vendor, one))
        for one in news
        if one.kind not in OF_PLAN
    ]
    plans = [plan_letters.spoken(read_news(one.detail), reader) for one in news if one.kind in OF_PLAN]
    counted = count_news(vendor, message.mode, message.params["user"], **said)
    count = sum(counted.values())
    return {
        "practice": message.mode == "test", "rows": rows, "plans": plans, "count": count, "more": count - len(news),
        "came_in": _came_in(vendor, message), "plan_url": addresses.portal_plan(message.mode, vendor), "action_url": addresses.notices(message.mode, vendor),
        "preferences_url": addresses.preferences(message.mode, vendor),
    }  # fmt: skip


def _came_in(vendor: Vendor, message: Message) -> Facts | None:
    """What the home page of the portal says of the same days, with the page that explains each figure; None before the first of them is over."""
    first, last = (date.fromisoformat(message.params[name]) for name in ("first", "last"))
    if first > last:
        return None
    since, until = (datetime.combine(day, time(), tzinfo=ZoneInfo(vendor.time_zone)) for day in (first, last + timedelta(days=1)))
    taken = takings_between(vendor, message.mode, since.astimezone(UTC), until.astimezone(UTC))
    rows = [
        (taken[code][0], taken[code][1], addresses.why_taken(first.isoformat(), last.isoformat(), code, message.mode, vendor))
        for code in sorted(taken, key=lambda code: (code != vendor.currency, code))
    ]
    return {"first": first, "last": last, "taken": rows}


def _page_of(vendor: Vendor, notice: Notice) -> str:
    """The page about it; the list of notices for what has none of its own."""
    if notice.detail.get("claim"):
        return addresses.portal_claim(notice.detail["claim"], notice.mode, vendor)
    pages = {"pay": addresses.portal_payment, "po": addresses.portal_payout, "dp": addresses.portal_dispute, "lst": addresses.portal_listing,
             "msg": addresses.portal_message, "key": addresses.portal_key, "pdm": lambda _, __, of: addresses.portal_pay_domains(of)}  # fmt: skip
    page = pages.get(notice.about.partition("_")[0])
    return page(notice.about, notice.mode, vendor) if page else addresses.notices(notice.mode, vendor)


def invitation(vendor: Vendor, message: Message) -> Facts:
    invitation = find_invitation(vendor, message.params["invitation"])
    if invitation is None or invitation.ended_at or invitation.email != message.recipient:
        raise NoLongerTrue("the invitation was taken back or accepted")
    if invitation.expires_at <= now():
        raise TooLate("the invitation ran out before it could be sent")
    return {"invitation": invitation, "action_url": addresses.invitation(invitation_token(vendor, invitation))}


def export_file(vendor: Vendor, message: Message) -> Facts:
    """A file that is ready leads to it, as long as it is kept; one that failed to the list, where it can be asked for again."""
    export, wanted = get_export(vendor, message.mode, message.params["export"]), message.kind.removeprefix("export_")
    if (state := export_state(export)) != wanted:
        raise (TooLate if state == "expired" else NoLongerTrue)(f"the export is {state} by now")
    address = addresses.export(export_token(vendor, export)) if wanted == "ready" else addresses.portal_exports(message.mode, vendor)
    return {"export": export, "practice": export.mode == "test", "action_url": address}


def attack_mode(vendor: Vendor, message: Message) -> Facts:
    """Only while it is on: whoever reads it later would look for something that is over."""
    attack = find_attack(vendor.id, message.mode)
    if attack is None:
        raise NoLongerTrue("attack mode is off by now")
    return {"attack": attack, "practice": message.mode == "test", "action_url": addresses.portal_protection(message.mode, vendor)}


def key_leaked(vendor: Vendor, message: Message) -> Facts:
    """True for good: a key that was revoked stays so."""
    key = get_key(vendor, message.mode, message.params["key"])
    return {"key": key, "practice": key.mode == "test", "action_url": addresses.portal_key(key.public_id, key.mode, vendor)}


def key_news(vendor: Vendor, message: Message) -> Facts:
    """Only while the key still counts: of one that is revoked or rolled there is nothing left to do."""
    key = get_key(vendor, message.mode, message.params["key"])
    if not counts(key) or key.replaced_by:
        raise NoLongerTrue("the key counts no more, or was rolled")
    facts = {"key": key, "what": message.params["what"], "address": message.params["address"], "ends_at": key.expires_at}
    return facts | {"practice": key.mode == "test", "action_url": addresses.portal_key(key.public_id, key.mode, vendor)}


def app_token_reused(vendor: Vendor, message: Message) -> Facts:
    """True for good: an app that was signed out stays so."""
    person = db.session.query(User).filter_by(public_id=message.params["user"]).one()
    facts = {"app": message.params["app"], "email": person.email, "at": message.created_at}
    return facts | {"action_url": addresses.portal_audit_log(vendor)}


def pay_domain_lost(vendor: Vendor, message: Message) -> Facts:
    """Only while it is lost: not of one that was removed, or has been proved again."""
    try:
        domain = get_pay_domain(vendor, message.params["domain"])
    except NotFound:
        raise NoLongerTrue("the host name was removed") from None
    if domain.state != LOST:
        raise NoLongerTrue(f"the host name is {domain.state} by now")
    return {"host": domain.host, "lost_at": message.created_at, "action_url": addresses.portal_pay_domains(vendor)}


def listing_in(*states: str) -> Gather:
    """Only while the listing still stands as the letter says."""

    def gather(vendor: Vendor, message: Message) -> Facts:
        listing = get_listing(vendor, message.mode, message.params["listing"])
        if listing.state not in states:
            raise NoLongerTrue(f"the listing is {listing.state} by now")
        return {
            "listing": listing,
            "practice": listing.mode == "test",
            "action_url": addresses.portal_listing(listing.public_id, listing.mode, vendor),
        }

    return gather


def listing_edit(vendor: Vendor, message: Message) -> Facts:
    """What was decided, as long as it is that; an edit that its vendor went on with has another letter to come."""
    listing, edit = get_listing(vendor, message.mode, message.params["listing"]), get_edit(message.params["edit"])
    if edit.vendor_id != vendor.id or edit.state not in ("approved", "changes_asked", "rejected"):
        raise NoLongerTrue(f"the edit is {edit.state} by now")
    return {
        "listing": listing, "state": edit.state, "reason": edit.reason, "practice": listing.mode == "test",
        "action_url": addresses.portal_listing(listing.public_id, listing.mode, vendor),
    }  # fmt: skip


def closing_asked(vendor: Vendor, message: Message) -> Facts:
    """With the way back, as long as there is one."""
    row = _closing(vendor, message)
    if row.state not in CAN_BE_TAKEN_BACK:
        raise NoLongerTrue(f"the closing is {row.state} by now")
    return {"closing": row, "action_url": addresses.closing(closing_token(vendor, row))}


def closing_done(vendor: Vendor, message: Message) -> Facts:
    """Receipts of it can still be shown to us."""
    return {"closing": _closing(vendor, message), "action_url": addresses.verify()}


def _closing(vendor: Vendor, message: Message) -> Closing:
    row = find_closing(vendor, message.mode, message.params["closing"])
    if row is None:
        raise NoLongerTrue("there is no such closing")
    return row
