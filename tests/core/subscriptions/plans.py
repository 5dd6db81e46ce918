"""Vendors with a plan of the house: each step is a unit of work of its own, at a moment the test names, and the card answers as it is told."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.billing import queries, store
from core.billing.carry_out import finalise_due_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.price_list import publish_terms
from core.billing.subscription import Subscription
from core.billing.terms import POLICY, Terms
from core.billing.wishes import Wish
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.ledger.queries import balances
from core.payments import settle
from core.payments.models import Attempt, Payment
from core.payments.saved import keep_card
from core.payments.saved_models import SavedCard
from core.providers.contract import Outcome
from core.providers.saved import SavedMethod
from core.subscriptions import charges, plan
from core.subscriptions.follow import follow
from tests.core.billing.kept import at
from tests.factories import Shop, make_shop, unit


def publish(app: Flask, terms: Terms = POLICY, *, mode: str = "test", valid_from: date = date(2020, 1, 1)) -> None:
    """The house sells plans by this list."""
    with unit(app):
        publish_terms(house(), mode, terms, valid_from=valid_from, by="system")


def save_card(app: Flask, email: str, last4: str = "4242") -> SavedCard:
    """The payer saves a card with the house."""
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", last4, 12, 2039, "credit")
    with unit(app):
        return keep_card(HOUSE, "test", "sandbox", method, email=email, name="Ada")


class Life:
    """The plan of one vendor, day by day."""

    def __init__(self, app: Flask, on: date, tier: str = "starter", *, shop: Shop | None = None, card: bool = True) -> None:
        self.app, self.shop = app, shop or make_shop(app, business="Lively and Sons")
        self.email = f"{secrets.token_hex(6)}@example.com"
        if card:
            save_card(app, self.email)
        with self.unit(on):
            self.row = plan.subscribe(self.shop.vendor, "test", tier=tier, payer_email=self.email, by=self.shop.user.public_id)

    def unit(self, on: date, hour: int = 12) -> Moment:
        return Moment(self.app, at(on, hour))

    def wish(self, on: date, wish: Wish, *, pays: str = "yes") -> None:
        with self.unit(on):
            plan.act(self.row, wish, by=self.shop.user.public_id)
        self.answer(on, pays)

    def to(self, on: date, *, pays: str = "yes") -> None:
        """Every midnight up to that day, one by one, and the card's answer on each day, at an hour when every retry of it was made."""
        day = self.state().today
        while day < on:
            day += timedelta(days=1)
            with self.unit(day, 1):
                store.catch_up(self.row)
                follow(self.row)
            self.answer(day, pays)
            with self.unit(day, 20):
                finalise_due_of(self.row)

    def answer(self, on: date, pays: str = "yes", *, hour: int = 19) -> list[str]:
        """What is due is sent, and the processor says the same to all of it: "yes", "no", "hard", "ask" (the bank wants the payer), "" nothing."""
        said = []
        while True:
            with self.unit(on, hour):
                sent = charges.send_charges(HOUSE, "test", self.row.id)
            open_ones = self.sent()
            if not pays or not (sent or open_ones):
                return said
            for charge in open_ones:
                said.append(self.tell(on, charge, pays, hour=hour))

    def tell(self, on: date, charge: BillingCharge, pays: str, *, hour: int = 19) -> str:
        """The processor's word on one charge, and what the jobs that hear of it do."""
        facts = {
            "yes": {"state": "succeeded", "charge": f"ch_{secrets.token_hex(8)}"},
            "no": {"state": "declined", "closed": True, "decline_code": "insufficient_funds"},
            "hard": {"state": "declined", "closed": True, "decline_code": "stolen_card", "hard": True},
            "ask": {"state": "requires_action", "closed": True},
        }[pays]
        with self.unit(on, hour):
            payment = db.session.get_one(Payment, (HOUSE, "test", charge.payment_id))
            attempt = db.session.scalars(select(Attempt).where(Attempt.vendor_id == HOUSE, Attempt.payment_id == payment.id)).one()
            if pays == "yes":
                facts |= {"captured": payment.amount, "occurred_at": now()}
            outcome = Outcome(provider_reference=f"pi_{payment.public_id}", **facts)  # type: ignore[arg-type]
            result = settle.settle(house(), payment, attempt, outcome, cause=f"evt_{secrets.token_hex(8)}")
        word = {"yes": "succeeded", "no": "declined", "hard": "declined", "ask": "requires_action"}[pays]
        with self.unit(on, hour):
            assert charge.payment_id is not None
            charges.hear_charge(HOUSE, "test", charge.payment_id, word)
        return result

    # --- what was seen ---

    def kept(self) -> KeptSubscription:
        with unit(self.app):
            return db.session.get_one(KeptSubscription, (HOUSE, "test", self.row.id))

    def state(self) -> Subscription:
        return queries.read(self.kept())

    def charges(self) -> list[BillingCharge]:
        return self._all(BillingCharge, BillingCharge.event_seq)

    def sent(self) -> list[BillingCharge]:
        return [charge for charge in self.charges() if charge.state == "sent"]

    def documents(self) -> list[BillingDocument]:
        return self._all(BillingDocument, BillingDocument.ordinal)

    def events(self) -> list[SubscriptionEvent]:
        return self._all(SubscriptionEvent, SubscriptionEvent.seq)

    def payments(self) -> list[Payment]:
        with unit(self.app):
            ids = [charge.payment_id for charge in self.charges() if charge.payment_id]
            return list(db.session.scalars(select(Payment).where(Payment.vendor_id == HOUSE, Payment.id.in_(ids)).order_by(Payment.id)))

    def account(self, name: str) -> int:
        """One of the subscriber's own accounts in the house's book, in minor units."""
        with unit(self.app):
            found = balances(house(), "test")
        return sum(amount.minor for (account, sub, _), amount in found.items() if (account, sub) == (name, self.row.public_id))

    def _all(self, model: type, by: object) -> list:  # type: ignore[type-arg]
        with unit(self.app):
            mine = select(model).where(model.vendor_id == HOUSE, model.subscription_id == self.row.id)  # type: ignore[attr-defined]
            return list(db.session.scalars(mine.order_by(by)))  # type: ignore[arg-type]


class Moment:
    """A unit of work at a frozen moment."""

    def __init__(self, app: Flask, moment: datetime) -> None:
        self.parts = (frozen(moment), unit(app))

    def __enter__(self) -> None:
        for part in self.parts:
            part.__enter__()

    def __exit__(self, *problem: object) -> None:
        for part in reversed(self.parts):
            part.__exit__(*problem)  # type: ignore[arg-type]
