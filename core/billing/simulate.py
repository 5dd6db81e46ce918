"""The plan simulator: a subscription as it stands, or one that nobody has begun, played through the coming year with wishes and without.

Nothing is kept. Prices that are published already count from their day on; of rates nobody knows more than today's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from core.billing.begin import begin
from core.billing.calendar import DAY, boundary, local_date
from core.billing.clock import clock_of
from core.billing.effects import ChargeWanted, Effect
from core.billing.forecast import MONTHS, Forecast, Intention, forecast
from core.billing.midnight import as_of, midnight
from core.billing.models import BillingCharge, KeptSubscription, PriceList
from core.billing.payment import paid, receive
from core.billing.price_list import Seller, offer_on
from core.billing.queries import read
from core.billing.renew import Offer
from core.billing.store import Beginning
from core.billing.subscription import Subscription
from core.kernel.db import db
from core.kernel.money import Money

Offers = Callable[[date], Offer]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The year with the wishes, and the same year without them. `first` and `last` are its days; `on_the_way` is asked for already."""

    wished: Forecast
    unchanged: Forecast
    first: date
    last: date
    on_the_way: Money

    @property
    def currencies(self) -> tuple[str, ...]:
        """In which the card would be asked, the last one first: a change of currency may lie ahead."""
        seen = {charge.amount.currency for play in (self.wished, self.unchanged) for charge in play.charges}
        own = self.wished.end.currency
        return (own, *sorted(seen - {own}))

    def difference(self, currency: str) -> Money:
        """What the wishes cost in a currency, or save when negative."""
        return self.wished.total_in(currency) - self.unchanged.total_in(currency)


def last_day(first: date) -> date:
    """The last day of the twelve months that begin on a day."""
    return boundary(first, MONTHS) - DAY


def today_of(row: KeptSubscription) -> date:
    """The subscription's present local day, also when its last midnights have not been run yet."""
    state = read(row)
    return max(state.today, local_date(clock_of(row), state.zone))


def simulate(row: KeptSubscription, intentions: Iterable[Intention]) -> Simulation:
    """The kept subscription from today on. What the card was asked for already counts as paid, as does everything to come."""
    state, first = read(row), today_of(row)
    offers = offers_ahead(row.vendor_id, row.mode, first, state)
    state, on_the_way = _all_answered(row, state, offers(first))
    before: list[Effect] = []
    while state.today < first:
        offer = as_of(offers(state.today + DAY), state.today + DAY, first)
        state, done = paid(*midnight(state, offer), offer)
        before += done
    return _both(state, tuple(before), intentions, offers, on_the_way)


def simulate_new(seller: Seller, mode: str, wish: Beginning, on: date, intentions: Iterable[Intention]) -> Simulation:
    """A subscription that would begin on a day. Refuses a tier that is not on the list then."""
    offer = offer_on(seller.id, mode, on, currencies=frozenset({wish.currency}))
    state, effects = begin(
        offer.terms, wish.tier, on, key="sub_new", zone=wish.zone, rate=offer.rate(wish.currency), trial_days=wish.trial_days,
        tax_bps=wish.tax_bps, products=wish.products, branches=wish.branches,
    )  # fmt: skip
    state, effects = paid(state, effects, offer)
    return _both(state, effects, intentions, offers_ahead(seller.id, mode, on, state), state.zero)


def _both(state: Subscription, before: tuple[Effect, ...], intentions: Iterable[Intention], offers: Offers, way: Money) -> Simulation:
    first, last = state.today, last_day(state.today)

    def play(wishes: Iterable[Intention]) -> Forecast:
        return forecast(state, wishes, offers(first), until=last, offer_on=offers, before=before)

    return Simulation(play(intentions), play(()), first, last, way)


def _all_answered(row: KeptSubscription, state: Subscription, offer: Offer) -> tuple[Subscription, Money]:
    """The state once every charge that is out has been paid, and what those come to."""
    mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode)
    out = mine.where(BillingCharge.subscription_id == row.id, BillingCharge.state.in_(("wanted", "sent"))).order_by(BillingCharge.id)
    total, more = state.zero, []
    for charge in db.session.scalars(out):
        amount = Money(charge.amount_minor, charge.currency)
        state, done = receive(state, tuple(charge.documents), amount, coming=offer.local(state))
        total, more = total + amount, [*more, *done]
    state, done = paid(state, more, offer)
    for effect in done:
        if isinstance(effect, ChargeWanted):
            total = total + effect.amount
    return state, total


def offers_ahead(vendor_id: uuid.UUID, mode: str, first: date, state: Subscription) -> Offers:
    """What will count on each day from today on: the versions that are published, and today's rates as if they were published anew each day."""
    base = offer_on(vendor_id, mode, first, currencies=frozenset({state.currency, state.next_currency or state.currency}))
    mine = select(PriceList.valid_from).where(PriceList.vendor_id == vendor_id, PriceList.mode == mode)
    days = db.session.scalars(mine.where(PriceList.valid_from > first, PriceList.valid_from <= last_day(first)).distinct())
    versions = {day: offer_on(vendor_id, mode, day).terms for day in sorted(days)}

    def on(day: date) -> Offer:
        terms = next((terms for begins, terms in reversed(versions.items()) if begins <= day), base.terms)
        return Offer(terms, tuple(replace(rate, on=max(rate.on, day)) for rate in base.rates))

    return on
