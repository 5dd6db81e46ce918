"""A boundary: the next period with its price list, rate and tax, and the invoice that pays for it in advance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import available_timezones

from core.billing import fx, proration, states
from core.billing.booking import pending_lines
from core.billing.calendar import period_of
from core.billing.documents import issue
from core.billing.effects import BalanceConverted, Effect, Notice, Written
from core.billing.fx import Rate
from core.billing.lines import Line, total
from core.billing.subscription import Step, Subscription
from core.billing.tax import Treatment, with_tax
from core.billing.terms import Terms
from core.kernel.errors import Conflict, Refusal
from core.providers.exponents import charge_step

BILLED_IN = frozenset({states.ACTIVE, states.PAST_DUE, states.HIBERNATING})


@dataclass(frozen=True, slots=True)
class Offer:
    """What counts on a day: the price list in the base currency, and the latest rate of each other currency.

    `coming`: the price lists that are published already and count from a later day on, in their order. `over`: the day has passed and is
    only caught up with, so nobody can be asked on it for what is paid first.
    """

    terms: Terms
    rates: tuple[Rate, ...] = ()
    coming: tuple[tuple[date, Terms], ...] = ()
    tax: Treatment | None = None  # how this merchant is taxed from a boundary on; None: as before
    over: bool = False

    def on(self, day: date) -> Offer:
        """What is known now of a day to come."""
        begun = [terms for valid_from, terms in self.coming if valid_from <= day]
        return replace(self, terms=begun[-1] if begun else self.terms, over=False) if begun or self.over else self

    def rate(self, currency: str) -> Rate | None:
        return next((rate for rate in self.rates if rate.currency == currency), None)

    def local(self, state: Subscription) -> Terms:
        """This price list for a merchant, at the rate that is locked now, or at the one that was announced."""
        return fx.local_terms(self.terms, state.announced.rate if state.announced is not None else state.rate)


class NoSuchZone(Refusal):
    """There is no such time zone."""

    code = "no_such_zone"


def ask_currency(state: Subscription, currency: str, offer: Offer) -> Step:
    """Another billing currency from the next boundary. Refuses while an invoice is open, or without a rate."""
    if currency == state.currency:
        return replace(state, next_currency=None), ()
    if state.open:
        raise Conflict("An invoice in the present currency is open. Once it is paid, the currency can change.")
    if currency != offer.terms.currency and offer.rate(currency) is None:
        raise Conflict("There is no exchange rate for this currency today.")
    return replace(state, next_currency=currency), ()


def ask_zone(state: Subscription, name: str) -> Step:
    """Another time zone for billing, from the next boundary; the dates of the present period stay. Refuses a name there is no zone of."""
    if name not in available_timezones():
        raise NoSuchZone("Choose a time zone from the list.", field="zone")
    return replace(state, zone=state.zone.moved(name, today=state.today, at=state.period.end)), ()


def announce(state: Subscription, offer: Offer) -> Step:
    """Ahead of a boundary: a price that will move by more than the allowed share is told, with the new one."""
    latest = offer.rate(state.currency)
    if state.rate is None or latest is None or state.announced is not None or state.status not in BILLED_IN:
        return state, ()
    if not offer.terms.lists(state.tier):
        return state, ()  # the old list and its rate stay in force
    if (state.period.end - state.today).days != state.terms.drift_notice_days:
        return state, ()
    told = fx.announce(state.rate, latest, state.terms, today=state.today, boundary=state.period.end)
    if told is None:
        return state, ()
    price = with_tax(fx.local(offer.terms.tier(state.tier).price, latest), state.tax_bps)
    return replace(state, announced=told), (Notice("price_moves", state.today, state.period.end, price),)


def begin_period(state: Subscription, offer: Offer) -> Step:
    """Roll to the period that begins today: only lines that still wait, are owed, or may still be credited stay."""
    effects: list[Effect] = []
    if offer.tax is not None:
        state = replace(state, tax_bps=offer.tax.bps)
    if state.next_currency is not None:
        state, converted = _convert(state, offer)
        effects += converted
    state, locked = _lock(state, offer)
    owed = {each.document for each in state.open}
    corrected = {entry.line.corrects for entry in state.pending}
    kept = tuple(
        replace(entry, running=0)
        for entry in state.entries
        if entry.document is None or entry.document in owed or entry.owed_on in owed or entry.line.number in corrected
    )
    documents = {entry.document for entry in kept}
    branches = replace(state.branches, toggle_days=0, most=state.branches.count, billed=0)
    state = replace(
        state,
        period=period_of(state.anchor, state.today),
        entries=kept,
        taxed=tuple(share for share in state.taxed if share.document in documents),
        branches=branches,
        pending_declined=False,
    )
    return state, (*effects, *locked)


def _terms(state: Subscription, offer: Offer) -> Terms:
    """The price list of the day; but nobody is charged more than they were told: one that is dearer counts from the boundary after."""
    told, new = state.foretold, offer.terms
    if told is None or told.currency != new.currency or not (told.lists(state.tier) and new.lists(state.tier)):
        return new
    sums = ((new.tier(state.tier).price, told.tier(state.tier).price), (new.branch_price, told.branch_price))
    dearer = any(price > before for price, before in (*sums, (new.hibernation_fee, told.hibernation_fee)))
    return told if dearer else new


def _lock(state: Subscription, offer: Offer) -> Step:
    """The price list and the rate of the new period. A list without the merchant's tier leaves the old one in force."""
    offer = replace(offer, terms=_terms(state, offer))
    state = replace(state, foretold=None)
    rate, effects, announced = state.rate, [], state.announced
    latest = offer.rate(state.currency)
    if rate is not None and latest is not None:
        locking = fx.lock(rate, latest, state.announced, state.terms, on=state.today)
        rate, announced = locking.rate, None
        if locking.warn:
            effects.append(Notice("rate_old", state.today, locking.rate.on, detail=locking.why))
    if offer.terms.lists(state.tier):
        return replace(state, terms=fx.local_terms(offer.terms, rate), rate=rate, announced=announced), tuple(effects)
    return replace(state, announced=announced), tuple(effects)


