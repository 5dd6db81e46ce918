"""Members: the list, one of them with everything that happened, and what the vendor may do for them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import names_of
from core.accounts.staff import staff_names
from core.billing.models import KeptSubscription
from core.billing.price_list import list_price_lists, terms_of
from core.billing.queries import list_events
from core.billing.states import CANCELLED
from core.kernel import clock
from core.memberships import member as acts
from core.memberships.join import find_subscription
from core.memberships.leaving import Leaving, leaving
from core.memberships.lists import (
    NEVER,
    STATUSES,
    MemberFilter,
    any_members,
    counts_of,
    documents_of,
    get_member,
    list_members,
    members_sheet,
    payments_of,
)
from core.memberships.models import Member
from core.memberships.page import replace_address
from core.memberships.plans import list_plans
from core.memberships.standing import standing_of
from core.payments.saved import get_saved
from core.web.fields import Form, LineField
from core.web.filters import day, money
from core.web.guard import current, may
from core.web.languages import language, reader
from core.web.page import cursor, page, see_other
from core.web.sheet import send_sheet, titles_for
from portal.blueprint import portal
from portal.invoices import listed
from portal.plan_names import known_of
from portal.plan_words import tell_events

MOST_EVENTS = 60

WORDS = {
    "trialing": (later("In the trial"), "good"),
    "active": (later("Active"), "good"),
    "past_due": (later("Payment overdue"), "warn"),
    "suspended": (later("Paused: not paid"), "bad"),
    "cancelled": (later("Ended"), "quiet"),
    NEVER: (later("First payment not there"), "quiet"),
}


class FindForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Search"), most=254)
    plan = LineField(later("Plan"), most=40)
    status = LineField(later("State"), most=20)

    def narrow(self) -> MemberFilter:
        status = self.status.data if self.status.data in STATUSES else None
        return MemberFilter(plan=self.plan.data or None, status=status, text=self.q.data or None)


@portal.get("/portal/memberships")
@may("memberships.see")
def memberships() -> Response:
    me, form, after = current(), FindForm(request.args), cursor()
    narrow = form.narrow() if form.validate() else MemberFilter()
    found = list_members(me.vendor, me.mode, narrow, after=after)
    kept: dict[str, Any] = {name: form[name].data for name in ("q", "plan", "status") if form[name].data}
    plans = list_plans(me.vendor, me.mode)
    return page(
        "portal/memberships/index.html",
        fragment="portal/memberships/_table.html",
        form=form,
        plans=plans,
        counts=counts_of(me.vendor, me.mode),
        rows=[(member, row, WORDS[word_of(member, row)], paid_until(member, row)) for member, row in found.rows],
        names={plan.code: plan.name for plan in plans},
        statuses=[("", _("Every state")), *((code, WORDS[code][0]) for code in STATUSES)],
        kept=kept,
        any=bool(found.rows) or any_members(me.vendor, me.mode),
        newest=url_for(".memberships", **kept) if after else None,
        older=url_for(".memberships", after=found.next, **kept) if found.next else None,
    )


def word_of(member: Member, row: KeptSubscription) -> str:
    """The state as it is called here: what never began is not ended either."""
    return row.status if member.began_at is not None else NEVER


@portal.get("/portal/memberships.csv")
@may("payments.export")
def members_file() -> Response:
    me, form = current(), FindForm(request.args)
    narrow = form.narrow() if form.validate() else MemberFilter()
    sheet = members_sheet(me.vendor, me.mode, narrow, titles=titles_for(language()))
    return send_sheet(sheet, f"members-{me.mode}-{clock.now():%Y-%m-%d}")


@portal.get("/portal/memberships/<public_id>")
@may("memberships.see")
def membership(public_id: str) -> Response:
    return _show(_get(public_id))


@portal.post("/portal/memberships/<public_id>/cancel")
@may("memberships.cancel")
def cancel_membership(public_id: str) -> Response:
    """At the period's end, or tonight when that was pressed."""
    me, at_once = current(), request.form.get("when") == "now"
    acts.cancel(me.vendor, _get(public_id), at_once=at_once, by=me.user.public_id)
    flash(_("It ends tonight.") if at_once else _("It ends with the month that is paid."), "good")
    return see_other(url_for(".membership", public_id=public_id))


@portal.post("/portal/memberships/<public_id>/keep")
@may("memberships.cancel")
def keep_membership(public_id: str) -> Response:
    me = current()
    acts.keep(me.vendor, _get(public_id), by=me.user.public_id)
    flash(_("Taken back: the membership goes on."), "good")
    return see_other(url_for(".membership", public_id=public_id))


@portal.post("/portal/memberships/<public_id>/address")
@may("memberships.cancel")
def replace_member_address(public_id: str) -> Response:
    me = current()
    replace_address(me.vendor, _get(public_id), by=me.user.public_id)
    flash(_("The old address opens nothing any more. The new one is on its way to the member."), "good")
    return see_other(url_for(".membership", public_id=public_id))


def _get(public_id: str) -> Member:
    me = current()
    return get_member(me.vendor, me.mode, public_id)


def leave_words(left: Leaving) -> str:
    """What cancelling means for the member: the last day, and every sum."""
    said = [_("%(day)s is the last day.", day=day(left.last))]
    if left.charged:
        said.append(_("%(amount)s is charged a last time.", amount=money(left.charged)))
    if left.owed:
        said.append(_("%(amount)s stays open, for the days that were used; the card is not asked for it again.", amount=money(left.owed)))
    if left.balance:
        said.append(_("%(amount)s is then on the member’s balance.", amount=money(left.balance)))
    return " ".join(said)


def paid_until(member: Member, row: KeptSubscription) -> date | None:
    """The last day that is paid for, or free; None where nothing is."""
    return row.period_end - timedelta(days=1) if member.began_at and row.status in ("active", "trialing") else None


def _show(member: Member) -> Response:
    me, row = current(), find_subscription(member)
    assert row is not None, "who has joined has a subscription"
    found = standing_of(me.vendor, member)
    card = get_saved(me.vendor, me.mode, found.card) if found.card else None
    documents = documents_of(me.vendor, row)
    known = known_of(
        [terms_of(each) for each in reversed(list_price_lists(me.vendor, me.mode))],
        documents,
        {**names_of(me.vendor), **staff_names(), "payer": _("The member")},
    )
    living = row.status != CANCELLED and not found.ends
    return page(
        "portal/memberships/show.html",
        member=member,
        found=found,
        word=WORDS[word_of(member, row)],
        names={plan.code: plan.name for plan in list_plans(me.vendor, me.mode)},
        card_words=reader().card_ending(card.brand, card.last4) if card else None,
        documents=listed(documents),
        payments=payments_of(me.vendor, row),
        trail=tell_events(list_events(me.vendor, row)[-MOST_EVENTS:], known),
        leave=leave_words(leaving(row)) if living else "",
        leave_now=leave_words(leaving(row, at_once=True)) if living else "",
    )
