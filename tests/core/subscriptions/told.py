"""Subscriptions whose news is told: kept stories of the house's plans and of a business's memberships, driven through the engine's real acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date
from types import SimpleNamespace

from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.billing import queries, store
from core.billing.codec import decode_one_of
from core.billing.effects import Effect, Notice, StateChanged, TierChanged
from core.billing.models import BillingCharge, PriceList
from core.billing.price_list import publish_terms
from core.billing.renew import Offer, ask_currency
from core.billing.subscription import Dunning, Open
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, Hibernate, Keep, Reactivate, Resume, WakeOn
from core.customers.meet import meet_customer
from core.customers.models import Customer
from core.kernel.db import db
from core.notifications import models
from core.notifications.models import Message
from core.subscriptions.news import CAME_BACK, CARD_ENDS, DELETION, PAID_BACK, News, read_news
from core.subscriptions.tell import tell, tell_beside, tell_change, tell_outage
from tests.core.billing.kept import Kept
from tests.core.billing.story import Story, gbp
from tests.core.billing.test_fx import rate
from tests.factories import Shop, unit

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
RETRIES = (2, 4, 8, 16)


def november(day: int) -> date:
    return date(2026, 11, day)


def the_house(app: Flask) -> SimpleNamespace:
    """The house as a seller, with the price list of the policy."""
    with unit(app):
        if (
            db.session.scalar(
                select(PriceList).where(PriceList.vendor_id == HOUSE, PriceList.mode == "test", PriceList.valid_from == date(2020, 1, 1))
            )
            is None
        ):
            publish_terms(house(), "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        return SimpleNamespace(app=app, vendor=house())


def customer_of(shop: Shop, email: str = "ada@example.com") -> Customer:
    with unit(shop.app):
        meet_customer(shop.vendor, "test", email=email, name="Ada")
        mine = select(Customer).where(Customer.vendor_id == shop.vendor.id, Customer.mode == "test", Customer.email == email)
        return db.session.scalars(mine).one()


class Life(Kept):
    """A kept subscription whose news is told as it happens. `first` is whether its very first invoice is paid."""

    def __init__(self, seller: object, buyer: object, on: date, tier: str = "starter", *, first: bool = True, **more: object) -> None:
        super().__init__(seller, buyer, on, tier, **more)  # type: ignore[arg-type]
        self.on, self.followed = on, 0
        self.follow()
        if self.wanted():
            self.pay(first)

    def wanted(self) -> list[BillingCharge]:
        return [charge for charge in self.charges() if charge.state == "wanted"]

    def do(self, wish: object, *, on: date | None = None) -> Life:
        self.on = on or self.on
        super().wish(self.on, wish)  # type: ignore[arg-type]
        return self.follow()

    def go(self, day: date) -> Life:
        """Up to a day, told day by day, as a clock that is never late has it."""
        while self.on < day:
            self.on = date.fromordinal(self.on.toordinal() + 1)
            self.to(self.on)
            self.follow()
        return self

    def pay(self, pays: bool = True) -> Life:
        self.settle(self.on, pays=pays)
        return self.follow()

    def refuse(self, *, hard: bool) -> Life:
        (charge,) = self.wanted()
        with self.unit(self.on):
            store.refuse(self.row, tuple(charge.documents), hard=hard)
            db.session.get_one(BillingCharge, (charge.vendor_id, charge.mode, charge.id)).state = "refused"
        return self.follow()

    def outage(self) -> Life:
        (charge,) = self.wanted()
        with self.unit(self.on):
            tell_outage(self.row, charge)
        return self

    def beside(self, kind: str, **said: object) -> Life:
        """What happens beside the engine; how it comes to that is tried where it does."""
        with self.unit(self.on):
            tell_beside(self.row, kind, key=kind, told_on=self.on, **said)
        return self

    def follow(self) -> Life:
        """Tell what has happened since the last time, as whoever follows subscriptions does."""
        events = [event for event in self.events() if event.seq > self.followed]
        with self.unit(self.on):
            row = store._locked(self.row)
            for event in events:
                tell_all(row, (decode_one_of(Effect, kept) for kept in event.effects))
        self.followed = max([self.followed, *(event.seq for event in events)])
        return self

    # --- what was told ---

    def news(self) -> list[News]:
        """As a business has it among its notices, or a member in letters, the oldest first."""
        with self.unit(self.on):
            if not self.row.subscriber.startswith("vnd_"):
                return [read_news(json.loads(letter.params["news"])) for letter in self._about(Message)]
            return [read_news(notice.detail) for notice in self._about(models.Notice)]

    def kinds(self) -> list[str]:
        return [news.kind for news in self.news()]

    def letters(self) -> list[Message]:
        with self.unit(self.on):
            return self._about(Message)

    def last(self, kind: str) -> News:
        return [news for news in self.news() if news.kind == kind][-1]

    def _about(self, model: type) -> list:  # type: ignore[type-arg]
        mine = select(model).where(model.mode == "test", model.about == self.row.public_id)  # type: ignore[attr-defined]
        return list(db.session.scalars(mine.order_by(model.id)))  # type: ignore[attr-defined]


def tell_all(row: object, effects: Iterable[Effect]) -> None:
    for effect in effects:
        if isinstance(effect, Notice):
            tell(row, effect)  # type: ignore[arg-type]
        elif isinstance(effect, StateChanged | TierChanged):
            tell_change(row, effect)  # type: ignore[arg-type]


class Noted(Life):
    """A life that was lived in the pure engine: what it told is noted as an event of a kept subscription. For what needs rates or a state no act leads to."""

    def note(self, story: Story) -> Noted:
        told = [effect for effect in story.new if isinstance(effect, Notice | StateChanged | TierChanged)]
        with self.unit(story.state.today):
            row = store._locked(self.row)
            store._put(row, queries.read(row), story.state)
            store._note(row, "midnight", story.state, {}, told, "system")
        self.on = story.state.today
        return self.follow()  # type: ignore[return-value]


Begin = Callable[..., Life]


def tell_everything(begin: Begin, note: Callable[..., Noted]) -> list[Life]:
    """Lives in which everything there is to tell is told, each by the act of the engine that tells it."""
    return [*_trials(begin), *_limits(begin), *_debts(begin), *_rests(begin), *_plans(begin), *_rates(note)]


def _trials(begin: Begin) -> list[Life]:
    cardless = begin(NOVEMBER, "pro", trial_days=14, has_card=False).go(november(16))
    return [begin(NOVEMBER, "pro", trial_days=14).go(november(15)), cardless]


def _limits(begin: Begin) -> list[Life]:
    """EC-31, EC-37 and EC-28."""
    over, refused = (begin(NOVEMBER).go(november(5)).do(AddProducts(11)).go(november(13)) for _ in range(2))
    dropped = begin(NOVEMBER, "pro").do(ChooseTier("starter")).do(AddProducts(50)).go(DECEMBER)
    return [over.pay(), refused.pay(False), dropped]


def decline_all(begin: Begin) -> Life:
    """EC-50 and EC-54: the renewal of November and each retry are declined, up to the suspension."""
    life = begin(OCTOBER, "pro").go(NOVEMBER).pay(False)
    for day in RETRIES:
        life.go(november(day)).pay(False)
    return life.go(november(17))


def _debts(begin: Begin) -> list[Life]:
    back = decline_all(begin).go(november(25)).do(Reactivate()).pay(False).do(Reactivate()).pay()
    hard = begin(OCTOBER, "pro").go(NOVEMBER).refuse(hard=True)
    paid = begin(OCTOBER, "pro").go(NOVEMBER).outage().pay(False).go(november(2)).pay()
    batch = begin(NOVEMBER, "pro").do(AddBranches(2), on=november(11)).go(november(12)).pay(False)
    return [back, hard, paid, batch, decline_all(begin).go(date(2026, 12, 16)), begin(NOVEMBER, first=False)]


def _rests(begin: Begin) -> list[Life]:
    awake = begin(NOVEMBER, "pro").do(Hibernate()).go(DECEMBER).pay().go(date(2026, 12, 10)).do(Resume()).pay(False).do(Resume()).pay()
    planned = begin(NOVEMBER, "pro").do(Hibernate(until=date(2026, 12, 20))).go(DECEMBER).pay().do(WakeOn(date(2026, 12, 16)))
    planned.go(date(2026, 12, 14)).do(WakeOn(None)).do(WakeOn(date(2026, 12, 16))).go(date(2026, 12, 16)).pay()
    asleep = begin(NOVEMBER, "pro").do(Hibernate()).go(DECEMBER).pay()
    while asleep.on < date(2027, 11, 1):
        asleep.go(date(asleep.on.year + asleep.on.month // 12, asleep.on.month % 12 + 1, 1)).pay()
    return [awake, planned, asleep]


def _plans(begin: Begin) -> list[Life]:
    late = begin(NOVEMBER).do(ChooseTier("pro"), on=november(11)).pay(False).go(november(12))
    moved = begin(NOVEMBER).do(ChooseTier("pro"), on=november(11)).pay().do(ChooseTier("starter", now=True), on=november(16))
    leaving = begin(NOVEMBER, "pro").do(Cancel()).do(Keep()).do(Cancel()).go(DECEMBER)
    if leaving.row.subscriber.startswith("vnd_"):
        leaving.beside(CARD_ENDS, on=date(2026, 12, 31), why="4242")
        leaving.beside(DELETION, on=date(2027, 3, 1)).beside(PAID_BACK, amount=gbp("2.00"), why="4242").beside(
            CAME_BACK, amount=gbp("2.00"), why="4242"
        )
    return [late, moved, leaving]


def _rates(note: Callable[..., Noted]) -> list[Life]:
    """What rates do, EC-79 among it, and a debt on the very day on which hibernation was to begin."""
    lives = []
    for latest, currency, until in (
        (rate("1.2200", on=november(24)), None, november(24)),
        (rate("1.1600", on=november(20)), None, DECEMBER),
        (rate("1.1600", on=november(30)), "USD", DECEMBER),
        (rate("1.1600", on=november(30)), "GBP", DECEMBER),
    ):
        story = Story("pro", NOVEMBER, rate=rate("1.1532"), offer=Offer(POLICY, (latest, rate("1.25", "USD", on=november(29)))))
        if currency:
            story.take(ask_currency(story.state, currency, story.offer))
        if currency == "USD":
            story.offer = Offer(POLICY, (latest,))  # its rate is gone when the day comes
        story.to(date.fromordinal(until.toordinal() - 1))
        story.to(until)
        lives.append(note(NOVEMBER, "pro").note(story))
    return [*lives, note(NOVEMBER, "pro").note(_asleep_in_debt())]


def _asleep_in_debt() -> Story:
    story = Story("starter", NOVEMBER)
    story.pays = False
    story.wish(Hibernate())
    story.to(november(30))
    story.change(open=(Open(1, "renewal", gbp("1.00"), "final"),), dunning=Dunning(november(29)), status="past_due")
    story.to(DECEMBER)
    return story
