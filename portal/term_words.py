"""The terms of a price list in words: what each is called and what it says, for the staff who write them and for whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.billing.terms import Terms, Tier
from core.directory.images import MOST
from core.kernel.money import Money
from core.web.filters import money, number, percent

LABELS: dict[str, Any] = {
    "branch_price": _l("Each further branch, a month"),
    "hibernation_fee": _l("Hibernating, a month"),
    "small_amount": _l("A change below this waits for the next invoice"),
    "gateway_minimum": _l("Least that the card processor takes"),
    "minimums": _l("Least in other currencies"),
    "trial_days": _l("Days of trial for newcomers"),
    "grace_days": _l("Days of grace above a limit"),
    "notice_days": _l("Reminders, so many days before the grace ends"),
    "clean_days": _l("Days below the limit until the grace begins anew"),
    "free_toggle_days": _l("Days a month on which a branch may come and go for nothing"),
    "awaiting_hours": _l("Hours in which a change may be paid"),
    "retry_days": _l("Tries again, days after the first decline"),
    "suspend_after": _l("Days until the service stops"),
    "cancel_after": _l("Days until the subscription ends"),
    "export_days": _l("Days in which data can be fetched afterwards"),
    "renewal_notice_days": _l("Notice before a renewal, in days"),
    "trial_notice_days": _l("Notice before a trial ends, in days"),
    "hibernation_months": _l("Longest hibernation, in months"),
    "hibernation_notice_month": _l("Notice of its end after so many months"),
    "drift_bps": _l("A rate that moves more than this is announced"),
    "drift_notice_days": _l("Days between announcing it and charging it"),
    "credit_note_days": _l("Days in which a credit note is written"),
    "tax_check_hours": _l("Hours in which a tax number’s check is waited for"),
}
# What stands together, under which heading.
GROUPS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("sums", _l("Other prices"), ("branch_price", "hibernation_fee", "small_amount", "gateway_minimum")),
    ("growing", _l("Growing and changing"), ("grace_days", "notice_days", "clean_days", "free_toggle_days", "awaiting_hours")),
    ("unpaid", _l("When a charge is declined"), ("retry_days", "suspend_after", "cancel_after", "export_days")),
    (
        "resting",
        _l("Trials and hibernating"),
        ("renewal_notice_days", "trial_days", "trial_notice_days", "hibernation_months", "hibernation_notice_month"),
    ),
    ("abroad", _l("Other currencies"), ("drift_bps", "drift_notice_days", "minimums")),
    ("papers", _l("Papers"), ("credit_note_days", "tax_check_hours")),
)
HOURS, MONTHS = ("awaiting_hours", "tax_check_hours"), ("hibernation_months", "hibernation_notice_month")


@dataclass(frozen=True)
class Difference:
    """What another version says differently; None where one of them says nothing."""

    what: str
    before: str | None
    after: str | None


def say_term(name: str, value: Any) -> str:
    """One term as people say it: £1.00, 7 days, 1, 3, 7 and 15."""
    if isinstance(value, Money):
        return money(value)
    if name == "minimums":
        return ", ".join(map(money, value)) or "–"
    if name.endswith("_bps"):
        return percent(value)
    if isinstance(value, tuple):
        return ", ".join(map(number, value)) or "–"
    if name in HOURS:
        return ngettext("%(num)s hour", "%(num)s hours", value)
    if name in MONTHS:
        return ngettext("%(num)s month", "%(num)s months", value)
    return ngettext("%(num)s day", "%(num)s days", value)


def say_limit(tier: Tier) -> str:
    """How many products a plan holds."""
    return ngettext("%(num)s product", "%(num)s products", tier.limit) if tier.limit is not None else _("no limit")


def say_pictures(tier: Tier) -> str:
    """How many pictures each listing shows."""
    return number(min(tier.pictures or MOST, MOST))


def say_tier(tier: Tier) -> str:
    """A plan in half a line: £3.00 a month, 100 products."""
    if tier.pictures is None:
        return _("%(price)s a month, %(limit)s", price=money(tier.price), limit=say_limit(tier))
    pictures = ngettext("%(num)s picture of each listing", "%(num)s pictures of each listing", tier.pictures)
    return _("%(price)s a month, %(limit)s, %(pictures)s", price=money(tier.price), limit=say_limit(tier), pictures=pictures)


def rows_of(terms: Terms) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything but the plans, in groups with their headings."""
    return [(str(title), [(str(LABELS[name]), say_term(name, getattr(terms, name))) for name in names]) for _key, title, names in GROUPS]


def differences(before: Terms, after: Terms) -> list[Difference]:
    """What becomes different, plans first."""
    codes = [tier.code for tier in after.tiers] + [tier.code for tier in before.tiers if not after.lists(tier.code)]
    found = [each for code in codes for each in _of_tier(before, after, code)]
    if before.currency != after.currency:
        found.insert(0, Difference(_("Currency"), before.currency, after.currency))
    for _key, _title, names in GROUPS:
        for name in names:
            old, new = getattr(before, name), getattr(after, name)
            if old != new:
                found.append(Difference(str(LABELS[name]), say_term(name, old), say_term(name, new)))
    return found


def _of_tier(before: Terms, after: Terms, code: str) -> list[Difference]:
    old = before.tier(code) if before.lists(code) else None
    new = after.tier(code) if after.lists(code) else None
    if old is None:
        return [Difference(new.title, None, say_tier(new))] if new is not None else []
    if new is None:
        return [Difference(old.title, say_tier(old), None)]
    found = []
    if old.title != new.title:
        found.append(Difference(_("Name of %(code)s", code=code), old.title, new.title))
    if (old.price, old.limit, old.pictures) != (new.price, new.limit, new.pictures):
        found.append(Difference(new.title, say_tier(old), say_tier(new)))
    if old.about != new.about:
        found.append(Difference(_("About %(plan)s", plan=new.title), old.about or None, new.about or None))
    return found