def _convert(state: Subscription, offer: Offer) -> Step:
    """To the currency that was asked for, with the balance at the locked rates; put off while anything is owed in the old one.

    Put off too for whoever keeps an old price list, because their plan is not on the new one: that list stands in the old currency.
    """
    assert state.next_currency is not None
    base = state.next_currency == offer.terms.currency
    new = None if base else offer.rate(state.next_currency)
    if state.open or not offer.terms.lists(state.tier) or (new is None and not base) or (new is not None and fx.is_stale(new, state.today)):
        return state, (Notice("currency_kept", state.today, detail=state.next_currency),)
    effects: list[Effect] = []
    waiting = pending_lines(state)
    net = total(waiting, state.currency)
    if waiting and net >= state.terms.gateway_minimum:
        return state, (Notice("currency_kept", state.today, detail=state.next_currency),)  # its lines are on the renewal that follows
    if net.minor < 0:
        state, given_back = issue(state, waiting, origin="pending", until="now")
        effects += given_back
    elif net:
        effects.append(Written("waived", net))
    rate = fx.cross(state.rate, new)
    given = state.balance.converted(rate, state.next_currency, step=charge_step(state.next_currency))
    if state.balance:
        effects.append(BalanceConverted(state.balance, given, rate))
    terms = fx.local_terms(offer.terms, new)
    price = with_tax(terms.tier(state.tier).price, state.tax_bps)
    effects.append(Notice("currency_changed", state.today, state.today, price, state.next_currency))
    return replace(state, balance=given, terms=terms, rate=new, next_currency=None, announced=None, entries=()), tuple(effects)


def renewal_lines(state: Subscription) -> list[Line]:
    """The whole new period: the plan and its branches, or the fee of hibernating, which includes them."""
    if state.status == states.HIBERNATING:
        return [proration.fee_line(state, state.today)]
    lines = [proration.plan_line(state, state.tier, state.today)]
    if state.branches.count:
        lines.append(proration.branch_line(state, state.branches.count, state.today, lines))
    return lines


def renew(state: Subscription, *, tier_before: str = "", origin: str = "renewal", until: str = "hour") -> Step:
    """Draft and charge the new period, with every line that waited. What waited and is below zero comes back first."""
    if state.status not in BILLED_IN:
        return state, ()
    effects: list[Effect] = []
    if total(pending_lines(state), state.currency).minor < 0:
        state, given = issue(state, pending_lines(state), origin="pending", until="now")
        effects += given
    lines = [*pending_lines(state), *renewal_lines(state)]
    billed = state.branches.count if state.status != states.HIBERNATING else 0
    state = replace(state, branches=replace(state.branches, billed=billed, most=max(state.branches.most, billed)))
    state, owed = issue(state, lines, origin=origin, until=until, tier_before=tier_before)
    return state, (*effects, *owed)
