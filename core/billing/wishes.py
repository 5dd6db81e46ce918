"""What a merchant may wish for, as values: what the portal asks, what a preview shows and what the simulator plays are the same acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.billing import branches, cancel, change, hibernate, limits, reactivate
from core.billing.effects import Notice
from core.billing.midnight import price_of_waking
from core.billing.renew import Offer
from core.billing.subscription import Step, Subscription


@dataclass(frozen=True, slots=True)
class ChooseTier:
    code: str
    now: bool = False


@dataclass(frozen=True, slots=True)
class AddBranches:
    """So many more, or fewer when negative."""

    count: int


@dataclass(frozen=True, slots=True)
class AddProducts:
    """So many more published, or fewer when negative."""

    count: int


@dataclass(frozen=True, slots=True)
class Hibernate:
    """`until`: the day on which it wakes up by itself."""

    now: bool = False
    until: date | None = None


@dataclass(frozen=True, slots=True)
class WakeOn:
    """Set or change the day on which it wakes up by itself; None takes it back."""

    day: date | None


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class ConfirmResume:
    pass


@dataclass(frozen=True, slots=True)
class Reactivate:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    """`paying`: the card is being asked for a change at this moment. What is paid counts until the end; it is not let go of."""

    now: bool = False
    paying: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """Take the planned change back."""


Wish = ChooseTier | AddBranches | AddProducts | Hibernate | WakeOn | Resume | ConfirmResume | Reactivate | Cancel | Keep


def perform(state: Subscription, wish: Wish, offer: Offer) -> Step:
    """Do what is wished, today. Refuses with the sentence of the act."""
    coming = offer.local(state)
    match wish:
        case ChooseTier(code, now):
            return change.choose_tier(state, code, now=now)
        case AddBranches(count):
            return branches.set_branches(state, state.branches.count + count)
        case AddProducts(count):
            return limits.set_products(state, max(0, state.products.count + count), coming=coming)
        case Hibernate(now, until):
            return _priced(hibernate.hibernate(state, now=now, until=until), offer)
        case WakeOn(day):
            return _priced(hibernate.wake_on(state, day), offer)
        case Resume():
            return hibernate.resume(state, coming=coming)
        case ConfirmResume():
            return hibernate.confirm_resume(state)
        case Reactivate():
            return reactivate.reactivate(state)
        case Cancel(now, paying):
            return cancel.cancel(state, now=now, paying=paying)
        case Keep():
            return cancel.keep(state)


def _priced(step: Step, offer: Offer) -> Step:
    """Whoever is told of the day of waking up is told what it costs."""
    state, effects = step
    return state, tuple(
        price_of_waking(state, each, offer) if isinstance(each, Notice) and each.wakes_on is not None else each for each in effects
    )
