"""Lines given back beside a dispute, a delivery, a release and a payment-wide refund, at the same moment: never more than a line was, never twice."""

from __future__ import annotations

import secrets
from typing import Any

from core.kernel.money import Money
from core.orders.deliver import deliver_order
from core.orders.queries import lines_of
from core.orders.refund import refund_lines
from core.payments.refund import request_refund
from core.payments.refund_models import Refund
from tests.core.orders.disputed import dispute_of
from tests.core.orders.market import Market, Sale
from tests.core.orders.test_delivery import two_lines
from tests.core.payments.conftest import AtOnce
from tests.factories import again, release_here, unit

ROUNDS = 20


def giving(market: Market, sale: Sale, **lines: int) -> Any:
    amounts, order = {int(place[1:]): Money(minor, "GBP") for place, minor in lines.items()}, sale.order(1)
    return lambda: refund_lines(market.operator.vendor, order, amounts, reason="other", by="usr_x", form_token=secrets.token_hex(8))


def live(sale: Sale) -> int:
    return sum(refund.amount_minor for refund in sale.refunds(1) if refund.state not in ("failed", "canceled"))


def test_a_line_beside_a_dispute_of_all_of_it(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = two_lines(market)
        case = dispute_of(market, sale, 1)
        answers = at_once(giving(market, sale, l2=2500), case.told)
        assert {type(one).__name__ for one in answers} <= {"Refund", "PaymentDisputed", "str"}, answers
        assert live(sale) == 0, "the bank has all of it: what had not left was called off"
        payment = sale.payment(1)
        assert (payment.disputed_minor, payment.refunding_minor, payment.refundable.minor) == (3500, 0, 0)
        with unit(market.app):
            assert [one.left.minor for one in lines_of(market.operator.vendor, sale.order(1))] == [1000, 2500]
    assert market.breaks() == []


def test_lines_beside_a_refund_of_the_whole_payment(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = two_lines(market)
        payment = sale.payment(1)

        def whole(payment: Any = payment) -> Refund:
            row = again(payment)
            return request_refund(
                market.operator.vendor, row, amount=Money(3500, "GBP"), reason="other", by="usr_x", form_token=secrets.token_hex(8)
            )

        at_once(giving(market, sale, l1=1000), whole, giving(market, sale, l2=2500))
        assert live(sale) in (1000, 2500, 3500) and sale.payment(1).refundable.minor == 3500 - live(sale)
    assert market.breaks() == []


def test_lines_beside_delivery_and_release(market: Market, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        sale = two_lines(market)
        order = sale.order(1)
        answers = at_once(
            giving(market, sale, l1=1000), lambda o=order: deliver_order(market.operator.vendor, o, by="usr_x"), release_here,
            giving(market, sale, l1=1000),
        )  # fmt: skip
        assert sorted(type(one).__name__ for one in (answers[0], answers[3])) == ["LineRefundRefused", "Refund"], answers
        assert live(sale) == 1000
    assert market.breaks() == []
    pending, available = (market.account(market.operator, f"seller_{name}") for name in ("pending", "available"))
    assert pending + available == ROUNDS * 2437, "2500 less 2.5 %, rounded on the running total"
