"""A subscription as it stands, in words: plan, period, money, and every date that lies ahead. For the staff's page and the vendor's own."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from core.billing import dunning, limits, states
from core.billing.calendar import DAY
from core.billing.lines import sum_of
from core.billing.subscription import Awaiting, Planned, Subscription
from core.kernel.money import Money
from core.web.filters import day, money, number, when
from portal.plan_names import Known
from portal.term_words import say_tier

Facts = list[tuple[str, str]]


def facts_of(state: Subscription, *, own: bool = False) -> Facts:
    """What it is and what it costs. On the vendor's `own` page without what stands beside it, and without sums that are nothing."""
    found = [(_("Plan"), _("%(plan)s: %(terms)s", plan=state.plan.title, terms=say_tier(state.plan)))]
    if not own:
        found.append((_("Price list"), _("version %(version)s", version=state.terms.version)))
    last = state.period.end - DAY
    found.append((_("Period"), _("%(first)s to %(last)s", first=day(state.period.start), last=day(last))))
    if state.status != states.CANCELLED:
        found.append((_("Trial ends") if state.trial_ends else _("Next period begins"), day(state.period.end)))
    if not own:
        found += [(_("Products"), _products(state)), (_("Further branches"), number(state.branches.count))]
    sums = ((_("Balance"), state.balance), (_("Owed"), owed_by(state)))
    found += [(name, money(amount)) for name, amount in sums if amount or not own]
    if state.rate is not None:
        found.append((_("Exchange rate"), _("of %(day)s, from %(source)s", day=day(state.rate.on), source=state.rate.source)))
    found.append((_("Time zone"), state.zone.name))
    return found


def owed_by(state: Subscription) -> Money:
    """What is owed and charged for; not a draft that may still be dropped."""
    return sum_of((owed.due for owed in state.unpaid), state.currency)


def ahead_of(state: Subscription, known: Known, lapse_at: datetime | None) -> Facts:
    """What is planned, what waits, and what happens when nobody does anything."""
    found: Facts = []
    if state.planned is not None:
        found.append((_("Planned"), say_planned(state.planned, state.period.end, known)))
    if state.awaiting is not None:
        found.append((_("Waits for its payment"), _awaiting(state.awaiting, known, lapse_at)))
    if state.episode is not None:
        found += _grace(state)
    if state.hibernating_since is not None and state.status == states.HIBERNATING:
        found.append((_("Hibernates since"), day(state.hibernating_since.start)))
        if state.wakes_on is not None:
            found.append((_("Wakes up by itself"), _wakes(state)))
    if state.dunning is not None:
        found += _dunning(state)
    if state.announced is not None:
        found.append((_("Another exchange rate"), _("announced, from %(day)s on", day=day(state.announced.applies_on))))
    if state.next_currency is not None:
        found.append((_("Another currency"), _("%(currency)s from the next boundary on", currency=state.next_currency)))
    if state.cancelled_on is not None:
        found.append((_("Ended"), day(state.cancelled_on)))
    return found


def say_planned(planned: Planned, boundary: date, known: Known) -> str:
    """The one change that waits for its day."""
    on = day(planned.on or boundary)
    if planned.kind == "cancel":
        return _("it ends on %(day)s", day=on)
    if planned.kind == "hibernate" and planned.wakes_on is not None:
        return _("it hibernates from %(day)s on and wakes up on %(wakes)s", day=on, wakes=day(planned.wakes_on))
    if planned.kind == "hibernate":
        return _("it hibernates from %(day)s on", day=on)
    return _("%(plan)s from %(day)s on", plan=known.plan(planned.tier), day=on)


def _wakes(state: Subscription) -> str:
    """The day that was set; one that has come waits for what is unpaid."""
    assert state.wakes_on is not None
    if state.wakes_on > state.today:
        return _("on %(day)s", day=day(state.wakes_on))
    return _("as soon as the open invoice is paid; it was to be on %(day)s", day=day(state.wakes_on))


def _awaiting(held: Awaiting, known: Known, lapse_at: datetime | None) -> str:
    values = {"plan": known.plan(held.tier), "amount": money(held.document.gross), "until": when(lapse_at)}
    if lapse_at is None:
        return _("%(plan)s for %(amount)s", **values)
    return _("%(plan)s for %(amount)s, until %(until)s", **values)


def _products(state: Subscription) -> str:
    count = state.products.count
    limit = state.plan.limit
    words = number(count) if limit is None else _("%(count)s of %(limit)s", count=number(count), limit=number(limit))
    hidden = state.products.hidden
    return words if not hidden else ngettext("%(words)s, %(num)s of them hidden", "%(words)s, %(num)s of them hidden", hidden, words=words)


def _grace(state: Subscription) -> Facts:
    assert state.episode is not None
    found = [(_("Over its limit since"), day(state.episode.opened_on))]
    if limits.is_hard(state):
        found.append((_("Days of grace"), _("used up: one more product asks for a greater plan")))
    else:
        left = max(0, limits.days_left(state))
        found.append((_("Days of grace"), ngettext("%(num)s left after today", "%(num)s left after today", left)))
        found.append((_("Greater plan by itself"), day(state.today + (left + 1) * DAY)))
    return found


def _dunning(state: Subscription) -> Facts:
    assert state.dunning is not None
    days = dunning.schedule(state.dunning.since, state.terms)
    found = [(_("Declined since"), day(state.dunning.since)), (_("Attempts so far"), number(state.dunning.attempts))]
    if state.dunning.stopped or state.status == states.CANCELLED:
        return [*found, (_("Tried again"), _("not any more"))]
    coming = [retry for retry in days.retries if retry > state.today]
    if state.status != states.SUSPENDED:
        again = _("only with another card") if state.dunning.hard else ", ".join(map(day, coming)) or _("not any more")
        found.append((_("Tried again"), again))
        found.append((_("Service stops"), day(days.suspended)))
    return [*found, (_("Ends for good"), day(days.cancelled))]
