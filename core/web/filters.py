"""Template filters: how money, moments and states are written for the person who reads the page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from flask import Flask, g, has_request_context
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from core.kernel import clock
from core.kernel.money import Money
from core.web.bank_words import bank_reason, bank_status, bank_tone
from core.web.languages import reader
from core.web.reader import Reader

# state -> (what the reader is told, tone of its badge: good, bad, wait or calm)
STATES: dict[str, tuple[Any, str]] = {
    "created": (_l("Not started"), "calm"),
    "requires_method": (_l("Declined"), "bad"),
    "requires_action": (_l("Waiting for the payer"), "wait"),
    "processing": (_l("Processing"), "wait"),
    "succeeded": (_l("Paid"), "good"),
    "marked_paid": (_l("Marked as paid"), "good"),
    "canceled": (_l("Cancelled"), "calm"),
    "expired": (_l("Expired"), "calm"),
    "unknown": (_l("Being checked"), "wait"),
    "partly_refunded": (_l("Partly refunded"), "calm"),
    "refunded": (_l("Refunded"), "calm"),
    "disputed": (_l("Disputed"), "bad"),
    "started": (_l("Started"), "calm"),
    "action_required": (_l("Waiting for the payer"), "wait"),
    "submitted": (_l("Sent to the processor"), "wait"),
    "declined": (_l("Declined"), "bad"),
    "error": (_l("Did not go through"), "bad"),
    "abandoned": (_l("Left unfinished"), "calm"),
    "requested": (_l("Asked for"), "wait"),
    "pending": (_l("On its way"), "wait"),
    "failed": (_l("Failed"), "bad"),
    "open": (_l("Open"), "good"),
    "archived": (_l("Archived"), "calm"),
    "paused": (_l("Paused"), "wait"),
    "sold_out": (_l("Sold out"), "calm"),
    "paid": (_l("Paid"), "good"),
    "queued": (_l("Waiting to be sent"), "wait"),
    "sent": (_l("Sent"), "good"),
    "kept": (_l("Kept here"), "calm"),
    "bounced": (_l("Came back"), "bad"),
    "opened": (_l("Link opened"), "good"),
}
LETTER_STATES = {
    "held": (_l("Not sent"), "bad"),
    "failed": (_l("Did not arrive"), "bad"),
    "canceled": (_l("Called off"), "calm"),
    "overtaken": (_l("Not needed any more"), "calm"),
}
LISTING_STATES = {
    "draft": (_l("Draft"), "calm"),
    "published": (_l("In the directory"), "good"),
    "withdrawn": (_l("Taken out by the staff"), "bad"),
    "archived": (_l("Archived"), "calm"),
}
PRODUCT_STATES = {"draft": (_l("Draft"), "calm"), "published": (_l("Published"), "good"), "archived": (_l("Archived"), "calm")}
REFUND_STATES: dict[str, tuple[Any, str]] = {
    "queued": (_l("Waits for the balance"), "wait"),
    "succeeded": (_l("Refunded"), "good"),
}
CLAIM_STATES = {
    "open": (_l("Waits for the payer"), "wait"),
    "claimed": (_l("Waits for your approval"), "wait"),
    "approved": (_l("Approved"), "wait"),
    "paid": (_l("Paid out"), "good"),
    "failed": (_l("Came back"), "bad"),
    "refused": (_l("Not approved"), "bad"),
    "expired": (_l("Ran out"), "calm"),
    "revoked": (_l("Taken back"), "calm"),
}
SUBSCRIPTION_STATES = {
    "trialing": (_l("Trial"), "wait"),
    "active": (_l("Running"), "good"),
    "past_due": (_l("Payment overdue"), "bad"),
    "suspended": (_l("Stopped"), "bad"),
    "hibernating": (_l("Hibernating"), "calm"),
    "cancelled": (_l("Ended"), "calm"),
}
DOCUMENT_STATES = {"draft": (_l("Draft"), "calm"), "final": (_l("Final"), "good"), "dropped": (_l("Dropped"), "calm")}
CHARGE_STATES = {
    "wanted": (_l("Planned"), "wait"),
    "sent": (_l("Sent to the processor"), "wait"),
    "stopped": (_l("Called off"), "calm"),
    "received": (_l("Paid"), "good"),
    "refused": (_l("Declined"), "bad"),
}
PAYOUT_STATES = {
    "requested": (_l("Held"), "wait"),
    "approved": (_l("Approved"), "wait"),
    "submitted": (_l("With the bank"), "wait"),
    "in_transit": (_l("On its way"), "wait"),
    "paid": (_l("Paid"), "good"),
    "failed": (_l("Failed"), "bad"),
    "returned": (_l("Came back"), "bad"),
    "canceled": (_l("Called off"), "calm"),
}
RESERVE_RULE_STATES = {
    "requested": (_l("Waits for a second person"), "wait"),
    "in_force": (_l("Put in force"), "good"),
    "declined": (_l("Left as it was"), "calm"),
    "overtaken": (_l("Another rule came before"), "calm"),
}
RECEIVER_STATES = {
    "opening": (_l("Being opened"), "wait"),
    "to_complete": (_l("To be completed"), "wait"),
    "under_review": (_l("Under review"), "wait"),
    "ready": (_l("Ready"), "good"),
    "restricted": (_l("Restricted"), "bad"),
}
CARRIED_STATES = {
    "move": (_l("Being moved to the seller’s account"), "wait"),
    "pay": (_l("Being sent to the bank from there"), "wait"),
    "watch": (_l("The bank has it"), "good"),
    "back": (_l("Being taken back"), "bad"),
    "done": (_l("Done"), "calm"),
}
ORDER_FILE_STATES = {
    "made": (_l("Made"), "wait"),
    "handed_over": (_l("With the bank"), "good"),
    "taken_back": (_l("Taken back"), "calm"),
}
DISPUTE_STATES = {
    "inquiry": (_l("The bank asks"), "wait"),
    "needs_response": (_l("To answer"), "bad"),
    "answering": (_l("Being sent"), "wait"),
    "under_review": (_l("With the bank"), "wait"),
    "won": (_l("Won"), "good"),
    "lost": (_l("Lost"), "bad"),
    "reversed": (_l("Given back after a loss"), "good"),
    "accepted": (_l("Given in"), "calm"),
    "closed": (_l("Asks no more"), "good"),
}
WRITE_OFF_STATES = {"requested": (_l("Waits"), "wait"), "booked": (_l("Written off"), "calm"), "declined": (_l("Left as it is"), "calm")}
REVERSAL_STATES = {"requested": (_l("Waits"), "wait"), "booked": (_l("Taken back"), "calm"), "declined": (_l("Left as it is"), "calm")}
ORDER_STATES = {
    "waiting": (_l("Waits for the card"), "wait"),
    "paying": (_l("Being paid"), "wait"),
    "action": (_l("Waits for the payer"), "wait"),
    "declined": (_l("Declined"), "bad"),
    "paid": (_l("Paid"), "good"),
    "over": (_l("Not paid"), "calm"),
}
CHECKOUT_STATES = {
    "open": (_l("Waits for the card"), "wait"),
    "paying": (_l("Being paid"), "wait"),
    "waiting": (_l("Waits for the payer"), "wait"),
    "done": (_l("Done"), "good"),
    "partly": (_l("Partly paid"), "warn"),
    "unpaid": (_l("Not paid"), "calm"),
    "unwinding": (_l("Being given back"), "wait"),
    "undone": (_l("Given back"), "calm"),
    "expired": (_l("Out of time"), "calm"),
}
OF_KIND: dict[str, dict[str, tuple[Any, str]]] = {
    "refund": REFUND_STATES,
    "claim": CLAIM_STATES,
    "letter": LETTER_STATES,
    "listing": LISTING_STATES,
    "product": PRODUCT_STATES,
    "subscription": SUBSCRIPTION_STATES,
    "document": DOCUMENT_STATES,
    "charge": CHARGE_STATES,
    "payout": PAYOUT_STATES,
    "order_file": ORDER_FILE_STATES,
    "receiver": RECEIVER_STATES,
    "carriage": CARRIED_STATES,
    "dispute": DISPUTE_STATES,
    "write_off": WRITE_OFF_STATES,
    "reserve_rule": RESERVE_RULE_STATES,
    "reversal": REVERSAL_STATES,
    "order": ORDER_STATES,
    "checkout": CHECKOUT_STATES,
}


def money(value: Money | None) -> str:
    """£1,234.50 from 123450 minor units, as letters and papers write it too."""
    return "–" if value is None else reader().money(value)


def number(value: int) -> str:
    return reader().number(value)


def minor(value: int, currency: str) -> Money:
    """The sum of so many minor units."""
    return Money(value, currency)


def percent(points: int) -> str:
    """17.5% from 1750 basis points."""
    return reader().percent(points)


def zone() -> ZoneInfo:
    """The reader's time zone: the vendor's when one is signed in, otherwise UTC."""
    return ZoneInfo(g.get("time_zone", "UTC") if has_request_context() else "UTC")


def when(value: datetime | None, style: str = "d MMM y, HH:mm") -> str:
    """21 Nov 2026, 14:03 in the reader's zone. Another language keeps what the style shows and puts it in its own order."""
    if value is None:
        return "–"
    to_the_minute = value if "s" in style else value.replace(second=0, microsecond=0)
    return _when(to_the_minute, style, reader(), zone())


