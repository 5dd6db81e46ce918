"""After five declines a payment rests for a quarter of an hour; what the processor keeps is booked in the payment's currency or not at all."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
import structlog

from core.kernel.clock import now, shifted
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.attempt import TriedTooOften, begin_attempt
from core.payments.lockout import MOST_DECLINES, PAUSE, locked_until
from core.payments.models import Attempt, Payment
from core.payments.queries import page_state, timeline
from tests.core.payments.test_processing import asked
from tests.factories import Shop, again, fresh, make_paid, tell, unit


def decline(shop: Shop, payment: Payment, attempt: Attempt, times: int, charge: str = "") -> None:
    for _ in range(times):
        tell(shop, payment, attempt, "declined", charge=charge or f"ch_{secrets.token_hex(6)}", decline_code="do_not_honor")


def stage(shop: Shop, payment: Payment) -> str:
    with shop.app.app_context():
        return page_state(again(payment))


def test_four_declines_are_a_person_and_five_are_a_pause(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    decline(shop, payment, attempt, MOST_DECLINES - 1)
    assert stage(shop, payment) == "failed" and asked(shop) == 0
    decline(shop, payment, attempt, 1)
    assert stage(shop, payment) == "locked"
    assert asked(shop) == 1, "a worker closes the page at the processor"
    with unit(shop.app), pytest.raises(TriedTooOften):
        begin_attempt(shop.vendor, again(payment))


def test_the_same_decline_heard_often_counts_once(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    decline(shop, payment, attempt, 3 * MOST_DECLINES, charge="ch_1")
    assert stage(shop, payment) == "failed"


def test_the_pause_ends_by_itself_and_the_next_five_begin_another(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    decline(shop, payment, attempt, MOST_DECLINES)
    with shop.app.app_context():
        until = locked_until(again(payment))
    assert until and timedelta(0) < until - now() <= PAUSE
    with shifted(PAUSE + timedelta(seconds=1)):
        assert stage(shop, payment) == "failed"
        decline(shop, payment, attempt, MOST_DECLINES - 1)
        assert stage(shop, payment) == "failed"
        decline(shop, payment, attempt, 1)
        assert stage(shop, payment) == "locked"


def test_money_that_was_faster_than_the_pause_is_taken(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    decline(shop, payment, attempt, MOST_DECLINES)
    assert tell(shop, payment, attempt, "succeeded", charge="ch_good", captured=payment.amount) == "settled"
    assert stage(shop, payment) == "paid"


def test_a_charge_of_the_processor_in_another_currency_is_said_and_not_booked(shop: Shop) -> None:
    paid = make_paid(shop)
    facts = {"charge": paid.charge, "captured": paid.amount, "fee": Money(60, "EUR"), "fee_reference": "txn_1"}
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            tell(shop, paid, None, "succeeded", **facts)
    assert [line["event"] for line in said] == ["fee_in_other_currency"] * 3
    assert fresh(shop, paid).processor_fee_minor is None
    with shop.app.app_context():
        assert [line.kind for line in timeline(shop.vendor, paid)].count("fee.other_currency") == 1
        assert {currency for _, _, currency in balances(shop.vendor, "test")} == {"GBP"}
    tell(shop, paid, None, "succeeded", **{**facts, "fee": Money(55, "GBP"), "fee_reference": "txn_2"})
    assert fresh(shop, paid).processor_fee_minor == 55
