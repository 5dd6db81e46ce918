"""Hibernation: a small fee keeps everything, out of sight; waking up is paid first and brings the plan and its branches back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.billing import gate, limits, proration, states
from core.billing.calendar import DAY, boundary
from core.billing.documents import put
from core.billing.effects import Effect, Notice
from core.billing.lines import BRANCH, PLAN, Line
from core.billing.subscription import Planned, Step, Subscription, move, plan
from core.billing.tax import with_tax
from core.billing.terms import Terms
from core.kernel.errors import Conflict


class CannotHibernate(Conflict):
    """Hibernating is no way out of a debt, nor of a change that is being paid."""

    code = "cannot_hibernate"


class NotHibernating(Conflict):
    """There is nothing to wake up from."""

    code = "not_hibernating"


def hibernate(state: Subscription, *, now: bool = False) -> Step:
    """From the period's end, or with `now` from the next midnight: today stays a paid day. A waiting change of tier is kept."""
    if state.awaiting is not None:
        raise CannotHibernate("A change is waiting for its payment. Pay it or cancel it first.")
    if state.status == states.PAST_DUE or state.unpaid:
        raise CannotHibernate("Pay the open invoice first; then you can hibernate.")
    if state.status != states.ACTIVE:
        raise CannotHibernate("Only an active subscription can hibernate.")
    tier = state.planned.tier if state.planned is not None else ""
    on, fee = state.today + DAY if now else state.period.end, with_tax(state.terms.hibernation_fee, state.tax_bps)
    planned = Planned("hibernate", tier, on if now else None)
    noted = (Notice("hibernation_planned", state.today, on, fee),) if planned != state.planned else ()
    return plan(state, planned), noted


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
        else replace(state.period, start=state.period.end, end=boundary(state.anchor, _next(state))),
        episode=None,
        resume_confirmed=False,
        branches=replace(held, billed=0),
    )
    return state, (*moved, *effects)


def _next(state: Subscription) -> int:
    """The number of the boundary after the period's end."""
    end = state.period.end
    return (end.year - state.anchor.year) * 12 + end.month - state.anchor.month + 1


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
    if state.status != states.HIBERNATING or state.resume_confirmed or not _months(state, state.terms.hibernation_notice_month):
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
    n = (since.start.year - state.anchor.year) * 12 + since.start.month - state.anchor.month
    return boundary(state.anchor, n + months)


def wake_at_end(state: Subscription) -> Step:
    """The longest hibernation is over and its end was confirmed: active again, the renewal of this day is the plan's."""
    tier = _tier(state)
    state, moved = move(replace(state, tier=tier, planned=None), states.ACTIVE)
    return replace(state, hibernating_since=None, resume_confirmed=False), moved