@lru_cache(1024)
def _when(value: datetime, style: str, who: Reader, at: ZoneInfo) -> str:
    """Many pages show the same minutes, a list the same one several times."""
    if who.british:
        bare = style.removesuffix(" zzz")  # for a zone without a short name Babel would write +0100
        moment = format_datetime(value, bare, tzinfo=at, locale=who.babel)
        return moment if bare == style else f"{moment} {who.zone_name(value)}"
    return who.stamp(value, zone="zzz" in style) if "d" in style else who.time(value, zone="zzz" in style)


def day_of(value: datetime) -> date:
    """The day it was in the reader's zone."""
    return value.astimezone(zone()).date()


def day(value: date | datetime | None) -> str:
    if value is None:
        return "–"
    at_home = day_of(value) if isinstance(value, datetime) else value
    who = reader()
    return format_date(at_home, "d MMMM y", locale=who.babel) if who.british else who.day(at_home)


def day_short(value: date) -> str:
    """21 Nov: where the year goes without saying."""
    return reader().part_of_date(value, "MMMd")


def month(value: date) -> str:
    """November 2026."""
    return reader().part_of_date(value, "yMMMM")


def ago(value: datetime | None) -> str:
    """“3 minutes ago”, “in 2 days”; beyond a week the date says more than a count."""
    if value is None:
        return "–"
    gap = value - clock.now()
    if abs(gap) < timedelta(seconds=45):
        return _("just now")
    if abs(gap) > timedelta(days=7):
        return day(value)
    return format_timedelta(gap, add_direction=True, locale=reader().babel)


