"""The soft limit on products: seven whole days of grace that cannot be gamed, notices with date and sum, then an upgrade that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from core.billing import gate, states
from core.billing.booking import gross_of
from core.billing.calendar import DAY, period_of
from core.billing.change import plan_lines, upgrade_lines
from core.billing.effects import Effect, Notice, ProductsHidden, ProductsShown, TierChanged
from core.billing.proration import part
from core.billing.subscription import Episode, Planned, Products, Step, Subscription
from core.billing.tax import with_tax
from core.billing.terms import Terms
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.sentence import said

LIMITED_IN = frozenset({states.ACTIVE, states.PAST_DUE})


class LimitReached(Conflict):
    """The grace of the last weeks is used up: one more product asks for a greater plan."""

    code = "limit_reached"


def set_products(state: Subscription, count: int, *, coming: Terms | None = None) -> Step:
    """So many products are published from now on; the first moment over the limit opens the grace.

    Refuses one more over the limit when the days of grace are used up (until seven clean days have passed). `coming` is the price
    list from the next boundary on, for the sum that a notice tells.
    """
    products = state.products
    if state.status not in states.MAY_EDIT:
        raise Conflict("Products cannot be published while the subscription is suspended or cancelled.")
    if is_hard(state) and count > products.count and not state.plan.fits(count):
        words = said(
            "Your plan holds %(limit)s products, and its days of grace are used up. Upgrade to publish more.", limit=state.plan.limit
        )
        raise LimitReached(words, field="products")
    hidden = min(products.hidden, max(0, count - (state.plan.limit or count)))
    state = replace(state, products=replace(products, count=count, peak=max(products.peak, count), hidden=hidden))
    fewer: tuple[Effect, ...] = ()
    if hidden != products.hidden:  # some were taken out: what fits again is shown again
        fewer = (ProductsHidden(hidden) if hidden else ProductsShown(),)
    state, told = look(state, coming=coming)
    return state, (*fewer, *told)


def is_hard(state: Subscription) -> bool:
    """Whether the limit is hard: no day of grace is left."""
    return state.status in LIMITED_IN and state.episode is not None and state.episode.used >= state.terms.grace_days


def days_left(state: Subscription) -> int:
    """Whole days of grace after today, should today be one of them."""
    episode = state.episode
    if episode is None:
        return state.terms.grace_days
    return state.terms.grace_days - episode.used - (state.today > episode.opened_on)


def look(state: Subscription, *, coming: Terms | None = None) -> Step:
    """Open the grace when the limit is passed, and tell what is due to be told. Safe to repeat: each notice comes once."""
    if state.status not in LIMITED_IN or state.plan.fits(state.products.count):
        return state, ()
    effects: list[Effect] = []
    if state.episode is None:
        state = replace(state, episode=Episode(state.today))
        effects.append(_notice(state, "limit_breached", coming))
    episode = state.episode
    assert episode is not None
    if state.today > episode.opened_on and not is_hard(state):
        for days in state.terms.notice_days:
            if days_left(state) <= days and days not in episode.told:
                episode = replace(episode, told=(*episode.told, days))
                effects.append(replace(_notice(state, "grace_running", coming), count=days_left(state)))
    return replace(state, episode=episode), tuple(effects)


def _notice(state: Subscription, kind: str, coming: Terms | None) -> Notice:
    on = state.today + (days_left(state) + 1) * DAY
    tier, amount = quote(state, on, coming=coming)
    return Notice(kind, state.today, on, amount, tier)


def quote(state: Subscription, on: date, *, coming: Terms | None = None) -> tuple[str, Money]:
    """To which tier an enforcement on that day leads and what it costs, should nothing else change; across one renewal as well."""
    terms = state.terms
    if on >= state.period.end:
        terms = coming if coming is not None and coming.lists(state.tier) else terms
        planned = state.planned
        if (
            planned is not None
            and planned.kind == "tier"
            and terms.lists(planned.tier)
            and terms.tier(planned.tier).fits(state.products.count)
        ):
            state = replace(state, tier=planned.tier)
        target = terms.smallest_for(state.products.count, least=state.tier)
        period = period_of(state.anchor, on)
        if on == period.start:
            return target.code, with_tax(target.price, state.tax_bps)  # the renewal of that day is the greater plan's
        piece = period.rest(on)
        share = Fraction(piece.days, period.days)
        return target.code, with_tax(part(target.price, share) - part(terms.tier(state.tier).price, share), state.tax_bps)
    target = terms.smallest_for(state.products.count, least=state.tier)
    later = replace(state, today=on)
    return target.code, gross_of(later, plan_lines(later, target.code))


def is_small(state: Subscription, on: date, *, coming: Terms | None = None) -> bool:
    """Whether what an enforcement on that day costs goes onto the next invoice, being too little to charge by itself; the balance pays it at once."""
    _tier, net = quote(replace(state, tax_bps=None), on, coming=coming)
    return net < state.terms.small_amount and quote(state, on, coming=coming)[1] > state.balance


# --- midnight ----------------------------------------------------------------------------------------------------------------


def close_day(state: Subscription) -> Subscription:
    """For the day that ends: a day of grace when the count was above the limit at any moment, else a clean day; seven of those close it."""
    products = state.products
    state = replace(state, products=_low(state, products))
    episode = state.episode
    if state.status not in LIMITED_IN:
        return replace(state, episode=None)
    if episode is None or state.today == episode.opened_on:
        return state
    if not state.plan.fits(products.peak):
        used = min(episode.used + 1, state.terms.grace_days)
        return replace(state, episode=replace(episode, used=used, clean=0))
    clean = episode.clean + 1
    return replace(state, episode=None if clean >= state.terms.clean_days else replace(episode, clean=clean))


def _low(state: Subscription, products: Products) -> Products:
    """Days in a row on which the lower tier would have done."""
    lower = state.terms.below(state.tier)
    low = lower is not None and state.status in LIMITED_IN and lower.fits(products.peak)
    return replace(products, peak=products.count, low_days=products.low_days + 1 if low else 0)


def enforce(state: Subscription) -> Step:
    """At the first midnight without a day left and still over: the smallest tier that fits, from this day. Tried once by itself.

    At a boundary the renewal that follows is the greater tier's. Before it, the change is paid first like any other.
    """
    if not is_hard(state) or state.plan.fits(state.products.count):
        return state, ()
    episode = state.episode
    assert episode is not None
    if episode.tried or state.awaiting is not None or state.unpaid:
        return state, ()  # it was tried and its surplus is hidden; or something is owed, and nothing is sold on top
    target = state.terms.smallest_for(state.products.count, least=state.tier)
    at_boundary = state.today == state.period.end
    lines = [] if at_boundary else upgrade_lines(state, target.code)
    if gate.is_under_way(state, lines):
        return state, ()  # its first invoice, or branches: tried tomorrow, when the card has answered
    state = replace(state, episode=replace(episode, tried=True))
    if at_boundary:
        old = state.tier
        state, shown = gate.fit(replace(state, tier=target.code))
        return state, (
            TierChanged(old, target.code, state.today),
            Notice("limit_enforced", state.today, state.today, with_tax(target.price, state.tax_bps), target.code),
            *shown,
        )
    notice = Notice("limit_enforced", state.today, state.today, gross_of(state, plan_lines(state, target.code)), target.code)
    state, effects = gate.decide(state, gate.LIMIT, target.code, lines, branches=state.branches.count)
    told = () if state.awaiting is not None else (notice,)
    return state, (*effects, *told)


def hide_surplus(state: Subscription) -> Step:
    """The upgrade could not be paid: the newest products over the limit are hidden until it is, or until they are fewer."""
    limit = state.plan.limit
    surplus = 0 if limit is None else max(0, state.products.count - limit)
    if not surplus or surplus == state.products.hidden:
        return state, ()
    state = replace(state, products=replace(state.products, hidden=surplus))
    return state, (ProductsHidden(surplus), Notice("products_hidden", state.today, state.today, count=surplus))


def lower_by_wish(state: Subscription) -> Subscription:
    """At the period's end, for who asked for it: the lower tier, after enough days in a row on which it would have done."""
    lower = state.terms.below(state.tier)
    if not state.auto_downgrade or state.planned is not None or lower is None or state.status != states.ACTIVE:
        return state
    return replace(state, planned=Planned("tier", lower.code)) if state.products.low_days >= state.terms.clean_days else state
