"""Refunds made in the processor's own dashboard: booked once as what they are, in any order, and never more than was taken."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.ledger.queries import balances, find_breaks
from core.notifications.models import Message
from core.payments.models import Payment
from core.payments.outside_refund import settle_outside_refund
from core.payments.queries import list_refunds, timeline
from core.providers.contract import RefundOutcome
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, ask_refund, fresh, make_paid, make_payment, release_all, tell, tell_refund, unit

ROUNDS = 20


@pytest.fixture
def payment(shop: Shop) -> Payment:
    return make_paid(shop)


def number() -> str:
    return f"re_{secrets.token_hex(6)}"


def outside(payment: Payment, minor: int, *, name: str = "re_1", state: str = "succeeded", **more: Any) -> RefundOutcome:
    facts = {"charge": payment.charge, "reason": "requested_by_customer", "amount": Money(minor, payment.currency), **more}
    return RefundOutcome(state=state, provider_reference=name, **facts)


def hear(shop: Shop, payment: Payment, outcome: RefundOutcome) -> str:
    with unit(shop.app):
        return settle_outside_refund(shop.vendor, again(payment), outcome, cause="evt_1")


def held(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        assert find_breaks(shop.vendor.id, "test") == []
        return {name: money.minor for (name, _, _), money in balances(shop.vendor, "test").items() if money}


def lines(shop: Shop, payment: Payment) -> list[str]:
    with shop.app.app_context():
        return [line.kind for line in timeline(shop.vendor, payment)]


def letters(shop: Shop, kind: str) -> int:
    with shop.app.app_context():
        return int(db.session.scalar(select(func.count()).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)) or 0)


def sums(shop: Shop, payment: Payment) -> tuple[int, int, int]:
    row = fresh(shop, payment)
    return row.refunded_minor, row.refunding_minor, row.fee_returned_minor


def test_it_is_booked_like_our_own_and_said_to_be_none_of_ours(shop: Shop, payment: Payment) -> None:
    assert hear(shop, payment, outside(payment, 1000)) == "settled"
    assert sums(shop, payment) == (1000, 0, 25)
    assert held(shop)["psp_clearing"] == payment.amount_minor - 1000
    assert held(shop)["seller_pending"] == payment.amount_minor - payment.fee_minor - 975
    assert lines(shop, payment)[-2:] == ["refund.outside", "refund.succeeded"]
    assert (letters(shop, "refund_outside"), letters(shop, "refund_sent")) == (1, 1)
    with shop.app.app_context():
        (refund,) = list_refunds(shop.vendor, payment)
    assert (refund.requested_by, refund.provider_reference, refund.reason) == ("provider", "re_1", "requested_by_customer")


def test_however_often_it_is_told_it_is_booked_once(shop: Shop, payment: Payment) -> None:
    assert [hear(shop, payment, outside(payment, 1000)) for _ in range(3)] == ["settled", "stale", "stale"]
    assert sums(shop, payment)[0] == 1000 and letters(shop, "refund_outside") == 1


def test_told_by_many_workers_at_once_it_is_booked_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, outcome = make_paid(shop), None
        outcome = outside(payment, 700, name=number())

        def tell_it(payment: Payment = payment, outcome: RefundOutcome = outcome) -> str:
            return settle_outside_refund(shop.vendor, again(payment), outcome, cause="evt_1")

        assert sorted(at_once(tell_it, tell_it, tell_it)) == ["settled", "stale", "stale"]
        assert sums(shop, payment)[0] == 700


@pytest.mark.parametrize("order", [("pending", "succeeded"), ("succeeded", "pending", "succeeded"), ("unknown", "pending", "succeeded")])
def test_slow_ones_in_any_order_end_the_same(shop: Shop, payment: Payment, order: tuple[str, ...]) -> None:
    for state in order:
        hear(shop, payment, outside(payment, 1000, state=state))
    assert sums(shop, payment) == (1000, 0, 25)


def test_while_it_is_on_its_way_the_clock_asks_about_it(shop: Shop, payment: Payment) -> None:
    hear(shop, payment, outside(payment, 1000, state="pending"))
    assert sums(shop, payment) == (0, 1000, 25)
    with shop.app.app_context():
        (refund,) = list_refunds(shop.vendor, payment)
    assert refund.state == "pending" and refund.next_inquiry_at is not None


def test_one_that_failed_before_we_heard_of_it_moved_nothing(shop: Shop, payment: Payment) -> None:
    before = held(shop)
    assert hear(shop, payment, outside(payment, 1000, state="failed")) == "stale"
    assert held(shop) == before and sums(shop, payment) == (0, 0, 0)


def test_one_the_bank_sends_back_is_the_sellers_again(shop: Shop, payment: Payment) -> None:
    before = held(shop)
    hear(shop, payment, outside(payment, 1000))
    hear(shop, payment, outside(payment, 1000, state="failed", failure_reason="account_closed"))
    assert held(shop) == before and sums(shop, payment) == (0, 0, 0)


def test_more_than_is_left_is_an_alarm_said_once_and_booked_when_ours_has_failed(shop: Shop, payment: Payment) -> None:
    ours = ask_refund(shop, payment, "20.00")
    with structlog.testing.capture_logs() as said:
        assert [hear(shop, payment, outside(payment, 2500)) for _ in range(3)] == ["excess"] * 3
    assert [line["event"] for line in said] == ["refund_cannot_be_booked"] * 3
    assert lines(shop, payment).count("refund.cannot_be_booked") == 1 and letters(shop, "refund_not_booked") == 1
    assert sums(shop, payment)[:2] == (0, 2000)
    tell_refund(shop, ours, "failed", failure_reason="charge_already_refunded")
    assert hear(shop, payment, outside(payment, 2500)) == "settled"
    assert sums(shop, payment)[:2] == (2500, 0)


def test_what_is_of_another_currency_or_charge_is_an_alarm_and_not_booked(shop: Shop, payment: Payment) -> None:
    before = held(shop)
    assert hear(shop, payment, outside(payment, 1000, amount=Money(1000, "EUR"))) == "mismatch"
    assert hear(shop, payment, outside(payment, 1000, name="re_2", charge="ch_of_somebody")) == "mismatch"
    assert hear(shop, make_payment(shop), outside(payment, 1000, name="re_3", charge=None)) == "mismatch"
    assert held(shop) == before and letters(shop, "refund_not_booked") == 3


def test_money_we_held_as_unexpected_may_be_given_back_there_too(shop: Shop, payment: Payment) -> None:
    tell(shop, payment, None, "succeeded", charge="ch_twice", captured=payment.amount)
    part = outside(payment, 100, name="re_9", charge="ch_twice")
    assert hear(shop, payment, part) == "mismatch"
    whole = outside(payment, payment.amount_minor, charge="ch_twice")
    assert hear(shop, payment, whole) == "settled"
    assert "unapplied_receipts" not in held(shop) and sums(shop, payment) == (0, 0, 0)


def test_what_the_balance_does_not_hold_any_more_the_seller_owes(shop: Shop, payment: Payment) -> None:
    with shifted(timedelta(days=40)):
        release_all(shop.app)
    paid_out = payment.amount - payment.fee
    with unit(shop.app):  # everything has left the balance
        post(
            [
                book.refund_requested(
                    payment, refund="ref_all", amount=paid_out, fee_returned=Money(0, "GBP"), taken_from="seller_available", at=now()
                )
            ]
        )
    assert hear(shop, payment, outside(payment, 1000)) == "settled"
    assert held(shop)["seller_receivable"] == 975 and sums(shop, payment) == (1000, 0, 25)
    hear(shop, payment, outside(payment, 1000, state="failed"))
    assert "seller_receivable" not in held(shop) and sums(shop, payment) == (0, 0, 0)