def moment(value: datetime | None) -> Markup:
    """A <time> element: the reader sees the local time, a machine the exact instant."""
    if value is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), when(value, "EEEE d MMMM y, HH:mm:ss zzzz"), when(value)
    )


def status_label(state: str, of: str = "payment") -> str:
    return str(_state(state, of)[0])


def status_tone(state: str, of: str = "payment") -> str:
    return _state(state, of)[1]


def _state(state: str, of: str) -> tuple[Any, str]:
    known = OF_KIND.get(of, {}).get(state)
    return known or STATES.get(state, (state.replace("_", " ").capitalize(), "calm"))


def lines(text: str) -> Markup:
    """Plain text of several lines, escaped, with its line ends kept."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def mailbox(address: str) -> Markup:
    """An e-mail address that goes to the next line behind a dot of its name or before its @, where there is no room for all of it."""
    name, at, host = address.rpartition("@")
    return Markup(".<wbr>").join(name.split(".")) + (Markup("<wbr>@") if at else "") + host


def install(app: Flask) -> None:
    ours = (money, minor, number, percent, when, day, day_short, month, ago, moment, status_label, status_tone, lines, mailbox)
    for name in (*ours, bank_reason, bank_status, bank_tone):
        app.jinja_env.filters[name.__name__] = name
