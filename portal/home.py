"""The start page for strangers, and the home of a vendor: what to do, what came in, what is released next, the latest payments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Response, request, url_for
from flask_babel import gettext as _

from core.admission.stops import active_stops, announced_stops
from core.kernel.config import settings
from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.figures import DayTaken, ends_since, next_releases, takings_by_day
from core.payments.lists import list_payments
from core.payments.queries import milestones
from core.web.guard import current, find_current, may, public
from core.web.page import page
from core.web.stop_words import announced, effect, stopped
from portal.balance import summarise
from portal.blueprint import portal
from portal.branch_choices import branch_words
from portal.charts import Bars, bars, days_of, per_cent, shares
from portal.days import beginning, today
from portal.live import what_live_needs
from portal.purses import next_payout, own_purse
from portal.tasks import open_tasks

CHART_DAYS = 30


@portal.get("/")
@public
def landing() -> Response:
    return page("portal/home/landing.html", me=find_current(), demo=_demo(), example=Money(4500, "GBP"))


@dataclass(frozen=True)
class Demo:
    """What a visitor of the demo may try: the payment link, the people to sign in as, the card that works."""

    payment_link: str | None = None
    card: str | None = None
    people: tuple[dict[str, str], ...] = ()


def _demo() -> Demo:
    """Read from the file that filling in the demo leaves behind; nothing outside a demo."""
    if not settings().demo:
        return Demo()
    try:
        kept = json.loads((settings().var / "demo.json").read_text("utf-8"))
        people = tuple(
            {"note": p.get("note") or _("Sign in as"), "email": p["email"], "password": p["password"]} for p in kept.get("sign_ins", [])
        )
        return Demo(kept.get("payment_link"), kept.get("card"), people)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Demo()


@portal.get("/portal/")
@may("home.see")
def home() -> Response:
    me, last = current(), today()
    if me.limited:
        latest = list_payments(me.vendor, me.mode, limit=6).rows if me.may("payments.see") else []
        return page("portal/home/limited.html", branches=me.branches, words=branch_words, latest=latest)
    first = last - timedelta(days=CHART_DAYS - 1)
    taken = takings_by_day(me.vendor, me.mode, beginning(first - timedelta(days=CHART_DAYS)))
    code = _currency(taken)
    found = balances(me.vendor, me.mode)
    purse = own_purse() if me.may("balance.see") else None
    return page(
        "portal/home/home.html",
        latest=list_payments(me.vendor, me.mode, limit=6).rows,
        steps=_steps(milestones(me.vendor, me.mode)),
        tasks=open_tasks(found),
        stops=active_stops(me.vendor, me.mode),
        coming_stops=announced_stops(me.vendor, me.mode),
        stopped=stopped,
        announced=announced,
        effect=effect,
        spans=[
            _span(taken, last, days, title) for days, title in ((1, _("Today")), (7, _("Last 7 days")), (CHART_DAYS, _("Last 30 days")))
        ],
        before=_sum(taken, code, first - timedelta(days=CHART_DAYS), first - timedelta(days=1)),
        chart=_chart(taken, code, first, last),
        codes=sorted({row.amount.currency for row in taken} | {me.vendor.currency}),
        success=_success(first, last),
        release=_release(),
        purse=purse,
        next_payout=next_payout(purse) if purse else _("Nothing is paid out in %(currency)s.", currency=me.vendor.currency),
        books=summarise(found, me.vendor.currency),
    )


@dataclass(frozen=True)
class Span:
    """What came in over some days: for each currency how many payments and how much, the vendor's own first."""

    title: str
    rows: list[tuple[int, Money]]
    href: str

    @property
    def count(self) -> int:
        return sum(count for count, _ in self.rows)


