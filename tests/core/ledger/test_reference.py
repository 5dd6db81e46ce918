"""The books against a plain dictionary: whatever a shop goes through, every balance is what a child would have added up."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule, run_state_machine_as_test

from core.accounts.models import Vendor
from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.ledger.queries import balances, find_breaks
from core.payments.refund import NothingToRefund, RefundExceedsPayment
from tests.factories import Shop, ask_refund, fresh, make_link, make_payment, make_shop, open_payment, release_all, tell, tell_refund, unit


@dataclass
class Sale:
    """What the reference remembers of one payment."""

    payment: Any
    attempt: Any
    amount: int
    fee: int
    captured: bool = False
    released: bool = False
    going: int = 0
    gone: int = 0
    returned: int = 0
    charges: set[str] = field(default_factory=set)
    kept: bool = False

    @property
    def account(self) -> str:
        return "seller_available" if self.released else "seller_pending"


@dataclass
class Return:
    """What the reference remembers of one refund."""

    sale: Sale
    refund: Any
    amount: int
    fee: int
    state: str = "requested"


def half_up(amount: int, part: int, whole: int) -> int:
    exact = Fraction(amount * part, whole)
    return int(exact + Fraction(1, 2))


class Books(RuleBasedStateMachine):
    """One shop of its own for each story."""

    app: Any
    first: Shop
    sales = Bundle("sales")
    returns = Bundle("returns")

    def __init__(self) -> None:
        super().__init__()
        kept = {column.name: getattr(self.first.vendor, column.name) for column in Vendor.__table__.columns}
        vendor = Vendor(**{**kept, "id": uuid7(), "public_id": public_id("vnd"), "fee_bps": 287, "release_days": 1})
        with unit(self.app):
            db.session.add(vendor)
        self.shop = Shop(self.app, vendor, self.first.user, self.first.membership, self.first.secret)
        self.link = make_link(self.shop, amount=None)
        self.book: Counter[str] = Counter()
        self.made: list[Sale] = []

    @rule(target=sales, amount=st.integers(30, 500_000))
    def a_payer_sets_out(self, amount: int) -> Sale:
        payment = make_payment(self.shop, self.link, amount=Money(amount, "GBP").decimal_text)
        sale = Sale(payment, open_payment(self.shop, payment), amount, half_up(amount, 287, 10_000))
        self.made.append(sale)
        return sale

    @rule(sale=sales)
    def the_money_arrives(self, sale: Sale) -> None:
        """Also for the second and third time."""
        money = Money(sale.amount, "GBP")
        told = tell(self.shop, sale.payment, sale.attempt, "succeeded", charge=f"ch_{sale.payment.public_id}", captured=money)
        assert told == ("already" if sale.captured else "settled")
        if not sale.captured:
            sale.captured = True
            self.book.update(psp_clearing=sale.amount, seller_pending=sale.amount - sale.fee, platform_fee=sale.fee)

    @rule(sale=sales, amount=st.integers(1, 10_000))
    def money_arrives_that_nobody_asked_for(self, sale: Sale, amount: int) -> None:
        if amount == sale.amount and not sale.captured:
            return
        charge = f"ch_{secrets.token_hex(6)}"
        told = tell(self.shop, sale.payment, sale.attempt, "succeeded", charge=charge, captured=Money(amount, "GBP"))
        assert told == ("second_charge" if sale.captured else "mismatch")
        self.book.update(psp_clearing=amount, unapplied_receipts=amount)

    @rule(sale=sales, news=st.sampled_from(["processing", "requires_action", "unknown", "requires_method", "canceled"]))
    def there_is_other_news(self, sale: Sale, news: str) -> None:
        tell(self.shop, sale.payment, sale.attempt, news)

    @rule(sale=sales, fee=st.integers(0, 29))
    def the_processor_says_what_it_kept(self, sale: Sale, fee: int) -> None:
        if not sale.captured:
            return
        facts = {"fee": Money(fee, "GBP"), "fee_reference": f"txn_{sale.payment.public_id}"}
        tell(
            self.shop, sale.payment, sale.attempt, "succeeded",
            charge=f"ch_{sale.payment.public_id}", captured=Money(sale.amount, "GBP"), **facts,
        )  # fmt: skip
        if not sale.kept:
            sale.kept = True
            self.book.update(psp_fee_expense=fee)
            self.book.subtract(psp_clearing=fee)

    @precondition(lambda self: any(sale.captured for sale in self.made))
    @rule(target=returns, sale=sales, percent=st.integers(1, 120))
    def a_refund_is_asked_for(self, sale: Sale, percent: int) -> Return | None:
        amount = max(1, sale.amount * percent // 100)
        left = sale.amount - sale.going - sale.gone if sale.captured else 0
        if not 0 < amount <= left:
            with pytest.raises((NothingToRefund, RefundExceedsPayment)):
                ask_refund(self.shop, sale.payment, Money(amount, "GBP").decimal_text)
            return Return(sale, None, 0, 0, "refused")
        refund = ask_refund(self.shop, sale.payment, Money(amount, "GBP").decimal_text)
        fee = max(0, min(half_up(sale.fee, sale.going + sale.gone + amount, sale.amount) - sale.returned, amount))
        assert refund.fee_returned_minor == fee
        sale.going += amount
        sale.returned += fee
        self.book.update(fee_refunds=fee, refund_in_flight=amount)
        self.book.subtract({sale.account: amount - fee})
        return Return(sale, refund, amount, fee)

    @rule(back=returns)
    def a_refund_is_confirmed(self, back: Return) -> None:
        if back.refund is None:
            return
        tell_refund(self.shop, back.refund, "succeeded")
        if back.state == "requested":
            back.state = "succeeded"
            back.sale.going -= back.amount
            back.sale.gone += back.amount
            self.book.subtract(refund_in_flight=back.amount, psp_clearing=back.amount)

    @rule(back=returns)
    def a_refund_fails_now_or_late(self, back: Return) -> None:
        if back.refund is None:
            return
        tell_refund(self.shop, back.refund, "failed")
        if back.state == "requested":
            back.sale.going -= back.amount
            self.book.subtract(refund_in_flight=back.amount)
        elif back.state == "succeeded":
            back.sale.gone -= back.amount
            self.book.update(psp_clearing=back.amount)
        else:
            return
        back.state = "failed"
        back.sale.returned -= back.fee
        self.book.subtract(fee_refunds=back.fee)
        self.book.update({back.sale.account: back.amount - back.fee})

    @rule()
    def the_waiting_time_is_over(self) -> None:
        with shifted(timedelta(days=2)):
            release_all(self.app)
        for sale in self.made:
            if sale.captured and not sale.released:
                left = sale.amount - sale.fee - sale.going - sale.gone + sale.returned
                sale.released = True
                self.book.update(seller_available=left)
                self.book.subtract(seller_pending=left)

    @rule(sale=consumes(sales))
    def everything_is_given_back_in_ten_parts(self, sale: Sale) -> None:
        """Ten tenths return exactly our fee."""
        if not sale.captured or sale.going or sale.gone or sale.amount < 500:
            return
        for part in Money(sale.amount, "GBP").split([1] * 10):
            self.a_refund_is_confirmed(self._ask(sale, part.minor))
        assert (sale.gone, sale.returned) == (sale.amount, sale.fee)

    def _ask(self, sale: Sale, amount: int) -> Return:
        refund = ask_refund(self.shop, sale.payment, Money(amount, "GBP").decimal_text)
        fee = refund.fee_returned_minor
        sale.going += amount
        sale.returned += fee
        self.book.update(fee_refunds=fee, refund_in_flight=amount)
        self.book.subtract({sale.account: amount - fee})
        return Return(sale, refund, amount, fee)

    @invariant()
    def every_balance_is_what_the_reference_says(self) -> None:
        with self.app.app_context():
            kept = {name: money.minor for (name, _, _), money in balances(self.shop.vendor, "test").items() if money}
        assert kept == {name: amount for name, amount in self.book.items() if amount}

    def teardown(self) -> None:
        for sale in self.made:
            row = fresh(self.shop, sale.payment)
            assert row.captured_minor == (sale.amount if sale.captured else 0)
            assert (row.refunding_minor, row.refunded_minor, row.fee_returned_minor) == (sale.going, sale.gone, sale.returned)
            assert row.refunding_minor + row.refunded_minor <= row.captured_minor
        with self.app.app_context():
            assert find_breaks() == []


def test_whatever_happens_the_books_are_what_a_plain_sum_says(app: Any) -> None:
    Books.app, Books.first = app, make_shop(app)
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=25, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)),
    )
