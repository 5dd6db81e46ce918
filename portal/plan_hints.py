"""What one more costs, said where it is added; how long what is too much may stay; and why nothing of a vendor's is shown."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.billing import branches, limits, states
from core.billing.calendar import DAY
from core.billing.effects import Notice
from core.billing.lines import total
from core.billing.models import KeptSubscription
from core.billing.queries import as_of_now, read
from core.billing.tax import with_tax
from core.billing.wishes import AddBranches, AddProducts
from core.directory.models import Standing
from core.directory.standing import find_standing
from core.kernel.errors import Refusal
from core.subscriptions.plan import find_plan, preview_wish
from core.web.filters import day, money, number
from core.web.guard import current
from core.web.languages import written
from portal.plan_view import grace_words

# Why nothing is shown, by the word that the standing keeps.
HIDDEN: dict[str, Any] = {
    "no_plan": _l("Nothing of yours is in the directory, because there is no plan yet. Everything is kept; it is shown as soon as a plan runs."),
    states.ACTIVE: _l("The first invoice of your plan is being paid. Everything is shown as soon as it is."),
    states.SUSPENDED: _l("Your plan is suspended, because an invoice was not paid. Everything is kept, and shown again once it is. Until then your payment links take no money."),
    states.HIBERNATING: _l("Your plan hibernates. Everything is kept out of sight, and shown again when you wake it up. Until then your payment links take no money."),
    states.CANCELLED: _l("Your plan has ended. Everything is kept for now, and shown again when a new plan begins. Until then your payment links take no money."),
}  # fmt: skip


def why_hidden(standing: Standing | None) -> str:
    """Why nothing of the vendor's is shown; empty when it is shown, or hidden for a reason that is no plan's."""
    if standing is None or standing.visible:
        return ""
    return str(HIDDEN.get(standing.reason, ""))


def grace_now(row: KeptSubscription | None) -> tuple[int, list[str]]:
    """While more is published than the plan holds: the whole days left after today, and what happens when, in sentences. None: (0, [])."""
    if row is None or row.status == states.CANCELLED or read(row).episode is None:
        return 0, []
    state, offer = as_of_now(row)
    return max(0, limits.days_left(state)), grace_words(state, offer.local(state))


def one_more_branch() -> str:
    """What another branch costs; empty without a plan."""
    me = current()
    row = find_plan(me.vendor, me.mode)
    if row is None or row.status == states.CANCELLED:
        return ""
    standing = find_standing(me.vendor.id, me.mode)
    if standing is None or standing.branches == 0:
        return _("Your first branch is included in your plan.")
    state, _offer = as_of_now(row)
    try:
        after, _effects = preview_wish(row, AddBranches(1))
    except Refusal as refusal:
        return written(refusal.message)
    month = money(with_tax(state.terms.branch_price, state.tax_bps))
    if state.status not in branches.BILLED_IN:
        return _("One more branch costs %(month)s a month, from the day on which your plan is billed again.", month=month)
    more = total(branches.delta_lines(after, []), state.currency) - total(branches.delta_lines(state, []), state.currency)
    return _(
        "One more branch costs %(month)s a month: for the rest of this period, to %(last)s, %(part)s. What is added and removed on one day is one line.",
        month=month, last=day(state.period.end - DAY), part=money(with_tax(more, state.tax_bps)),
    )  # fmt: skip


def one_more_product() -> str:
    """What publishing another product leads to; empty while it fits or there is no plan."""
    me = current()
    row = find_plan(me.vendor, me.mode)
    if row is None or row.status == states.CANCELLED:
        return ""
    try:
        after, effects = preview_wish(row, AddProducts(1))
    except Refusal as refusal:
        return written(refusal.message)
    most = after.plan.limit
    if most is None or after.products.count <= most:
        return ""
    told = next((each for each in effects if isinstance(each, Notice) and each.kind == "limit_breached"), None)
    if told is not None and told.on is not None:
        small = _(
            "It would be published product %(count)s, and %(plan)s holds %(most)s. If it stays so, your plan becomes %(greater)s on %(day)s, and %(amount)s go onto the next invoice."
        )
        large = _(
            "It would be published product %(count)s, and %(plan)s holds %(most)s. If it stays so, your plan becomes %(greater)s on %(day)s, and %(amount)s are charged that day."
        )
        return (small if limits.is_small(after, told.on, coming=as_of_now(row)[1].local(after)) else large) % dict(
            count=number(after.products.count), plan=after.plan.title, most=number(most), greater=after.terms.tier(told.detail).title,
            day=day(told.on), amount=money(told.amount),
        )  # fmt: skip
    return _("%(plan)s holds %(most)s published products, and there are more. Your plan’s page says what happens when.", plan=after.plan.title, most=number(most))  # fmt: skip
