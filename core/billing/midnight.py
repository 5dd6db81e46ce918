"""Local midnight: one order for everything that falls on it, day after day, however late the run. Preview and run are this same code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from core.billing import begin, branches, cancel, change, dunning, gate, hibernate, limits, reactivate, renew, states
from core.billing.calendar import DAY
from core.billing.effects import ChargeWanted, Effect, Notice
from core.billing.lines import Line, sum_of, total
from core.billing.payment import paid, receive
from core.billing.renew import Offer
from core.billing.subscription import Step, Subscription
from core.billing.tax import with_tax
from core.kernel.money import Money

NEXT_INVOICE = "next invoice"  # of a notice: its sum is not charged by itself


def run_to(state: Subscription, day: date, offer_on: Callable[[date], Offer]) -> Step:
    """Every midnight up to the beginning of `day`, in order, each with the price list and the rates of its own day.

    A day that was run is not run again: nothing happens twice, and a clock that goes back repeats nothing.
    """
    effects: list[Effect] = []
    while state.today < day:
        state, done = midnight(state, as_of(offer_on(state.today + DAY), state.today + DAY, day))
        effects += done
    return state, tuple(effects)


def as_of(offer: Offer, on: date, today: date) -> Offer:
    """What counts on a day, by who runs it today: one that has passed is over."""
    return replace(offer, over=True) if on < today else offer


def midnight(state: Subscription, offer: Offer) -> Step:
    """Close today and begin tomorrow: branches, limits, what was planned, suspension, renewal, charges, notices, in this order."""
    state, closed = branches.close_day(state)
    state = limits.close_day(state)
    state = replace(state, today=state.today + DAY)
    if state.status == states.TRIALING and state.trial_ends == state.today:
        state, begun = _end_trial(state, offer)
        return state, (*closed, *begun)
    effects: list[Effect] = [*closed]
    at_boundary = state.today == state.period.end
    if at_boundary:
        state, lapsed = gate.drop(state, why="change_lapsed")
        effects += lapsed
        state = limits.lower_by_wish(state)
    before = state.tier
    state, enforced = limits.enforce(state) if not _rests_today(state) else (state, ())
    enforced_from = before if at_boundary and state.tier != before else ""
    effects += enforced
    for act in (_planned, cancel.write_off, dunning.suspend):
        state, done = act(state)
        effects += done
    if at_boundary and state.status != states.CANCELLED:
        state, renewed = _boundary(state, offer, enforced_from)
        effects += renewed
    elif not at_boundary and not offer.over:
        state, woken = hibernate.wake(state, coming=offer.local(state))
        effects += woken
    for act in (dunning.warn, dunning.retry, _requote, _trial_ahead(offer), _renewal_ahead(offer), _wake_ahead(offer)):
        state, done = act(state)
        effects += done
    state, told = limits.look(state, coming=offer.local(state))
    state, announced = renew.announce(state, offer)
    return state, (*effects, *told, *announced)


def _rests_today(state: Subscription) -> bool:
    """Whether it hibernates or ends today: nobody is sold a greater plan on the way out."""
    planned = state.planned
    return planned is not None and planned.kind in ("hibernate", "cancel") and (planned.on or state.period.end) <= state.today


def _planned(state: Subscription) -> Step:
    """A change whose day has come: at the period's end, or at the midnight it was planned for."""
    planned = state.planned
    if planned is None or (planned.on or state.period.end) > state.today:
        return state, ()
    if planned.kind == "cancel":
        return cancel.end(state)
    if planned.kind == "hibernate":
        if state.status != states.ACTIVE or state.unpaid:
            return replace(state, planned=None), (Notice("hibernation_dropped", state.today),)
        return hibernate.fall_asleep(state)
    return change.at_boundary(state)


def _boundary(state: Subscription, offer: Offer, enforced_from: str) -> Step:
    """A new period. Whoever set this day wakes up; so does, or is cancelled, who hibernated as long as is possible; who is suspended is not billed."""
    effects: list[Effect] = []
    over = hibernate.is_over(state)
    if over or hibernate.day_has_come(state):
        wakes = not over or state.resume_confirmed or hibernate.day_has_come(state)
        state, done = hibernate.wake_at_boundary(state) if wakes else cancel.end(state)
        effects += done
        if state.status == states.CANCELLED:
            return state, tuple(effects)
    state, begun = renew.begin_period(state, offer)
    state, renewed = renew.renew(state, tier_before=enforced_from if state.tier != enforced_from else "")
    state, reminded = hibernate.remind(state)
    return state, (*effects, *begun, *renewed, *reminded)


def _end_trial(state: Subscription, offer: Offer) -> Step:
    if state.planned is not None and state.planned.kind == "cancel":
        return cancel.end(state)
    if not state.has_card:
        state = replace(state, anchor=state.today, trial_ends=None)
        state, begun = renew.begin_period(state, offer)
        state, stopped = dunning.trial_without_card(state)
        return state, (*begun, *stopped)
    return begin.end_trial(state, offer)


