"""A membership in words for whoever pays for it: its state, what is charged next and why, and what cancelling it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.dates import format_interval
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.models import Vendor
from core.billing.lines import Line, sum_of
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED, SUSPENDED, TRIALING
from core.kernel.money import Money
from core.memberships.leaving import leaving
from core.memberships.plans import find_plan_by_code
from core.memberships.standing import Standing
from core.subscriptions.coming import coming_charge
from core.web.filters import day, money, percent
from core.web.languages import reader

DAY = timedelta(days=1)
# What a payer reads of the state of a membership: the word, and the tone of its badge.
WORDS = {
    "trialing": (_l("Free trial"), "good"),
    "active": (_l("Active"), "good"),
    "past_due": (_l("A payment is open"), "warn"),
    "suspended": (_l("Paused"), "bad"),
    "cancelled": (_l("Ended"), "quiet"),
}


@dataclass(frozen=True)
class Upcoming:
    """The next charge, and the lines that come to it; `again`: the card was asked before and said no."""

    amount: Money
    on: date
    rows: list[tuple[str, Money]]
    again: bool


def named(vendor: Vendor, mode: str, code: str) -> str:
    """What people call a plan."""
    plan = find_plan_by_code(vendor, mode, code)
    return plan.name if plan else code


def upcoming(vendor: Vendor, found: Standing) -> Upcoming | None:
    """What the card is asked for next, should nothing be changed until then, and what that sum is made of."""
    if found.row.status in (SUSPENDED, CANCELLED) or found.charging:
        return None
    coming = coming_charge(found.row)
    if coming is None:
        return None
    charge = coming.charge
    rows = [(_said(vendor, found.row.mode, line), line.amount) for document in coming.documents for line in document.lines]
    for document in coming.documents:
        rows += [(_("VAT %(percent)s on %(amount)s", percent=percent(tax.bps), amount=money(tax.net)), tax.tax) for tax in document.taxes]
    gone = sum_of((document.gross for document in coming.documents), charge.amount.currency) - charge.amount
    if gone.minor > 0:
        rows.append((_("From your balance, or paid already"), -gone))
    return Upcoming(charge.amount, charge.on, rows, coming.again)


def _said(vendor: Vendor, mode: str, line: Line) -> str:
    """`Bread club, 1 – 31 December 2026`."""
    span = format_interval(line.start, line.end - DAY, "yMMMd", locale=reader().babel)
    if line.corrects is not None:
        return _("%(plan)s, unused days %(days)s", plan=named(vendor, mode, line.code), days=span)
    return _("%(plan)s, %(days)s", plan=named(vendor, mode, line.code), days=span)


def cancel_words(vendor: Vendor, row: KeptSubscription) -> list[str]:
    """What cancelling means, with its day and its sums: until when it lasts, what is charged or owed, what comes back."""
    left = leaving(row)
    if left.tonight:
        said = [_("It ends tonight: %(day)s is your last day.", day=day(left.last))]
    else:
        said = [_("%(day)s is your last day. Until then everything stays as it is.", day=day(left.last))]
    if left.charged:
        said.append(_("On the day after, %(amount)s is charged for what had gathered, and nothing after that.", amount=money(left.charged)))
    elif left.owed:
        said.append(_("%(amount)s stays open, for the days you used. Your card is not asked for it again.", amount=money(left.owed)))
    else:
        said.append(_("Nothing is charged any more."))
    if left.balance:
        said.append(
            _("Your balance of %(amount)s stays yours: ask %(vendor)s to pay it back.", amount=money(left.balance), vendor=vendor.name)
        )
    elif not left.tonight and row.status != TRIALING:
        said.append(_("Nothing is paid back, because you keep the days you have paid for."))
    if not left.tonight:
        said.append(_("Until that day you can take it back."))
    return said


def keep_words(found: Standing) -> str:
    """What taking a cancellation back means."""
    if found.owed:
        return _("Your card is then asked again for the %(amount)s that is open.", amount=money(found.owed))
    return _(
        "It then goes on: %(amount)s is charged on %(day)s, and each month after that.",
        amount=money(found.monthly),
        day=day(found.state.period.end),
    )


def facts_of(vendor: Vendor, found: Standing) -> dict[str, Any]:
    """Of a membership, for the page that lists all of somebody's."""
    word, tone = WORDS[found.row.status]
    return {"word": word, "tone": tone, "plan": found.plan.name if found.plan else found.state.plan.title}
