"""Drives a checkout of several sellers the way its jobs do, with the processor's word given by the test."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger.queries import balances, find_breaks
from core.orders import pay
from core.orders.consent import let_sell
from core.orders.models import Checkout, Order
from core.orders.open import open_checkout
from core.orders.queries import Part, parts_of
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from core.payments.charge import begin_sending as begin_charge
from core.payments.close import record_close
from core.payments.models import Attempt, Payment
from core.payments.refund import begin_sending, settle_refund
from core.payments.refund_models import Refund
from core.payments.saved import keep_card
from core.payments.saved_models import SavedCard, Saving
from core.payments.settle import settle
from core.providers.contract import Outcome, RefundOutcome
from core.providers.saved import SavedMethod
from tests.cards import new_address
from tests.factories import Shop, unit
from workers.jobs import INSIDE, OUTSIDE
from workers.task import Task

OURS = ("begin_paying", "pay_order", "hear_order", "look_at_order", "end_order", "follow_order", "follow_checkout", "payment_settled")


class Market:
    """The first shop opens checkouts; the others let it sell for them."""

    def __init__(self, shops: Sequence[Shop]) -> None:
        self.shops, self.app, self.operator = list(shops), shops[0].app, shops[0]
        with unit(self.app):
            db.session.get_one(
                Vendor, self.operator.vendor.id
            ).release_days = 0  # what it delivers itself waits no longer than its other sales
            for seller in shops[1:]:
                let_sell(seller.vendor, "test", self.operator.vendor.public_id, by=seller.user.public_id)

    def wish(self, *amounts: int, **more: Any) -> CheckoutWish:
        """One order for each amount, of the shops in their order, in pence."""
        orders = [
            OrderWish(shop.vendor.public_id, (LineWish("Bread", 1, minor),), f"R-{number}")
            for number, (shop, minor) in enumerate(zip(self.shops, amounts, strict=False), 1)
        ]
        common = {"checkout_id": f"cart-{secrets.token_hex(8)}", "email": new_address(), "name": "Ada Payer", "currency": "GBP"}
        return CheckoutWish(**{**common, "orders": tuple(orders), **more})

    def open(self, *amounts: int, wish: CheckoutWish | None = None, **more: Any) -> Sale:
        with unit(self.app):
            made = open_checkout(self.operator.vendor, "test", wish or self.wish(*amounts, **more), by=self.operator.user.public_id)
        return Sale(self, made)

    def account(self, shop: Shop, name: str) -> int:
        """One account of a seller's book, in pence."""
        with unit(self.app):
            return sum(amount.minor for (account, _, _), amount in balances(shop.vendor, "test").items() if account == name)

    def breaks(self) -> list[str]:
        with unit(self.app):
            return [str(one) for shop in self.shops for one in find_breaks(shop.vendor.id, "test")]


