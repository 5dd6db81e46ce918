"""Hibernation: a small fee keeps everything, out of sight; waking up is paid first and brings the plan and its branches back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.billing import gate, limits, proration, states
from core.billing.calendar import DAY, boundary
from core.billing.documents import put
from core.billing.effects import Effect, Notice, TierChanged
from core.billing.lines import BRANCH, PLAN, Line
from core.billing.subscription import Planned, Step, Subscription, move, plan
from core.billing.tax import with_tax
from core.billing.terms import Terms
from core.kernel.errors import Conflict, Refusal
from core.kernel.sentence import said


class CannotHibernate(Conflict):
    """Hibernating is no way out of a debt, nor of a change that is being paid."""

    code = "cannot_hibernate"


class NotHibernating(Conflict):
    """There is nothing to wake up from."""

    code = "not_hibernating"


class NoDayToWake(Refusal):
    """Nobody can wake up on this day."""

    code = "no_day_to_wake"


def hibernate(state: Subscription, *, now: bool = False, until: date | None = None) -> Step:
    """From the period's end, or with `now` from the next midnight: today stays a paid day. A waiting change of tier is kept.

    `until` is the day on which it wakes up by itself; without one it waits to be woken.
    """
    if state.awaiting is not None:
        raise CannotHibernate("A change is waiting for its payment. Pay it or cancel it first.")
    if state.status == states.PAST_DUE or state.dunning is not None:
        raise CannotHibernate("Pay the open invoice first; then you can hibernate.")
    if state.unpaid:
        raise CannotHibernate(gate.UNDER_WAY)
    if state.status != states.ACTIVE:
        raise CannotHibernate("Only an active subscription can hibernate.")
    tier = state.planned.tier if state.planned is not None else ""
    on, fee = state.today + DAY if now else state.period.end, with_tax(state.terms.hibernation_fee, state.tax_bps)
    planned = Planned("hibernate", tier, on if now else None, until)
    if until is not None:
        _check_day(until, *days_to_wake(plan(state, planned)))
    noted = (Notice("hibernation_planned", state.today, on, fee, wakes_on=until),) if planned != state.planned else ()
    return plan(state, planned), noted


def wake_on(state: Subscription, day: date | None) -> Step:
    """The day on which it wakes up by itself is this one; None takes it back, and it waits to be woken again.

    For who hibernates or is about to. Refuses a day too early or too late, and while the plan is to end.
    """
    planned = state.planned
    ahead = planned is not None and planned.kind == "hibernate"
    if not ahead and state.status != states.HIBERNATING:
        raise NotHibernating("The subscription is not hibernating.")
    if planned is not None and planned.kind == "cancel":
        raise Conflict("The plan is to end. Take that back first; then it can wake up.")
    if day is not None:
        _check_day(day, *days_to_wake(state))
    before = wakes_on(state)
    if day == before:
        return state, ()
    told = (
        Notice("wake_withdrawn", state.today, before, with_tax(state.terms.hibernation_fee, state.tax_bps))
        if day is None
        else Notice("wake_planned", state.today, wakes_on=day)
    )
    if ahead and planned is not None:
        return plan(state, replace(planned, wakes_on=day)), (told,)
    return replace(state, wakes_on=day), (told,)


def wakes_on(state: Subscription) -> date | None:
    """The day on which it wakes up by itself, whether it hibernates already or is about to."""
    planned = state.planned
    return planned.wakes_on if planned is not None and planned.kind == "hibernate" else state.wakes_on


def days_to_wake(state: Subscription) -> tuple[date, date]:
    """The first and the last day that can be chosen: after the first day of it, and at the latest when the longest hibernation is over."""
    planned = state.planned
    if planned is None or planned.kind != "hibernate":
        last = _boundary(state, state.terms.hibernation_months)
        assert last is not None
        return state.today + DAY, last
    begins = planned.on or state.period.end
    start = state.period.start if begins in state.period else state.period.end
    return begins + DAY, boundary(state.anchor, _number(state, start) + state.terms.hibernation_months)


def _check_day(day: date, first: date, last: date) -> None:
    if not first <= day <= last:
        raise NoDayToWake(said("Choose a day from %(first)s to %(last)s.", first=first, last=last), field="until")


def fall_asleep(state: Subscription) -> Step:
    """The moment it begins. Inside a period what is unused comes back and the fee is charged for the rest; at a boundary the renewal is the fee."""
    planned = state.planned
    assert planned is not None
    effects: list[Effect] = []
    inside = state.today in state.period
    if inside:
        credits = proration.ended(state, state.today, PLAN, BRANCH)
        lines = [*credits, proration.fee_line(state, state.today, credits)]
        state, booked = put(state, lines, origin="hibernate")
        effects += booked
    state, moved = move(state, states.HIBERNATING)
    held = state.branches
    state = replace(
        state,
        planned=Planned("tier", planned.tier) if planned.tier else None,
        hibernating_since=state.period
        if inside
        else replace(state.period, start=state.period.end, end=boundary(state.anchor, _number(state, state.period.end) + 1)),
        episode=None,
        resume_confirmed=False,
        wakes_on=planned.wakes_on,
        branches=replace(held, billed=0),
    )
    return state, (*moved, *effects)


def _number(state: Subscription, day: date) -> int:
    """Which boundary a day is, counted from the anchor."""
    return (day.year - state.anchor.year) * 12 + day.month - state.anchor.month


def resume_lines(state: Subscription) -> list[Line]:
    """From today: the fee given back, the plan and all branches charged."""
    lines: list[Line] = proration.ended(state, state.today, PLAN)
    lines.append(proration.plan_line(state, _tier(state), state.today, lines))
    if state.branches.count:
        lines.append(proration.branch_line(state, state.branches.count, state.today, lines))
    return lines


def _tier(state: Subscription) -> str:
    """The tier that waking up leads to: a waiting change counts now, if the products fit."""
    planned = state.planned
    if (
        planned is None
        or planned.kind != "tier"
        or not state.terms.lists(planned.tier)
        or not state.terms.tier(planned.tier).fits(state.products.count)
    ):
        return state.tier
    return planned.tier


def resume(state: Subscription, *, coming: Terms | None = None) -> Step:
    """Wake up at once: paid first, the anchor stays, and the limit is looked at anew from today."""
    if state.status != states.HIBERNATING:
        raise NotHibernating("The subscription is not hibernating.")
    gate.check_nothing_unpaid(state)
    planned, tier = state.planned, _tier(state)
    dropped: tuple[Effect, ...] = ()
    if planned is not None and planned.kind == "tier" and planned.tier != tier:
        dropped = (Notice("downgrade_dropped", state.today, state.today, with_tax(state.plan.price, state.tax_bps), planned.tier),)
    state, effects = gate.decide(state, gate.RESUME, tier, resume_lines(state), branches=state.branches.count)
    state, told = limits.look(state, coming=coming)
    return state, (*dropped, *effects, *told)


def confirm_resume(state: Subscription) -> Step:
    """The merchant wants the subscription to wake up when the longest hibernation is over."""
    if state.status != states.HIBERNATING:
        raise NotHibernating("The subscription is not hibernating.")
    return replace(state, resume_confirmed=True), ()


def is_over(state: Subscription) -> bool:
    """Whether today, a boundary, ends the longest hibernation."""
    return _months(state, state.terms.hibernation_months)


def remind(state: Subscription) -> Step:
    """At the boundary a month before the end: it wakes up only when that is confirmed."""
    if (
        state.status != states.HIBERNATING
        or state.resume_confirmed
        or state.wakes_on
        or not _months(state, state.terms.hibernation_notice_month)
    ):
        return state, ()
    ends = _boundary(state, state.terms.hibernation_months)
    return state, (Notice("hibernation_ends", state.today, ends, with_tax(state.plan.price, state.tax_bps)),)


def _months(state: Subscription, months: int) -> bool:
    return state.status == states.HIBERNATING and state.today == _boundary(state, months)


def _boundary(state: Subscription, months: int) -> date | None:
    """The boundary so many months after the one at which the period of falling asleep began."""
    since = state.hibernating_since
    if since is None:
        return None
    return boundary(state.anchor, _number(state, since.start) + months)


def day_has_come(state: Subscription) -> bool:
    """Whether it wakes up by itself now. While the fee is unpaid, or waking up by hand waits for its payment, the day waits too."""
    come = state.status == states.HIBERNATING and state.wakes_on is not None and state.wakes_on <= state.today
    return come and not state.unpaid and state.awaiting is None


def wake(state: Subscription, *, coming: Terms | None = None) -> Step:
    """Inside a period the day has come: as if it were woken by hand, and tried once. Before the fee is paid it waits for the next midnight.

    A day that is only caught up with wakes nobody: who was hidden on it does not pay for it.
    """
    if not day_has_come(state):
        return state, ()
    try:
        woken, effects = resume(state, coming=coming)
    except gate.PaymentPending:
        return state, ()
    return replace(woken, wakes_on=None), effects


def wake_at_boundary(state: Subscription) -> Step:
    """It wakes up with a new period: active again, and the renewal of this day is the plan's."""
    before, tier, planned = state.tier, _tier(state), state.planned
    effects: list[Effect] = []
    if planned is not None and planned.kind == "tier" and planned.tier != tier:
        effects.append(Notice("downgrade_dropped", state.today, state.today, with_tax(state.plan.price, state.tax_bps), planned.tier))
    state, moved = move(replace(state, tier=tier, planned=None), states.ACTIVE)
    effects += moved
    if tier != before:
        effects.append(TierChanged(before, tier, state.today))
    return replace(state, hibernating_since=None, resume_confirmed=False, wakes_on=None), tuple(effects)
