"""Sales, refunds, disputes, releases and payouts in any order: after every step the payments say what the books say, to the cent."""

from __future__ import annotations

import dataclasses
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.kernel.clock import shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.payments.states import REFUND
from tests.core.disputes.cases import Case, case_of
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, fresh, tell_refund, unit

STEPS = 45


class Life:
    """One seller, and whatever happens."""

    def __init__(self, seller: Seller, seed: int, *, bears: bool) -> None:
        self.seller, self.dice, self.bears, self.day = seller, random.Random(seed), bears, 3
        self.payments: list[Payment] = []
        self.cases: list[Case] = []
        self.done: list[str] = []

    def step(self) -> None:
        act = self.dice.choice(
            [self.sell, self.ask, self.ask, self.refund_news, self.refund_news, self.dispute, self.decide, self.decide, self.release, self.pay_out]
        )  # fmt: skip
        self.done.append(act.__name__)
        with shifted(timedelta(days=self.day)):
            try:
                act()
            except Refusal as no:
                self.done[-1] += f" refused {no.code}"

    def sell(self) -> None:
        payment = self.seller.sells(f"{self.dice.randint(100, 20_000) / 100:.2f}")
        if self.bears:
            with unit(self.seller.shop.app):
                mine = (Payment.vendor_id == payment.vendor_id, Payment.id == payment.id)
                db.session.execute(update(Payment).where(*mine).values(seller_bears=True, processor_fee_minor=self.dice.randint(1, 120)))
        self.payments.append(payment)

    def ask(self) -> None:
        payment = self.any(self.payments)
        now: Payment = fresh(self.seller.shop, payment)
        minor = self.dice.randint(1, max(now.refundable.minor, 1))
        ask_refund(self.seller.shop, payment, f"{minor / 100:.2f}")

    def refund_news(self) -> None:
        with unit(self.seller.shop.app):
            mine = select(Refund).where(Refund.vendor_id == self.seller.shop.vendor.id, Refund.reason != "lost_dispute")
            found = [one for one in db.session.scalars(mine.order_by(Refund.id)) if REFUND[one.state] and one.state != "queued"]
        refund = self.any(found)
        word = "failed" if refund.state == "succeeded" else self.dice.choice(["succeeded", "succeeded", "failed"])
        if refund.state == "succeeded" and self.dice.random() < 0.7:
            return
        tell_refund(self.seller.shop, refund, word)

    def dispute(self) -> None:
        payment: Payment = fresh(self.seller.shop, self.any(self.payments))
        minor = payment.captured_minor if self.dice.random() < 0.6 else self.dice.randint(1, payment.captured_minor)
        case = case_of(
            self.seller, payment, minor, fee=self.dice.choice([0, 1500]), state=self.dice.choice(["needs_response"] * 3 + ["inquiry"])
        )
        case.tell()
        self.cases.append(case)

    def decide(self) -> None:
        case = self.any(self.cases)
        state = case.outcome.state
        if state == "inquiry":
            self.dice.choice([lambda: case.now("closed"), lambda: case.again(fee=1500)])()
        elif state == "needs_response":
            self.dice.choice([lambda: case.now("under_review"), case.won, lambda: case.now("lost")])()
        elif state == "under_review":
            self.dice.choice([case.won, lambda: case.now("lost")])()
        elif state == "won" and self.dice.random() < 0.5:
            case.again(fee=self.dice.choice([0, 1500]))
        elif state == "lost" and self.dice.random() < 0.5:
            case.won()  # given back after all, and now and then taken once more
        elif state == "closed" and self.dice.random() < 0.3:
            case.again()
        case.tell()

    def release(self) -> None:
        self.day += self.dice.choice([0, 1, 3])
        with shifted(timedelta(days=self.day)):
            self.seller.release()

    def pay_out(self) -> None:
        self.seller.pays_out()

    def any(self, things: list[Any]) -> Any:
        if not things:
            raise Refusal("nothing there")
        return self.dice.choice(things)

    def check(self) -> None:
        with unit(self.seller.shop.app):
            mine = select(Payment).where(Payment.vendor_id == self.seller.shop.vendor.id).execution_options(populate_existing=True)
            payments = list(db.session.scalars(mine))
            held: dict[str, int] = {}
            for (account, _sub, _code), amount in balances(self.seller.shop.vendor, "test").items():
                held[account] = held.get(account, 0) + amount.minor
        pending, available, owed = (held.get(f"seller_{name}", 0) for name in ("pending", "available", "receivable"))
        story = "\n".join(self.done)
        assert min(pending, available, owed) >= 0 and not (available and owed), (held, story)
        assert pending == sum(one.releasable.minor for one in payments if one.released_at is None), (held, story)
        assert held.get("seller_hold", 0) == sum(one.withheld.minor for one in payments), (held, story)
        assert held.get("refund_in_flight", 0) == sum(one.refunding_minor for one in payments), (held, story)
        assert pending + available - owed + held.get("payout_in_transit", 0) == sum(one.net.minor for one in payments), (held, story)
        fees = held.get("platform_fee", 0) - held.get("fee_refunds", 0)
        assert fees == sum(one.fee.minor for one in payments) and all(one.fee.minor >= 0 for one in payments), (held, story)
        assert self.seller.books_are_whole(), story


@pytest.mark.parametrize("bears", [False, True], ids=["platform_bears", "seller_bears"])
@pytest.mark.parametrize("seed", range(10))
def test_the_payments_and_the_books_say_the_same(seller: Seller, seed: int, bears: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if bears:
        theirs = dataclasses.replace(settings(), dispute_fee_from="seller")
        monkeypatch.setattr("core.disputes.books.settings", lambda: theirs)
    life = Life(seller, seed, bears=bears)
    life.sell()
    for _ in range(STEPS):
        life.step()
        life.check()


def test_a_seller_who_wins_bears_what_the_processor_kept_all_the_same(seller: Seller) -> None:
    """All of it was disputed when its days were over: it is not released with nothing borne, and then given whole."""
    life = Life(seller, 1, bears=True)
    life.sell()
    payment = life.payments[0]
    case = case_of(seller, payment)
    case.tell()
    with shifted(timedelta(days=30)):
        seller.release()
        case.won().tell()
        seller.release()
        paid: Payment = fresh(seller.shop, payment)
        assert paid.borne_minor == paid.processor_fee_minor and paid.net == seller.has()
        assert seller.has() < paid.captured - Money(paid.fee_minor, "USD")
    life.check()
