"""Two connections at the same moment, forty rounds each: one checkout, one payment an order, one refund, one delivery, whoever comes first."""

from __future__ import annotations

import secrets
from typing import Any

from core.kernel.money import Money
from core.orders import follow, pay
from core.orders.deliver import deliver_order
from core.orders.models import Checkout
from core.orders.open import open_checkout
from core.orders.queries import history_of
from core.orders.refund import LineRefundRefused, refund_lines
from core.payments.refund_models import Refund
from tests.core.orders.market import Market, Sale
from tests.core.payments.conftest import AtOnce
from tests.factories import unit

ROUNDS = 40


def test_a_request_doubled_opens_one_checkout(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        wish = market.wish(700, 300)

        def ask(wish: Any = wish) -> Checkout:
            return open_checkout(market.operator.vendor, "test", wish, by="usr_x")

        first, second = at_once(ask, ask)
        assert isinstance(first, Checkout) and isinstance(second, Checkout), (first, second)
        assert first.id == second.id
        assert len(Sale(market, first).orders()) == 2


def test_two_workers_pay_an_order_once(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = market.open(700)
        sale.card()
        order = sale.order(1)

        def work(order: Any = order) -> bool:
            return pay.pay_order(order.vendor_id, "test", order.id) is not None

        assert sorted(at_once(work, work), key=str) == [False, True]
        assert sale.payments() == 1


def test_a_card_told_of_by_two_at_once_begins_once(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = market.open(700)
        with_card = sale.card_unheard()

        def tell(told: Any = with_card) -> bool:
            return pay.begin_paying(*told)

        assert sorted(at_once(tell, tell), key=str) == [False, True]
        sale.work()
        assert sale.payments() == 1


def test_news_of_two_orders_at_once_leave_the_checkout_where_both_are(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = market.open(700, 300)
        sale.pay()
        for place in (1, 2):
            sale.tell(place, "yes", work=False)
        first, second = sale.orders()
        checkout = sale.checkout
        answers = at_once(
            lambda o=first: pay.hear_order(o.vendor_id, "test", o.id), lambda o=second: pay.hear_order(o.vendor_id, "test", o.id),
            lambda c=checkout: follow.follow_checkout(c.vendor_id, "test", c.id),
        )  # fmt: skip
        assert answers[:2] == [True, True], answers
        sale.work()
        assert sale.state == "done"


def test_an_order_that_ends_and_is_paid_at_once_is_given_back_once(market: Market, at_once: AtOnce) -> None:
    """The decision to keep nothing and the news of the money meet in any order."""
    for _ in range(ROUNDS):
        sale = market.open(700, 300, rule="all_or_nothing")
        sale.pay()
        sale.tell(2, "no", work=False)
        sale.tell(1, "yes", work=False)
        order, checkout = sale.order(1), sale.checkout
        answers = at_once(
            lambda o=order: pay.hear_order(o.vendor_id, "test", o.id),
            lambda o=order: pay.end_order(o.vendor_id, "test", o.id, pay.UNDONE),
            lambda c=checkout: follow.follow_checkout(c.vendor_id, "test", c.id),
        )
        assert not [one for one in answers if isinstance(one, Exception)], answers
        sale.work()
        assert [refund.amount_minor for refund in sale.refunds(1)] == [700]
        assert sale.state == "unwinding"
    assert market.breaks() == []


def test_two_people_give_back_the_same_line_once(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = market.open(700)
        sale.pay()
        sale.tell(1, "yes")
        order = sale.order(1)

        def give(order: Any = order) -> Refund:
            return refund_lines(
                market.operator.vendor, order, {1: Money(700, "GBP")}, reason="other", by="usr_x", form_token=secrets.token_hex(8)
            )

        answers = at_once(give, give)
        assert sorted(type(one).__name__ for one in answers) == [LineRefundRefused.__name__, Refund.__name__], answers


def test_two_people_deliver_an_order_at_the_same_moment_as_it_is_refunded(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = market.open(700)
        sale.pay()
        sale.tell(1, "yes")
        order = sale.order(1)
        answers = at_once(
            lambda o=order: deliver_order(market.operator.vendor, o, by="usr_x"),
            lambda o=order: deliver_order(market.operator.vendor, o, by="usr_y"),
            lambda o=order: refund_lines(
                market.operator.vendor, o, {1: Money(300, "GBP")}, reason="other", by="usr_x", form_token=secrets.token_hex(8)
            ),
        )
        assert not [one for one in answers if isinstance(one, Exception)], answers
        with unit(market.app):
            kinds = [event.kind for event in history_of(order.vendor_id, "test", order.id)]
        assert kinds.count("order.delivered") == 1
