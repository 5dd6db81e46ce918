"""The first day of a subscription: a trial, or the first period, which counts once it is paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.billing import fx, limits, states
from core.billing.calendar import BillingZone, Period, period_of, trial_end
from core.billing.effects import Effect, Notice
from core.billing.fx import Rate
from core.billing.renew import Offer, begin_period, renew
from core.billing.subscription import Branches, Products, Step, Subscription, move
from core.billing.tax import with_tax
from core.billing.terms import Terms
from core.kernel.money import Money

START = "start"


def begin(
    terms: Terms, tier: str, on: date, *, key: str, zone: str = "Europe/London", rate: Rate | None = None, trial_days: int = 0,
    tax_bps: int | None = None, products: int = 0, branches: int = 0, has_card: bool = True,
) -> Step:  # fmt: skip
    """A new subscription. Without a trial its first invoice is drafted until it is paid; declined, nothing has begun."""
    local = fx.local_terms(terms, rate)
    chosen = local.smallest_for(products, least=tier).code
    period = Period(on, trial_end(on, trial_days)) if trial_days else period_of(on, on)
    state = Subscription(
        key, states.TRIALING if trial_days else states.ACTIVE, on, on, period, BillingZone(zone), local, chosen,
        Money(0, local.currency), rate, tax_bps,
        branches=Branches(branches, opening=branches, peak=branches), products=Products(products, products), has_card=has_card,
    )  # fmt: skip
    if trial_days:
        return replace(state, trial_ends=period.end, foretold=terms), (
            Notice("trial_began", on, period.end, with_tax(local.tier(chosen).price, tax_bps)),
        )
    return renew(state, origin=START, until="paid")


def end_trial(state: Subscription, offer: Offer) -> Step:
    """The trial is over: its end is the new anchor, and the first period is charged if there is a card."""
    state = replace(state, anchor=state.today, trial_ends=None)
    state, locked = begin_period(state, offer)
    state, moved = move(state, states.ACTIVE)
    state, owed = renew(state)
    state, told = limits.look(state, coming=offer.local(state))
    effects: list[Effect] = [*locked, *moved, *owed, *told]
    return state, tuple(effects)
