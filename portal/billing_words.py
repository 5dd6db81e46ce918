"""Billing in words: lines and the arithmetic behind each, documents, notices, states and events, for the pages that unfold them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.billing.effects import Notice
from core.billing.lines import BRANCH, HIBERNATION, Document, Line
from core.kernel.currency import exponent
from core.web.filters import day, money
from core.web.languages import reader

Terms = list[tuple[str, Any, str]]  # (words, Money or text, sign), as components/why.html draws them

STATES = {
    "trialing": (later("Trial"), "info"),
    "active": (later("Active"), "good"),
    "past_due": (later("Payment overdue"), "warn"),
    "hibernating": (later("Hibernating"), "info"),
    "suspended": (later("Suspended"), "bad"),
    "cancelled": (later("Cancelled"), "quiet"),
}
LIMITED = {
    "cap": later("Held at what the dearest state of the period costs as a whole"),
    "remainder": later("All that was left of the line it corrects"),
    "restored": later("Exactly what was given back earlier on the same day"),
}
# What a notice says of its day, its sum and its plan.
NOTICES = {
    "trial_began": later("The trial begins. It ends on %(on)s; then the plan costs %(amount)s a month."),
    "trial_ends": later("The trial ends on %(on)s. The first period costs %(amount)s."),
    "upgrade_declined": later("The card was declined for the greater plan (%(amount)s). Nothing changes until it is paid."),
    "resume_declined": later("The card was declined for waking up (%(amount)s). It stays asleep until that is paid."),
    "reactivate_declined": later("The card was declined for coming back (%(amount)s). It stays suspended until that is paid."),
    "limit_declined": later("The card was declined for the plan that fits (%(amount)s). The surplus products are hidden, none is deleted."),
    "change_requoted": later("The change that waits for its payment costs %(amount)s today."),
    "change_lapsed": later("A change was not paid in time and is dropped."),
    "downgrade_dropped": later("The planned smaller plan does not fit the products any more; the present one stays."),
    "limit_breached": later("More products than the plan holds. From %(on)s on the plan that fits is charged: %(plan)s, %(amount)s."),
    "grace_running": later("Still more products than the plan holds. On %(on)s the plan becomes %(plan)s for %(amount)s."),
    "limit_enforced": later("The plan becomes %(plan)s, the smallest one that fits."),
    "products_hidden": later("The newest products are hidden, because they do not fit the plan. None is deleted."),
    "waits_for_renewal": later("The charge was declined; %(amount)s waits for the renewal on %(on)s."),
    "payment_failed": later("The card was declined for %(amount)s. It is tried again on %(on)s."),
    "payment_failed_last": later("The card was declined for %(amount)s once more. That was the last try; on %(on)s it is suspended."),
    "card_refused": later("The card can no longer be charged. Without another one it is suspended on %(on)s; open are %(amount)s."),
    "suspension_ahead": later("Tomorrow, on %(on)s, it is suspended unless %(amount)s are paid."),
    "suspended": later("Suspended: out of the directory. %(amount)s are owed; on %(on)s the subscription ends."),
    "recovered": later("Everything is paid again."),
    "hibernation_ends": later("The longest hibernation ends on %(on)s. It wakes up for %(amount)s if that is confirmed, else it ends."),
    "hibernation_dropped": later("The planned hibernation is dropped, because something is unpaid."),
    "cancelled": later("The subscription has ended."),
    "price_moves": later("The exchange rate has moved much: from %(on)s on the plan costs %(amount)s a month."),
    "rate_old": later("The exchange rate is growing old; the last one stays in force."),
    "currency_kept": later("The change of currency is put off until everything is paid."),
}  # fmt: skip
ORIGINS = {
    "start": later("Beginning"),
    "renewal": later("Renewal"),
    "branches": later("Branches"),
    "upgrade": later("Greater plan"),
    "downgrade": later("Smaller plan"),
    "limit": later("Plan that fits the products"),
    "hibernate": later("Hibernation"),
    "resume": later("Waking up"),
    "reactivate": later("Coming back"),
    "suspension": later("Suspension"),
    "cancellation": later("Cancellation"),
    "pending": later("What had gathered"),
    "void": later("Taken back"),
}  # fmt: skip


def plan_words(code: str) -> str:
    """A plan as people call it."""
    return code.replace("_", " ").capitalize()


def document_words(document: Document) -> str:
    if document.kind == "credit_note":
        return _("Credit note of %(day)s", day=day(document.on))
    return _("Invoice of %(day)s", day=day(document.on))


def origin_words(origin: str) -> str:
    return str(ORIGINS.get(origin, origin.replace("_", " ").capitalize()))


def line_words(line: Line) -> str:
    """What a line is for."""
    if line.item == BRANCH:
        what = ngettext("%(num)s additional branch", "%(num)s additional branches", line.quantity)
    elif line.item == HIBERNATION:
        what = _("Hibernation")
    else:
        what = _("%(plan)s plan", plan=plan_words(line.code))
    return _("%(what)s, unused", what=what) if line.corrects is not None and line.amount.minor <= 0 else what


def line_span(line: Line) -> str:
    """From its first to its last day."""
    last = date.fromordinal(line.end.toordinal() - 1)
    return day(line.start) if last == line.start else _("%(first)s to %(last)s", first=day(line.start), last=day(last))


def trace_of(line: Line) -> Terms:
    """How a line came about: what a whole period costs, times its days, rounded once."""
    whole = _("What was charged for it") if line.corrects is not None else _("For a whole period")
    sign = "" if line.corrects is None else "−"
    terms: Terms = [(whole, line.whole, sign)]
    if line.quantity != line.of_quantity:
        terms.append(
            (_("%(some)s of %(all)s branches", some=line.quantity, all=line.of_quantity), f"{line.quantity}/{line.of_quantity}", "×")
        )
    if line.limited not in ("remainder", "restored"):
        terms.append((_("%(days)s of %(all)s days", days=line.days, all=line.of_days), f"{line.days}/{line.of_days}", "×"))
        if line.exact.denominator != 1:
            terms.append((_("Exactly"), exact_words(line.exact, line.amount.currency), "="))
    if line.limited:
        terms.append((str(LIMITED[line.limited]), "", ""))
    terms.append((_("Rounded once to what a card can carry") if line.exact.denominator != 1 else _("Amount"), line.amount, "="))
    return terms


def exact_words(exact: Fraction, currency: str) -> str:
    """Minor units before they were rounded, with four places more than the currency has: `1.451612…`."""
    places = exponent(currency) + 4
    scaled = exact * 10_000
    digits = str(abs(scaled.numerator) // scaled.denominator).rjust(places + 1, "0")
    whole, part = digits[:-places], digits[-places:]
    more = "…" if scaled.denominator != 1 else ""
    point = "," if reader().decimal_comma else "."
    return f"{'−' if exact < 0 else ''}{whole}{point}{part}{more} {currency}"


def notice_words(notice: Notice) -> str:
    """What the merchant is told, with its day and its sum."""
    last = notice.kind == "payment_failed" and notice.detail == "last"
    return str(NOTICES["payment_failed_last" if last else notice.kind]) % {
        "on": day(notice.on),
        "amount": money(notice.amount),
        "plan": plan_words(notice.detail),
    }


def install(app: Flask) -> None:
    for words in (plan_words, document_words, origin_words, line_words, line_span, trace_of, notice_words):
        app.jinja_env.filters[words.__name__] = words
