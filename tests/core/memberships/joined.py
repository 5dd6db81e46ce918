"""Members of a vendor's plan: each step is a unit of work of its own, at a moment the test names, and the card answers as it is told."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from core.accounts.models import Vendor
from core.billing import queries, store
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.subscription import Subscription
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.memberships import join
from core.memberships.follow import follow_membership
from core.memberships.models import Member, MembershipPlan
from core.memberships.plans import PlanTerms, make_plan
from core.memberships.standing import stage_of
from core.notifications.models import Message
from core.payments import settle
from core.payments.models import Attempt, Payment
from core.payments.saved_models import Saving
from core.payments.saving import record_saving_opened, settle_saving
from core.providers.contract import Opening, Outcome
from core.providers.saved import SavedMethod, SavingOutcome
from core.subscriptions import charges
from core.subscriptions.follow import follow
from tests.core.billing.kept import at
from tests.core.subscriptions.plans import Moment
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)


def make_gym(app: Flask, *, on: date = date(2026, 10, 1), **shop: Any) -> Shop:
    """A vendor that sells two plans."""
    made = make_shop(app, business="Harbour Gym", **shop)
    for name, price in (("Basic", "10.00"), ("Gold", "30.00")):
        sell(made, name, price, on=on)
    return made


def sell(shop: Shop, name: str, price: str, *, on: date = date(2026, 10, 1), trial_days: int = 0, about: str = "") -> MembershipPlan:
    with Moment(shop.app, at(on)):
        terms = PlanTerms(name, Money.of(price, shop.vendor.currency), about, trial_days)
        return make_plan(shop.vendor, shop.mode, terms=terms, by=shop.user.public_id)


def plan_named(shop: Shop, name: str) -> MembershipPlan:
    with unit(shop.app):
        mine = select(MembershipPlan).where(MembershipPlan.vendor_id == shop.vendor.id, MembershipPlan.mode == shop.mode)
        return db.session.scalars(mine.where(MembershipPlan.name == name)).one()


class Joined:
    """One person and a plan, day by day."""

    def __init__(self, shop: Shop, on: date, plan: str = "Basic", *, email: str = "", form_token: str = "", card: bool = True) -> None:
        self.app, self.shop = shop.app, shop
        self.email = email or f"{secrets.token_hex(6)}@example.com"
        with self.unit(on):
            self.member: Member = join.ask_to_join(
                shop.vendor, plan_named(shop, plan), email=self.email, name="Ada Member", form_token=form_token or secrets.token_hex(12)
            )
        if card:
            self.save_card(on)

    @property
    def vendor(self) -> Vendor:
        return self.shop.vendor

    def unit(self, on: date, hour: int = 12) -> Moment:
        return Moment(self.app, at(on, hour))

    def fresh(self) -> Member:
        with unit(self.app):
            return db.session.get_one(Member, (self.member.vendor_id, self.member.mode, self.member.id))

    def save_card(self, on: date, *, hour: int = 12) -> None:
        """The provider says that a card was saved, and the job that hears of it runs."""
        with self.unit(on, hour):
            saving = join.ask_for_card(self.vendor, self.fresh(), words="Basic")
        with self.unit(on, hour):
            reference = f"cs_{secrets.token_hex(8)}"
            record_saving_opened(saving, Opening(provider_reference=reference, redirect_url="http://127.0.0.1/card"))
            method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2039, "credit")
            settle_saving(saving, SavingOutcome("saved", reference, method))
        self.hear_card(on, saving, hour=hour)

    def hear_card(self, on: date, saving: Saving, *, hour: int = 12) -> None:
        with self.unit(on, hour):
            found = join.saving_member(saving.vendor_id, saving.mode, saving.id)
            if found:
                join.card_saved(self.vendor, *found)

    def to(self, on: date, *, pays: str = "yes") -> None:
        """Every midnight up to that day, and the card's answer on each day."""
        day = self.state().today
        while day < on:
            day += timedelta(days=1)
            with self.unit(day, 1):
                store.catch_up(self.row())
                follow(self.row())
            self.answer(day, pays)

    def answer(self, on: date, pays: str = "yes", *, hour: int = 19) -> None:
        while True:
            with self.unit(on, hour):
                sent = charges.send_charges(self.vendor.id, self.shop.mode, self.row().id)
            waiting = [charge for charge in self.charges() if charge.state == "sent"]
            if not pays or not (sent or waiting):
                break
            for charge in waiting:
                self.tell(on, charge, pays, hour=hour)
            if pays == "ask":
                break
        with self.unit(on, hour):
            follow_membership(self.vendor.id, self.shop.mode, self.row().id)

    def tell(self, on: date, charge: BillingCharge, pays: str, *, hour: int = 19) -> None:
        facts: dict[str, Any] = {
            "yes": {"state": "succeeded", "charge": f"ch_{secrets.token_hex(8)}"},
            "no": {"state": "declined", "closed": True, "decline_code": "insufficient_funds"},
            "hard": {"state": "declined", "closed": True, "decline_code": "stolen_card", "hard": True},
            "ask": {"state": "requires_action", "closed": True},
        }[pays]
        with self.unit(on, hour):
            payment = db.session.get_one(Payment, (self.vendor.id, self.shop.mode, charge.payment_id))
            mine = select(Attempt).where(Attempt.vendor_id == self.vendor.id, Attempt.payment_id == payment.id)
            attempt = db.session.scalars(mine.order_by(Attempt.number.desc()).limit(1)).one()
            if pays == "yes":
                facts |= {"captured": payment.amount, "occurred_at": now()}
            outcome = Outcome(provider_reference=f"pi_{payment.public_id}", **facts)
            settle.settle(self.vendor, payment, attempt, outcome, cause=f"evt_{secrets.token_hex(8)}")
        word = {"yes": "succeeded", "no": "declined", "hard": "declined", "ask": "requires_action"}[pays]
        with self.unit(on, hour):
            assert charge.payment_id is not None
            charges.hear_charge(self.vendor.id, self.shop.mode, charge.payment_id, word)

    # --- what was seen ---

    def row(self) -> KeptSubscription:
        member = self.fresh()
        with unit(self.app):
            return db.session.get_one(KeptSubscription, (member.vendor_id, member.mode, member.subscription_id))

    def state(self) -> Subscription:
        return queries.read(self.row())

    def stage(self, on: date, hour: int = 20) -> str:
        with self.unit(on, hour):
            return stage_of(self.fresh())

    def charges(self) -> list[BillingCharge]:
        return self._all(BillingCharge, BillingCharge.event_seq)

    def documents(self) -> list[BillingDocument]:
        return self._all(BillingDocument, BillingDocument.ordinal)

    def paid(self) -> list[int]:
        with unit(self.app):
            mine = select(Payment).where(Payment.vendor_id == self.vendor.id, Payment.email == self.email)
            return [payment.captured_minor for payment in db.session.scalars(mine.order_by(Payment.id)) if payment.captured_minor]

    def letters(self) -> list[str]:
        with unit(self.app):
            mine = select(Message.kind).where(Message.vendor_id == self.vendor.id, Message.recipient == self.email)
            return list(db.session.scalars(mine.order_by(Message.id)))

    def _all(self, model: Any, by: Any) -> list[Any]:
        row = self.row()
        with unit(self.app):
            mine = select(model).where(model.vendor_id == self.vendor.id, model.subscription_id == row.id)
            return list(db.session.scalars(mine.order_by(by)))
