"""The plan simulator: dated wishes in, the documents of the coming months out, by the very acts and midnights that will make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.billing.calendar import DAY, boundary, first_instant
from core.billing.effects import ChargeWanted, Drafted, Dropped, Effect, Notice
from core.billing.lines import Document, sum_of
from core.billing.midnight import midnight
from core.billing.payment import paid
from core.billing.renew import Offer
from core.billing.subscription import Step, Subscription
from core.billing.wishes import Wish, perform
from core.kernel.errors import Refusal
from core.kernel.money import Money

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Intention:
    """On a day, a wish; of several on one day, in their order."""

    on: date
    wish: Wish


@dataclass(frozen=True, slots=True)
class Charge:
    """What the card would be asked for, on which day and for which documents."""

    on: date
    amount: Money
    documents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish that cannot be granted on its day, with the sentence a merchant would read."""

    intention: Intention
    message: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything that would come, if each charge is paid, prices and rates stay, and nothing else is wished."""

    documents: tuple[Document, ...]
    charges: tuple[Charge, ...]
    notices: tuple[Notice, ...]
    refused: tuple[Refused, ...]
    end: Subscription

    @property
    def total(self) -> Money:
        """What the card would pay in all, in the currency it ends with."""
        return self.total_in(self.end.currency)

    def total_in(self, currency: str) -> Money:
        return sum_of((charge.amount for charge in self.charges if charge.amount.currency == currency), currency)


def preview(state: Subscription, wish: Wish, offer: Offer) -> Step:
    """What a wish would do, today: the same code that does it, and nothing is kept. Valid until local midnight."""
    return perform(state, wish, offer)


def valid_until(state: Subscription) -> datetime:
    """Until when what was previewed is what will be charged: the next local midnight."""
    return first_instant(state.today + DAY, state.zone)


def forecast(
    state: Subscription,
    intentions: Iterable[Intention],
    offer: Offer,
    *,
    until: date | None = None,
    offer_on: Callable[[date], Offer] | None = None,
    before: Sequence[Effect] = (),
) -> Forecast:
    """Play the wishes from today on for twelve periods, or up to a day. A wish of a day before today is refused by the caller.

    `offer_on` says what counts on each day, where prices to come are known; else `offer` counts on all of them. `before` is what has
    followed already and belongs to the answer.
    """
    on = offer_on or (lambda _day: offer)
    last = until or boundary(state.period.start, MONTHS)
    queue = sorted(intentions, key=lambda intention: intention.on)
    effects: list[Effect] = [*before]
    refused: list[Refused] = []
    while True:
        while queue and queue[0].on <= state.today:
            intention = queue.pop(0)
            offer = on(state.today)
            try:
                state, done = paid(*perform(state, intention.wish, offer), offer)
            except Refusal as refusal:
                refused.append(Refused(intention, refusal.message))
            else:
                effects += done
        if state.today >= last:
            break
        offer = on(state.today + DAY)
        state, done = paid(*midnight(state, offer), offer)
        effects += done
    return _told(effects, refused, state)


def next_charge(state: Subscription, offer: Offer) -> Charge | None:
    """What the card is asked for next, and when, should nothing be wished until then."""
    last = state.today + 32 * DAY
    coming = forecast(state, (), offer, until=last)
    return coming.charges[0] if coming.charges else None


def _told(effects: Sequence[Effect], refused: Sequence[Refused], state: Subscription) -> Forecast:
    dropped = {effect.document for effect in effects if isinstance(effect, Dropped)}
    documents = tuple(e.document for e in effects if isinstance(e, Drafted) and e.document.number not in dropped)
    charges = tuple(Charge(e.on, e.amount, e.documents) for e in effects if isinstance(e, ChargeWanted))
    notices = tuple(effect for effect in effects if isinstance(effect, Notice))
    return Forecast(documents, charges, notices, tuple(refused), state)