def _span(taken: list[DayTaken], last: date, days: int, title: str) -> Span:
    """The vendor's own currency is shown also when nothing came in."""
    own, first = current().vendor.currency, last - timedelta(days=days - 1)
    rows = []
    for code in [own, *sorted({row.amount.currency for row in taken} - {own})]:
        mine = [row for row in taken if row.amount.currency == code and first <= row.day <= last]
        if mine or code == own:
            rows.append((sum(row.count for row in mine), _sum(mine, code, first, last)))
    return Span(title, rows, _why_taken(first, last, own))


def _sum(taken: list[DayTaken], code: str, first: date, last: date) -> Money:
    total = Money(0, code)
    for row in taken:
        if row.amount.currency == code and first <= row.day <= last:
            total = total + row.amount
    return total


def _why_taken(first: date, last: date, code: str) -> str:
    return url_for("portal.why_taken", since=first.isoformat(), until=last.isoformat(), currency=code)


def _currency(taken: list[DayTaken]) -> str:
    """Which currency the chart is in: the one asked for, else the vendor's own, else one in which money came."""
    asked, own = request.args.get("currency", ""), current().vendor.currency
    if len(asked) == 3 and is_currency(asked):
        return asked
    seen = sorted({row.amount.currency for row in taken})
    return own if own in seen or not seen else seen[0]


def _chart(taken: list[DayTaken], code: str, first: date, last: date) -> Bars:
    known = {row.day: row for row in taken if row.amount.currency == code}
    none = Money(0, code)
    return bars(
        [
            (day, known[day].amount if day in known else none, known[day].count if day in known else 0, _why_taken(day, day, code))
            for day in days_of(first, last)
        ],
        code,
    )


def _success(first: date, last: date) -> dict[str, object]:
    """Of the payments that ended: how many were paid, as a rate and as parts of a band."""
    me = current()
    ends = ends_since(me.vendor, me.mode, beginning(first))
    listed = {state: url_for("portal.payments", status=state, since=first.isoformat(), until=last.isoformat()) for state in ends}
    names = {
        "succeeded": (_("Paid"), "good"), "requires_method": (_("Declined"), "bad"), "canceled": (_("Cancelled"), "warn"),
        "expired": (_("Left unfinished"), "quiet"),
    }  # fmt: skip
    parts = shares([(*names[state], count, listed[state]) for state, count in ends.items()])
    total = sum(ends.values())
    why = url_for("portal.why_success", since=first.isoformat(), until=last.isoformat())
    return {"rate": per_cent(ends["succeeded"], total), "paid": ends["succeeded"], "total": total, "parts": parts, "href": why}


def _release() -> dict[str, object] | None:
    """The next day on which money becomes available, and what comes after it."""
    me = current()
    if not me.may("balance.see"):
        return None
    waiting = next_releases(me.vendor, me.mode)
    due = [one for one in waiting if one.amount.minor > 0]
    if not due:
        return None
    first = [one for one in due if one.day == due[0].day]
    return {
        "day": due[0].day,
        "is_due": due[0].day <= today(),
        "sums": [one.amount for one in first],
        "later": len({one.day for one in due}) - 1,
        "href": url_for("portal.why_release", day=due[0].day.isoformat()),
    }


@dataclass(frozen=True)
class Step:
    """One line of the checklist."""

    title: str
    text: str
    done: bool
    href: str
    action: str


def _steps(reached: dict[str, bool]) -> list[Step]:
    me = current()
    needs = what_live_needs(me.vendor, me.user)
    return [
        Step(
            _("Confirm your e-mail address"),
            _("We have written to %(email)s. Open the link in that message.", email=me.user.email),
            me.user.email_verified_at is not None,
            url_for("portal.outbox"),
            _("See the message"),
        ),
        Step(
            _("Make a payment link"),
            _("Say what it is for and how much; send the address to a customer."),
            reached["link"],
            url_for("portal.new_link"),
            _("New link"),
        ),
        Step(
            _("Take a payment"),
            _("Open your link and pay it with a test card."),
            reached["paid"],
            url_for("portal.links"),
            _("Open my links"),
        ),
        Step(_("Go live"), _("See what is still needed to take real money."), not needs, url_for("portal.live"), _("See what is needed")),
    ]
