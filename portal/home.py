"""The start page for strangers, and the home of a vendor: first steps, today's takings, balance, latest payments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from flask import Response, url_for

from core.kernel import clock
from core.kernel.config import settings
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.queries import list_payments, milestones, takings_since
from core.web.filters import zone
from core.web.guard import current, find_current, may, public
from core.web.page import page
from portal.balance import summarise
from portal.blueprint import portal
from portal.live import what_live_needs


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
            {"note": p.get("note") or "Sign in as", "email": p["email"], "password": p["password"]} for p in kept.get("sign_ins", [])
        )
        return Demo(kept.get("payment_link"), kept.get("card"), people)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Demo()


@dataclass(frozen=True)
class Step:
    """One line of the checklist."""

    title: str
    text: str
    done: bool
    href: str
    action: str


@portal.get("/portal/")
@may("home.see")
def home() -> Response:
    me = current()
    today, week = _since(0), _since(6)
    return page(
        "portal/home/home.html",
        latest=list_payments(me.vendor, me.mode, limit=6).rows,
        steps=_steps(milestones(me.vendor, me.mode)),
        today=_takings(today),
        week=_takings(week),
        today_on=today.astimezone(zone()).date(),
        week_on=week.astimezone(zone()).date(),
        books=summarise(balances(me.vendor, me.mode), me.vendor.currency),
    )


def _takings(since: datetime) -> list[tuple[int, Money]]:
    """Payments and sums since then, the vendor's own currency first, also when nothing came in."""
    me = current()
    found = takings_since(me.vendor, me.mode, since)
    own = found.pop(me.vendor.currency, (0, Money(0, me.vendor.currency)))
    return [own, *(found[code] for code in sorted(found))]


def _since(days: int) -> datetime:
    """When the vendor's day began, so many days ago, by the clock on the vendor's wall."""
    here = clock.now().astimezone(zone())
    first = here.date() - timedelta(days=days)
    return datetime.combine(first, time(), tzinfo=zone()).astimezone(UTC)


def _steps(reached: dict[str, bool]) -> list[Step]:
    me = current()
    needs = what_live_needs(me.vendor, me.user)
    return [
        Step(
            "Confirm your e-mail address",
            f"We have written to {me.user.email}. Open the link in that message.",
            me.user.email_verified_at is not None,
            url_for("portal.outbox"),
            "See the message",
        ),
        Step(
            "Make a payment link",
            "Say what it is for and how much; send the address to a customer.",
            reached["link"],
            url_for("portal.new_link"),
            "New link",
        ),
        Step("Take a payment", "Open your link and pay it with a test card.", reached["paid"], url_for("portal.links"), "Open my links"),
        Step("Go live", "See what is still needed to take real money.", not needs, url_for("portal.live"), "See what is needed"),
    ]