class Sale:
    """One checkout."""

    def __init__(self, market: Market, checkout: Checkout) -> None:
        self.market, self.app, self.checkout = market, market.app, checkout

    # --- what its payer and its workers do ---

    def card(self) -> SavedCard:
        """The payer has entered a card at the processor: it is the checkout's one token."""
        _, _, _, card_id = told = self.card_unheard()
        with unit(self.app):
            pay.begin_paying(*told)
            return db.session.get_one(SavedCard, (self.checkout.vendor_id, "test", card_id))

    def card_unheard(self) -> tuple[uuid.UUID, str, uuid.UUID, uuid.UUID]:
        """The same before anybody has begun to pay with it: what the job will be told."""
        with unit(self.app):
            saving = db.session.scalars(
                select(Saving).where(Saving.vendor_id == self.checkout.vendor_id, Saving.only_for == self.checkout.public_id)
            ).one()
            method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034, "credit")
            card = keep_card(
                saving.vendor_id, "test", "sandbox", method, email=saving.email, name=saving.name, only_for=self.checkout.public_id
            )
            saving.state, saving.card_id = "saved", card.id
            return saving.vendor_id, "test", saving.id, card.id

    def tell_card(self, card: SavedCard) -> bool:
        with unit(self.app):
            saving = db.session.scalars(select(Saving).where(Saving.vendor_id == card.vendor_id, Saving.only_for == card.only_for)).one()
            return pay.begin_paying(saving.vendor_id, "test", saving.id, card.id)

    def work(self) -> int:
        """Everything our jobs would do now; what asks a processor stays."""
        done = 0
        with self.app.app_context():
            while task := self._next():
                if task.job in INSIDE:
                    with unit_of_work():
                        INSIDE[task.job]([Task(task.vendor_id, task.args)])
                else:
                    OUTSIDE[task.job](task.vendor_id, **task.args)
                done += 1
        return done

    def _next(self) -> OutboxTask | None:
        mine = [shop.vendor.id for shop in self.market.shops]
        with unit_of_work():
            waiting = select(OutboxTask).where(OutboxTask.vendor_id.in_(mine), OutboxTask.job.in_(OURS), OutboxTask.due_at <= now())
            task = db.session.scalar(waiting.order_by(OutboxTask.id).limit(1))
            if task is not None:
                db.session.delete(task)
        return task

    def pay(self) -> None:
        """The card is there and every order's payment written down; no processor has been asked."""
        self.card()
        self.work()

    def tell(self, place: int, word: str, *, work: bool = True) -> str:
        """The processor's word on one order: yes, no, ask (the bank wants the payer)."""
        payment = self.payment(place)
        facts: dict[str, Any] = {
            "yes": {"state": "succeeded", "charge": f"ch_{secrets.token_hex(8)}", "captured": payment.amount},
            "no": {"state": "declined", "closed": True, "decline_code": "insufficient_funds"},
            "ask": {"state": "requires_action", "closed": True},
        }[word]
        with unit(self.app):  # as the worker does before it asks the processor
            attempts = select(Attempt.id).where(
                Attempt.vendor_id == payment.vendor_id, Attempt.payment_id == payment.id, Attempt.number == 1
            )
            begin_charge(payment.vendor_id, "test", db.session.scalars(attempts).one())
        with unit(self.app):
            if word == "yes":
                facts |= {"occurred_at": now(), "fee": Money(20, payment.currency), "fee_reference": f"txn_{payment.public_id}"}
            attempt = db.session.scalars(
                select(Attempt).where(Attempt.vendor_id == payment.vendor_id, Attempt.payment_id == payment.id, Attempt.number == 1)
            ).one()
            outcome = Outcome(provider_reference=f"pi_{payment.public_id}", **facts)
            result = settle(self.seller(place).vendor, payment, attempt, outcome, cause=f"evt_{secrets.token_hex(8)}")
        if work:
            self.work()
        return result

    def refunds_arrive(self, state: str = "succeeded") -> None:
        """The processor says so of every refund that was asked for."""
        for part in self.parts():
            for refund in self.refunds(part.place):
                if refund.state not in ("requested", "submitted", "pending"):
                    continue
                with unit(self.app):
                    begin_sending(refund)
                with unit(self.app):
                    outcome = RefundOutcome(state=state, provider_reference=f"re_{refund.public_id}", amount=refund.amount)
                    settle_refund(part.seller, refund, outcome, cause="evt")
        self.work()

    def expire(self, place: int) -> None:
        """The clock closes a payment whose time has run out."""
        with unit(self.app):
            record_close(self.seller(place).vendor, self.payment(place), None, None, to="expired", actor="system")
        self.work()

    def look(self, *, by_clock: bool = True) -> str:
        """The clock's look at it, with everything that follows."""
        with self.app.app_context():
            OUTSIDE["follow_checkout"](self.checkout.vendor_id, mode="test", checkout=str(self.checkout.id), by_clock=by_clock)
        self.work()
        return self.state

    # --- what was seen ---

    @property
    def state(self) -> str:
        with unit(self.app):
            return self.row().state

    def row(self) -> Checkout:
        return db.session.get_one(Checkout, (self.checkout.vendor_id, "test", self.checkout.id), populate_existing=True)

    def parts(self) -> list[Part]:
        with unit(self.app):
            return parts_of(self.checkout)

    def orders(self) -> list[Order]:
        return [part.order for part in self.parts()]

    def states(self) -> list[str]:
        return [order.state for order in self.orders()]

    def order(self, place: int) -> Order:
        return self.parts()[place - 1].order

    def payment(self, place: int) -> Payment:
        found = self.parts()[place - 1].payment
        assert found is not None
        return found

    def seller(self, place: int) -> Shop:
        seller: uuid.UUID = self.parts()[place - 1].seller.id
        return next(shop for shop in self.market.shops if shop.vendor.id == seller)

    def refunds(self, place: int) -> list[Refund]:
        payment = self.payment(place)
        with unit(self.app):
            mine = select(Refund).where(Refund.vendor_id == payment.vendor_id, Refund.payment_id == payment.id)
            return list(db.session.scalars(mine.order_by(Refund.id)))

    def payments(self) -> int:
        """How many payments were ever written for it, in all books."""
        with unit(self.app):
            mine = [shop.vendor.id for shop in self.market.shops]
            return len(
                list(db.session.scalars(select(Payment.id).where(Payment.vendor_id.in_(mine), Payment.email == self.checkout.email)))
            )
