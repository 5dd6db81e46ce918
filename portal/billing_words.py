"""Billing in words: lines and the arithmetic behind each, documents, what they were made for, and notices, for every page that shows them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.billing.effects import Notice
from core.billing.lines import BRANCH, Document, Line
from core.kernel.currency import exponent
from core.subscriptions.sheet import LIMITED, title_of
from core.web.filters import day, money
from core.web.invoice import ORIGINS
from core.web.languages import reader, written
from portal.plan_names import Known

Terms = list[tuple[str, Any, str]]  # (words, Money or text, sign), as components/why.html draws them

# What a notice says of its day, its sum and its plan; some say it differently in one case.
NOTICES = {
    "trial_began": later("The trial begins. It ends on %(on)s; then the plan costs %(amount)s a month."),
    "trial_ends": later("The trial ends on %(on)s. The first period costs %(amount)s."),
    "trial_ends_no_card": later("The trial ends on %(on)s, and there is no card. Without one it is suspended on that day."),
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
    "card_refused": later("The card can no longer be charged. Without another one it is suspended on %(on)s; %(amount)s is open."),
    "suspension_ahead": later("Tomorrow, on %(on)s, it is suspended unless %(amount)s is paid."),
    "suspended": later("Suspended: out of the directory. %(amount)s is owed; on %(on)s the subscription ends."),
    "suspended_free": later("Suspended: out of the directory. Nothing is owed; on %(on)s the subscription ends."),
    "recovered": later("Everything is paid again."),
    "hibernation_ends": later("The longest hibernation ends on %(on)s. It wakes up for %(amount)s if that is confirmed, else it ends."),
    "hibernation_dropped": later("The planned hibernation is dropped, because something is unpaid."),
    "cancelled": later("The subscription has ended."),
    "price_moves": later("The exchange rate has moved much: from %(on)s on the plan costs %(amount)s a month."),
    "rate_old": later("The exchange rate is growing old; the last one stays in force."),
    "currency_kept": later("The change of currency is put off until everything is paid."),
    "currency_changed": later("The currency has changed. The plan costs %(amount)s a month."),
    "renewal_ahead": later("A new period begins on %(on)s; the card is asked for %(amount)s."),
    "change_planned": later("From %(on)s on the plan is %(plan)s for %(amount)s a month."),
    "hibernation_planned": later("From %(on)s on it hibernates for %(amount)s a month."),
    "hibernation_planned_until": later("From %(on)s on it hibernates for %(amount)s a month. On %(wakes_on)s it wakes up for %(wakes_for)s."),
    "wake_planned": later("On %(wakes_on)s it wakes up for %(wakes_for)s."),
    "wake_ahead": later("On %(wakes_on)s it wakes up; that costs %(wakes_for)s."),
    "wake_withdrawn": later("It was to wake up on %(on)s, and goes on hibernating for %(amount)s a month."),
    "cancel_planned": later("The subscription ends on %(on)s."),
    "plan_kept": later("What was planned is taken back."),
}  # fmt: skip


def document_words(document: Document) -> str:
    if document.kind == "credit_note":
        return _("Credit note of %(day)s", day=day(document.on))
    return _("Invoice of %(day)s", day=day(document.on))


def origin_words(origin: str) -> str:
    """What a document was made for, as the document itself says it."""
    return written(ORIGINS[origin])


def line_words(line: Line) -> str:
    """What a line is for."""
    count = line.quantity
    branches = ngettext("%(num)s additional branch", "%(num)s additional branches", count)
    what = branches if line.item == BRANCH else written(title_of(line))
    return _("%(what)s, given back", what=what) if line.corrects is not None and line.amount.minor <= 0 else what


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
        terms.append((written(LIMITED[line.limited]), "", ""))
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


def notice_words(notice: Notice, known: Known) -> str:
    """What the merchant is told, with its day, its sum and its plan."""
    values = {
        "on": day(notice.on), "amount": money(notice.amount), "plan": known.plan(notice.detail),
        "wakes_on": day(notice.wakes_on), "wakes_for": money(notice.wakes_for),
    }  # fmt: skip
    return str(NOTICES[_kind_of(notice)]) % values


def _kind_of(notice: Notice) -> str:
    match notice:
        case Notice("payment_failed", detail="last"):
            return "payment_failed_last"
        case Notice("trial_ends", detail="no card"):
            return "trial_ends_no_card"
        case Notice("hibernation_planned") if notice.wakes_on:
            return "hibernation_planned_until"
        case Notice("suspended") if not notice.amount:
            return "suspended_free"
    return notice.kind


def install(app: Flask) -> None:
    for words in (document_words, origin_words, line_words, line_span, trace_of, notice_words):
        app.jinja_env.filters[words.__name__] = words
