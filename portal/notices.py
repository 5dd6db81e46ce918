"""Notices: what happened, for the person who is signed in, with what they have read; and the bell's count on every page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, flash, jsonify, request, url_for
from flask_babel import gettext as _

from core.directory.models import Listing
from core.directory.queries import listings_named
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.notifications.daily import manner_of
from core.notifications.models import Message, Notice
from core.notifications.notices import (
    MOST_COUNTED,
    OF_PLAN,
    SHOWN,
    THE_START,
    Told,
    count_unread,
    get_notice,
    list_news,
    list_notices,
    read_all,
    read_notice,
)
from core.notifications.queries import messages_named
from core.notifications.words import TITLES
from core.payments.models import Payment
from core.payments.queries import payments_named
from core.subscriptions.news import read_news
from core.subscriptions.plan_words import WORDS as PLAN_WORDS
from core.web.filters import money
from core.web.guard import current, find_current, may, unattended
from core.web.languages import written
from core.web.page import cursor, page, see_other
from portal.blueprint import portal

PLAN_PAGE = "/portal/plan"
NEWS_EVERY = 60  # seconds
# News of another sum than the payment's: where a notice of before did not keep it, none is said rather than a wrong one.
OF_ANOTHER_SUM = frozenset({
    "refund_claimed", "refund_sent", "refund_failed", "refund_outside", "refund_not_booked", "unexpected_money", "transfer_decision", "transfer_taken_back",
})  # fmt: skip
# Where a notice leads that is about no single thing, by its kind; and one that is, by the beginning of that thing's number.
PLACES = {
    "fee_changed": ".settings_page", "application_news": ".application", "stop_planned": ".stops", "stop_begun": ".stops", "stop_ended": ".stops", "payout_account": ".payouts",
    "reserve_changed": ".reserve", "attack_mode": ".protection", "pay_domain_lost": ".pay_domains", "app_token_reused": ".audit_log",
    "debt_repaid": ".balance_page", "debt_repayment_taken_back": ".balance_page",
}  # fmt: skip
NUMBERED = {
    "msg": (".message", "public_id"), "po": (".payout", "number"), "dp": (".dispute", "number"), "key": (".key", "public_id"),
    "whe": (".webhook", "number"), "lst": (".listing", "public_id"),
}  # fmt: skip


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
    return {kind: (written(title), tone) for kind, (title, tone) in TITLES.items()}


def _line(told: Told, payments: dict[str, Payment], listings: dict[str, Listing], letters: dict[str, Message]) -> Line:
    if told.notice.kind in OF_PLAN:
        news = read_news(told.notice.detail)
        said = PLAN_WORDS[news.kind](news)
        return Line(told.notice.public_id, written(said.title), written(said.says[0]), said.tone, told)
    title, tone = words().get(told.notice.kind, (told.notice.kind.replace("_", " ").capitalize(), "quiet"))
    payment = payments.get(told.notice.about)
    text = _of_payment(told.notice, payment) if payment else ""
    if listing := listings.get(told.notice.about):
        text = f"{listing.title} · {listing.reason}" if listing.reason else listing.title
    if letter := letters.get(told.notice.about):
        text = " · ".join(filter(None, (letter.recipient, letter.subject)))
    return Line(told.notice.public_id, title, text, tone, told)


def _of_payment(notice: Notice, payment: Payment) -> str:
    """The sum the news is of, what was paid for, and by whom; and whether what was asked to be decided has been."""
    sum_of_it = _sum_of(notice, payment)
    said = [money(sum_of_it) if sum_of_it else "", payment.description, payment.email or payment.payer_name or payment.reference]
    decided = notice.kind == "transfer_decision" and not payment.unapplied
    return " · ".join(filter(None, (*said, _("decided") if decided else "")))


def _sum_of(notice: Notice, payment: Payment) -> Money | None:
    kept = notice.detail
    if "amount_minor" in kept:
        return Money(kept["amount_minor"], kept["currency"])
    if notice.kind in OF_ANOTHER_SUM:
        return None
    return payment.captured if notice.kind == "payment_received" and payment.captured else payment.amount


@portal.get("/portal/notices")
@may("home.see")
def notices() -> Response:
    me, after, kind = current(), cursor(), request.args.get("kind") or None
    if kind is not None and kind not in SHOWN:
        raise NotFound
    found = list_notices(me.vendor, me.mode, me.user, kind=kind, after=after)
    about = {told.notice.about for told in found.rows}
    named = [of(me.vendor, me.mode, about) for of in (payments_named, listings_named, messages_named)]
    return page(
        "portal/notices/index.html",
        lines=[_line(told, *named) for told in found.rows],
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
    return see_other(_place(notice))


def _place(notice: Notice) -> str:
    """The page of what it is about: of its kind, of the refund link it names, or else of whatever its number is one of."""
    if notice.kind in OF_PLAN:
        return PLAN_PAGE
    if notice.kind in PLACES:
        return url_for(PLACES[notice.kind])
    if claim := notice.detail.get("claim"):
        return url_for(".refund_link", number=claim)
    view, name = NUMBERED.get(notice.about.partition("_")[0], (".payment", "public_id"))
    return url_for(view, **{name: notice.about})


@portal.post("/portal/notices/read")
@may("home.see")
def mark_all_read() -> Response:
    me = current()
    read_all(me.vendor, me.mode, me.user)
    flash(_("Everything counts as read."), "good")
    return see_other(url_for(".notices"))


@portal.get("/portal/notices/news")
@unattended
@may("home.see")
def news() -> Response:
    """For a page that stays open: the number on the bell, and what has come since the notice it knew last. Nothing about who paid what: it is
    shown on whatever screen the browser stands on."""
    me, since = current(), request.args.get("since", "")
    found = list_news(me.vendor, me.mode, me.user, since=since)
    said = [{"id": one.public_id, "title": _line(Told(one, False), {}, {}, {}).title} for one in found] if since else []
    return jsonify(unread=unread(), newest=found[0].public_id if found else since or THE_START, news=said)


def news_every() -> int:
    """How many seconds an open page waits before it asks again."""
    return NEWS_EVERY


def unread() -> str:
    """The number on the bell: nothing for none, 99+ for very many."""
    me = find_current()
    count = count_unread(me.vendor, me.mode, me.user) if me and not me.limited else 0
    return "" if not count else "99+" if count >= MOST_COUNTED else str(count)


def install(app: Flask) -> None:
    app.jinja_env.globals.update(unread_notices=unread, news_every=news_every)
