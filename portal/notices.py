"""Notices: what happened, for the person who is signed in, with what they have read; and the bell's count on every page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, flash, request, url_for
from flask_babel import gettext as _

from core.directory.models import Listing
from core.directory.queries import listings_named
from core.kernel.errors import NotFound
from core.notifications.daily import manner_of
from core.notifications.notices import MOST_COUNTED, OF_PLAN, SHOWN, Told, count_unread, get_notice, list_notices, read_all, read_notice
from core.payments.models import Payment
from core.payments.queries import payments_named
from core.subscriptions.news import read_news
from core.subscriptions.plan_words import WORDS as PLAN_WORDS
from core.web.filters import money
from core.web.guard import current, find_current, may
from core.web.languages import written
from core.web.page import cursor, page, see_other
from portal.blueprint import portal

PLAN_PAGE = "/portal/plan"


@dataclass(frozen=True)
class Line:
    """One notice in words."""

    public_id: str
    title: str
    text: str
    tone: str
    told: Told


def words() -> dict[str, tuple[str, str]]:
    """What each kind of news is called, and its tone."""
    return {
        "key_leaked": (_("An API key was found where it should not be, and is revoked"), "bad"),
        "attack_mode": (_("Attack mode is on: somebody may be testing cards"), "bad"),
        "unexpected_money": (_("Money arrived that was not expected"), "bad"),
        "refund_failed": (_("A refund did not go through"), "bad"),
        "dispute_opened": (_("A payment is disputed, or its bank asks about it"), "bad"),
        "dispute_due": (_("A dispute waits for your answer"), "bad"),
        "dispute_to_accept": (_("A small dispute will be given in, unless you stop it"), "warn"),
        "dispute_message": (_("The platform’s staff wrote to you about a dispute"), "warn"),
        "dispute_answered_for": (_("The platform’s staff answered a dispute for you"), "warn"),
        "dispute_decided": (_("A dispute is decided"), "quiet"),
        "payout_failed": (_("A payout did not arrive"), "bad"),
        "reserve_changed": (_("What is kept in reserve of your sales has changed"), "warn"),
        "application_news": (_("News of your way into live mode"), "warn"),
        "stop_begun": (_("The platform’s staff have stopped something"), "bad"),
        "stop_ended": (_("Something that was stopped goes on again"), "good"),
        "payout_paid": (_("A payout has left for your bank"), "good"),
        "payout_account": (_("The bank account for payouts was changed"), "warn"),
        "webhook_stopped": (_("A webhook was switched off: it took nothing any more"), "bad"),
        "transfer_decision": (_("A bank transfer needs your decision"), "warn"),
        "transfer_taken_back": (_("The bank took a transfer back"), "bad"),
        "refund_not_booked": (_("The processor tells of a refund that does not fit"), "bad"),
        "refund_outside": (_("Refunded at the processor, not from here"), "quiet"),
        "review_ended": (_("A payment was not accepted after a check"), "warn"),
        "discount_beyond": (_("A discount code was used more often than it may with one card"), "warn"),
        "problem_reported": (_("A payer reports a problem"), "warn"),
        "payment_received": (_("Payment received"), "good"),
        "refund_sent": (_("A refund reached the payer"), "quiet"),
        "listing_withdrawn": (_("The staff took a listing out of the directory"), "bad"),
        "listing_edit_decided": (_("The staff have read your changes of a listing"), "warn"),
        "listing_restored": (_("A listing is in the directory again"), "good"),
        "fee_changed": (_("The platform’s fee for your payments changes"), "warn"),
        "plan_urgent": (_("Your plan: a charge failed, or something stops"), "bad"),
        "plan_news": (_("Your plan: changes, limits, prices and reminders"), "quiet"),
    }


def _line(told: Told, payments: dict[str, Payment], listings: dict[str, Listing]) -> Line:
    if told.notice.kind in OF_PLAN:
        news = read_news(told.notice.detail)
        said = PLAN_WORDS[news.kind](news)
        return Line(told.notice.public_id, written(said.title), written(said.says[0]), said.tone, told)
    title, tone = words().get(told.notice.kind, (told.notice.kind.replace("_", " ").capitalize(), "quiet"))
    payment = payments.get(told.notice.about)
    text = (
        f"{money(payment.amount)} · {payment.description} · {payment.email or payment.payer_name or payment.reference}" if payment else ""
    )
    if listing := listings.get(told.notice.about):
        text = f"{listing.title} · {listing.reason}" if listing.reason else listing.title
    return Line(told.notice.public_id, title, text, tone, told)


@portal.get("/portal/notices")
@may("home.see")
def notices() -> Response:
    me, after, kind = current(), cursor(), request.args.get("kind") or None
    if kind is not None and kind not in SHOWN:
        raise NotFound
    found = list_notices(me.vendor, me.mode, me.user, kind=kind, after=after)
    about = {told.notice.about for told in found.rows}
    payments, listings = payments_named(me.vendor, me.mode, about), listings_named(me.vendor, me.mode, about)
    return page(
        "portal/notices/index.html",
        lines=[_line(told, payments, listings) for told in found.rows],
        kind=kind,
        kinds=words(),
        muted=manner_of(me.vendor, me.mode, me.user.public_id).muted,
        newest=url_for(".notices", kind=kind) if after else None,
        older=url_for(".notices", after=found.next, kind=kind) if found.next else None,
    )


@portal.post("/portal/notices/<public_id>/open")
@may("home.see")
def open_notice(public_id: str) -> Response:
    """Read it, and go to what it is about."""
    me = current()
    notice = get_notice(me.vendor, me.mode, public_id)
    read_notice(me.vendor, me.mode, me.user, notice)
    if notice.kind in OF_PLAN:
        return see_other(PLAN_PAGE)
    if notice.kind == "fee_changed":
        return see_other(url_for(".settings_page"))
    if notice.kind == "application_news":
        return see_other(url_for(".application"))
    if notice.kind.startswith("stop_"):
        return see_other(url_for(".stops"))
    if notice.kind.startswith("payout_"):
        return see_other(url_for(".payouts") if notice.kind == "payout_account" else url_for(".payout", number=notice.about))
    if notice.kind == "reserve_changed":
        return see_other(url_for(".reserve"))
    if notice.kind.startswith("dispute_"):
        return see_other(url_for(".dispute", number=notice.about))
    if notice.kind == "key_leaked":
        return see_other(url_for(".key", public_id=notice.about))
    if notice.kind == "webhook_stopped":
        return see_other(url_for(".webhook", number=notice.about))
    if notice.kind == "attack_mode":
        return see_other(url_for(".protection"))
    where = ".listing" if notice.about.startswith("lst_") else ".payment"
    return see_other(url_for(where, public_id=notice.about))


@portal.post("/portal/notices/read")
@may("home.see")
def mark_all_read() -> Response:
    me = current()
    read_all(me.vendor, me.mode, me.user)
    flash(_("Everything counts as read."), "good")
    return see_other(url_for(".notices"))


def unread() -> str:
    """The number on the bell: nothing for none, 99+ for very many."""
    me = find_current()
    count = count_unread(me.vendor, me.mode, me.user) if me else 0
    return "" if not count else "99+" if count >= MOST_COUNTED else str(count)


def install(app: Flask) -> None:
    app.jinja_env.globals["unread_notices"] = unread
