"""Changing the plan: up at once and paid first, down at the end of the period or now. One change waits at most; the latest wish counts."""

from __future__ import annotations

from dataclasses import replace

from core.billing import gate, proration, states
from core.billing.branches import delta_lines
from core.billing.documents import put
from core.billing.effects import Notice, TierChanged
from core.billing.lines import PLAN, Line
from core.billing.proration import plan_line, running
from core.billing.subscription import Planned, Step, Subscription, plan
from core.billing.tax import with_tax
from core.kernel.errors import Conflict
from core.kernel.sentence import said


class PlanCannotChange(Conflict):
    """The plan cannot be changed in this state."""

    code = "plan_cannot_change"


class ProductsDoNotFit(Conflict):
    """More products are published than the smaller tier holds."""

    code = "products_do_not_fit"


def plan_lines(state: Subscription, tier: str) -> list[Line]:
    """From today to the period's end: the old tier given back, the new one charged."""
    credits = [proration.credit_line(e, e.running, state.today) for e in running(state) if e.line.item == PLAN]
    return [*credits, plan_line(state, tier, state.today, credits)]


def upgrade_lines(state: Subscription, tier: str) -> list[Line]:
    """The plan's lines, and the branches of today so far: one document."""
    lines = plan_lines(state, tier)
    return [*lines, *delta_lines(state, lines)]


def choose_tier(state: Subscription, code: str, *, now: bool = False) -> Step:
    """Ask for a tier: a greater one at once and paid first, a smaller one at the period's end, or `now` with a credit.

    The present tier clears whatever change was waiting. Refuses in a state that has no plan to change, and an upgrade while
    anything is unpaid.
    """
    wanted = state.terms.tier(code)
    if state.status in (states.SUSPENDED, states.CANCELLED):
        raise PlanCannotChange("The plan can be changed again once the subscription is active.")
    if code == state.tier:
        state, dropped = gate.drop(state)
        kept = (Notice("plan_kept", state.today, state.period.end, detail=state.planned.kind),) if state.planned is not None else ()
        return replace(plan(state, None), lapsed=None), (*dropped, *kept)
    upward = state.terms.rank(code) > state.terms.rank(state.tier)
    if state.status == states.TRIALING:
        return _in_trial(state, code, fits=wanted.fits(state.products.count))
    if state.status == states.HIBERNATING:
        return plan(state, Planned("tier", code)), ()  # nothing is billed now; it counts on waking up
    if upward:
        gate.check_nothing_unpaid(state)
        return gate.decide(state, gate.UPGRADE, code, upgrade_lines(state, code), branches=state.branches.count)
    state, dropped = gate.drop(state)
    if now:
        state, effects = _downgrade_now(state, code)
        return state, (*dropped, *effects)
    planned, price = Planned("tier", code), with_tax(wanted.price, state.tax_bps)
    noted = (Notice("change_planned", state.today, state.period.end, price, code),) if planned != state.planned else ()
    return plan(state, planned), (*dropped, *noted)


def _in_trial(state: Subscription, code: str, *, fits: bool) -> Step:
    if not fits:
        raise _does_not_fit(state, code)
    return replace(state, tier=code, planned=None), (TierChanged(state.tier, code, state.today),)


def _downgrade_now(state: Subscription, code: str) -> Step:
    if not state.terms.tier(code).fits(state.products.count):
        raise _does_not_fit(state, code)
    if state.planned is not None and state.planned.on is not None:
        raise PlanCannotChange("A change at midnight is already planned.")
    lines = plan_lines(state, code)
    state, effects = put(state, lines, origin="downgrade")
    changed = TierChanged(state.tier, code, state.today)
    return replace(plan(state, None), tier=code, episode=None), (*effects, changed)


def _does_not_fit(state: Subscription, code: str) -> ProductsDoNotFit:
    limit = state.terms.tier(code).limit
    words = said(
        "%(count)s products are published and this plan holds %(limit)s. Unpublish some first.", count=state.products.count, limit=limit
    )
    return ProductsDoNotFit(words, field="tier")


def at_boundary(state: Subscription) -> Step:
    """A waiting change of tier whose day has come. A smaller tier that is too small is dropped, with notice."""
    planned = state.planned
    if planned is None or planned.kind != "tier" or state.status == states.HIBERNATING:
        return state, ()  # who hibernates keeps a waiting change until waking up
    state = replace(state, planned=None)
    if not state.terms.lists(planned.tier) or not state.terms.tier(planned.tier).fits(state.products.count):
        return state, (Notice("downgrade_dropped", state.today, state.today, with_tax(state.plan.price, state.tax_bps), planned.tier),)
    return replace(state, tier=planned.tier, episode=None), (TierChanged(state.tier, planned.tier, state.today),)