def _trial_ahead(offer: Offer) -> Callable[[Subscription], Step]:
    """A few days before a trial ends: when, and what the first period costs."""

    def look_ahead(state: Subscription) -> Step:
        if (
            state.status != states.TRIALING
            or state.trial_ends is None
            or (state.trial_ends - state.today).days != state.terms.trial_notice_days
        ):
            return state, ()
        then = offer.on(state.trial_ends)
        coming = then.local(state)
        price = with_tax((coming if coming.lists(state.tier) else state.terms).tier(state.tier).price, state.tax_bps)
        notice = Notice("trial_ends", state.today, state.trial_ends, price, "" if state.has_card else "no card")
        return replace(state, foretold=then.terms), (notice,)

    return look_ahead


def _renewal_ahead(offer: Offer) -> Callable[[Subscription], Step]:
    """A few days before a renewal: when, and exactly what the card is asked for, should nothing be wished until then."""

    def look_ahead(state: Subscription) -> Step:
        days = state.terms.renewal_notice_days
        if state.status not in (states.ACTIVE, states.HIBERNATING) or state.unpaid or (state.period.end - state.today).days != days:
            return state, ()
        later, effects = state, ()
        for _ in range(days):
            later, effects = midnight(later, offer.on(later.today + DAY))  # the very midnights that will make it
        if later.status not in (states.ACTIVE, states.HIBERNATING):
            return state, ()
        amount = sum_of((effect.amount for effect in effects if isinstance(effect, ChargeWanted)), later.currency)
        told = offer.on(state.period.end).terms
        return replace(state, foretold=told), (_ahead(state, later, amount),)

    return look_ahead


def _ahead(state: Subscription, later: Subscription, amount: Money) -> Notice:
    """What is told of a boundary to come: that it wakes up then, or what the new period costs."""
    if state.status == states.HIBERNATING and later.status == states.ACTIVE:
        return Notice("wake_ahead", state.today, wakes_on=state.period.end, wakes_for=amount)
    what = "hibernation" if later.status == states.HIBERNATING else later.tier
    return Notice("renewal_ahead", state.today, state.period.end, amount, what)


def _wake_ahead(offer: Offer) -> Callable[[Subscription], Step]:
    """As many days before it wakes up inside a period: when, and exactly what that costs. At a boundary the renewal says it."""

    def look_ahead(state: Subscription) -> Step:
        on = state.wakes_on
        if state.status != states.HIBERNATING or on is None or on == state.period.end or state.unpaid:
            return state, ()
        if (on - state.today).days != state.terms.renewal_notice_days:
            return state, ()
        return state, (price_of_waking(state, Notice("wake_ahead", state.today, wakes_on=on), offer),)

    return look_ahead


def price_of_waking(state: Subscription, notice: Notice, offer: Offer) -> Notice:
    """The notice with what waking up on its day costs, worked out by the very midnights that will do it.

    As far as is known now: each charge before is paid, and nothing else is wished. What is too little for a charge goes onto the next invoice.
    """
    on = notice.wakes_on
    assert on is not None
    owed = [each for each in state.open if each.standing != "carried"]
    if owed:
        state, _done = receive(state, tuple(each.document for each in owed), sum_of((each.due for each in owed), state.currency))
    while state.today < on - DAY:
        then = offer.on(state.today + DAY)
        state, _done = paid(*midnight(state, then), then)
    before = {entry.line.number for entry in state.pending}
    state, effects = midnight(state, offer.on(on))
    asked = [effect.amount for effect in effects if isinstance(effect, ChargeWanted)]
    small = [entry.line for entry in state.pending if entry.line.number not in before]
    if asked or not small:
        return replace(notice, wakes_for=sum_of(asked, state.currency))
    return replace(notice, wakes_for=with_tax(total(small, state.currency), state.tax_bps), detail=NEXT_INVOICE)


def _requote(state: Subscription) -> Step:
    """A change that still waits for its payment costs one day less today: its draft is made anew, and an amount too small lets it lapse."""
    held = state.awaiting
    if held is None or held.document.on == state.today:
        return state, ()
    if (state.today - held.asked_on).days > 1:
        return gate.drop(state, why="change_lapsed")  # its hours were over yesterday, whoever was to say so
    state, dropped = gate.drop(state)
    lines: list[Line]
    if held.kind == gate.REACTIVATE:
        lines, debts = reactivate.stub_lines(state), state.unpaid
    elif held.kind == gate.RESUME:
        lines, debts = hibernate.resume_lines(state), ()
    else:
        lines, debts = change.upgrade_lines(state, held.tier), ()
    renewed, drafted = gate.hold(state, held.kind, held.tier, lines, branches=state.branches.count, debts=debts, charge=False)
    assert renewed.awaiting is not None
    renewed = replace(renewed, awaiting=replace(renewed.awaiting, asked_on=held.asked_on, earlier=(*held.earlier, held.document.number)))
    amount = gate.charge_for(renewed, debts).amount
    if amount < state.terms.gateway_minimum:
        return state, (*dropped, Notice("change_lapsed", state.today, detail=held.tier))
    notice = Notice("change_requoted", state.today, state.today, amount, held.tier)
    return renewed, (*dropped, *drafted, notice)


def lapse(state: Subscription) -> Step:
    """The hours in which a held change could be paid are over."""
    return gate.drop(state, why="change_lapsed")
