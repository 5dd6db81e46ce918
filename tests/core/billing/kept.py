"""A seller with a price list, and subscriptions of it as they are kept in the database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import select

from core.accounts.models import Vendor
from core.billing import queries, renew, store
from core.billing.balance import give, give_up, pay_back
from core.billing.codec import decode, decode_one_of
from core.billing.documents import void
from core.billing.effects import Effect
from core.billing.midnight import lapse, run_to
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.payment import new_card, receive, refuse
from core.billing.price_list import offer_on, publish_terms
from core.billing.reissue import Reissue, reissue
from core.billing.renew import Offer
from core.billing.store import Beginning, begin_subscription
from core.billing.subscription import Step, Subscription
from core.billing.terms import POLICY, Terms
from core.billing.wishes import Wish, perform
from core.kernel.clock import frozen
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from tests.factories import Shop, make_shop, unit

LONDON = ZoneInfo("Europe/London")


def at(day: date, hour: int = 12) -> datetime:
    """An hour of a day in London."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=LONDON).astimezone(UTC)


def make_seller(app: Flask) -> Shop:
    """A business that sells the plans of the policy."""
    shop = make_shop(app, business="Plans and Co")
    with unit(app):
        publish_terms(shop.vendor, "test", POLICY, valid_from=date(2020, 1, 1), by="system")
    return shop


class Kept:
    """One kept subscription: each step is a unit of work of its own, at a moment the test names."""

    def __init__(self, seller: Shop, buyer: Vendor, on: date, tier: str = "starter", **more: object) -> None:
        self.app, self.seller = seller.app, seller
        with self.unit(on):
            wish = Beginning(tier, "Europe/London", **more)  # type: ignore[arg-type]
            self.row = begin_subscription(seller.vendor, "test", subscriber=buyer.public_id, wish=wish, by="usr_test")

    def unit(self, on: date, hour: int = 12) -> _Unit:
        return _Unit(self.app, at(on, hour))

    def wish(self, on: date, wish: Wish) -> tuple[Effect, ...]:
        with self.unit(on):
            return store.wish_for(self.row, wish, by="usr_test")

    def to(self, on: date) -> tuple[Effect, ...]:
        with self.unit(on):
            return store.catch_up(self.row)

    def settle(self, on: date, *, pays: bool = True) -> None:
        """The card answers every charge that is wanted and due."""
        while charge := next((c for c in self.charges() if c.state == "wanted"), None):
            with self.unit(on):
                if pays:
                    store.receive(self.row, tuple(charge.documents), Money(charge.amount_minor, charge.currency))
                else:
                    store.refuse(self.row, tuple(charge.documents), hard=False)
                db.session.get_one(BillingCharge, (charge.vendor_id, charge.mode, charge.id)).state = "received" if pays else "refused"

    # --- what was seen ---

    def state(self) -> Subscription:
        with self.app.app_context(), unit_of_work():
            row = db.session.get_one(KeptSubscription, (self.row.vendor_id, self.row.mode, self.row.id))
            return queries.read(row)

    def documents(self) -> list[BillingDocument]:
        return self._all(BillingDocument, BillingDocument.ordinal)

    def charges(self) -> list[BillingCharge]:
        return self._all(BillingCharge, BillingCharge.event_seq)

    def events(self) -> list[SubscriptionEvent]:
        return self._all(SubscriptionEvent, SubscriptionEvent.seq)

    def _all(self, model: type, by: object) -> list:  # type: ignore[type-arg]
        with self.app.app_context(), unit_of_work():
            mine = select(model).where(model.vendor_id == self.row.vendor_id, model.subscription_id == self.row.id)  # type: ignore[attr-defined]
            return list(db.session.scalars(mine.order_by(by)))  # type: ignore[arg-type]

    def replayed(self) -> tuple[Subscription, list[Effect]]:
        """The subscription again, from nothing but its events."""
        events = self.events()
        with self.app.app_context(), unit_of_work():
            return replay(self.row, events)


class _Unit:
    """A unit of work at a frozen moment."""

    def __init__(self, app: Flask, moment: datetime) -> None:
        self.parts = (frozen(moment), unit(app))

    def __enter__(self) -> None:
        for part in self.parts:
            part.__enter__()

    def __exit__(self, *problem: object) -> None:
        for part in reversed(self.parts):
            part.__exit__(*problem)  # type: ignore[arg-type]


def replay(row: KeptSubscription, events: list[SubscriptionEvent]) -> tuple[Subscription, list[Effect]]:
    first, *rest = events
    wish = decode(Beginning, first.given)
    state, effects = store._begin(wish, row.public_id, first.on_day, _offer(row, first.on_day))
    done: list[Effect] = [*effects]
    for event in rest:
        step: Step = run_to(state, event.on_day, lambda day: _offer(row, day))
        if event.kind == "midnight":
            state, effects = step
        else:
            assert step[1] == (), "a midnight with effects is an event of its own"
            also = (event.given["currency"],) if event.kind == "currency" else ()
            state, effects = _again(step[0], event, _offer(row, event.on_day, *also))
        done += effects
    return state, done


def _again(state: Subscription, event: SubscriptionEvent, offer: Offer) -> Step:
    given = event.given
    match event.kind:
        case "wish":
            return perform(state, decode_one_of(Wish, given), offer)
        case "received":
            return receive(state, tuple(given["documents"]), decode(Money, given["amount"]), coming=offer.local(state))
        case "refused":
            return refuse(state, tuple(given["documents"]), hard=given["hard"])
        case "lapsed":
            return lapse(state)
        case "new_card":
            return new_card(state)
        case "currency":
            return renew.ask_currency(state, given["currency"], offer)
        case "zone":
            return renew.ask_zone(state, given["zone"])
        case "paid_back":
            return pay_back(state, decode(Money, given["amount"]))
        case "came_back" | "given_back":
            return _moved(state, event.kind, decode(Money, given["amount"]))
        case "voided":
            return void(state, given["document"])
        case "reissued":
            return reissue(state, decode(Reissue, given["wish"]))
    raise AssertionError(event.kind)


def _moved(state: Subscription, kind: str, amount: Money) -> Step:
    """Money that went back, or came back, beside the balance."""
    if kind == "came_back":
        return give(state, amount, "came_back")
    return give_up(state, amount) if amount.minor >= 0 else give(state, -amount, "stays_after_all")


def _offer(row: KeptSubscription, day: date, *currencies: str) -> Offer:
    return offer_on(row.vendor_id, row.mode, day, currencies=frozenset(currencies))


__all__ = ["Kept", "Terms", "at", "make_seller", "replay"]
