"""Attacks on a payout that a processor carries: the seller's bank account there is exchanged between two steps, and an answer comes after
everything has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import shifted
from core.payouts import carry
from tests.core.payouts.carried import CarriedSeller
from tests.core.payouts.test_carried import WHOLE, _answer, _asked, carried, nothing_is_lost
from tests.factories import unit

__all__ = ["carried"]  # the fixture


def record(seller: CarriedSeller, question: carry.Question, answer: carry.Answer) -> bool:
    with unit(seller.shop.app):
        return carry.record(seller.shop.vendor, question, answer, cause="test")


def moved_and_exchanged(seller: CarriedSeller, payout: Any) -> None:
    """The money is with the seller's account there, and somebody has put another bank account behind it."""
    question = _asked(seller, payout, "move")
    assert record(seller, question, _answer(seller, question))
    other = {"currency": "usd", "iban": "GB33BUKB20201555555555"}
    seller.processor.call("POST", "/_sandbox/accounts", account=seller.receiver().provider_reference, **other)


def test_a_bank_account_that_was_exchanged_after_the_move_gets_nothing_either(carried: CarriedSeller) -> None:
    payout = carried.pays_out()
    moved_and_exchanged(carried, payout)
    failed = carried.carries(payout)
    assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "bank_account_replaced", [(9750, 9750)])
    assert nothing_is_lost(carried) and carried.has() == WHOLE


def test_what_was_paid_out_before_the_exchange_is_not_taken_back(carried: CarriedSeller) -> None:
    """The answer was lost, and then the account was exchanged: the seller's bank has the money all the same."""
    payout = carried.pays_out()
    carried.processor.story("timeout_after", times=1, seconds=0, path="/v1/payouts")
    carried.carries(payout)
    other = {"currency": "usd", "iban": "GB33BUKB20201555555555"}
    carried.processor.call("POST", "/_sandbox/accounts", account=carried.receiver().provider_reference, **other)
    sent = carried.carries(payout)
    assert (sent.state, carried.there(payout)) == ("in_transit", [(9750, 0)])
    assert carried.their_bank_says(payout, "paid").state == "paid" and carried.books_are_whole()


@pytest.mark.parametrize("had_arrived", [True, False])
def test_an_answer_that_comes_when_all_is_taken_back_changes_nothing(carried: CarriedSeller, had_arrived: bool) -> None:
    payout = carried.carries(carried.pays_out())
    if had_arrived:
        carried.their_bank_says(payout, "paid")
    carried.processor.call("POST", "/_sandbox/connected_payouts", payout=carried.carriage(payout).payout_reference, outcome="failed")
    slow = _asked(carried, payout, "watch")
    late = _answer(carried, slow)
    ended = carried.carries(payout, "evt_1")
    assert ended.state == ("returned" if had_arrived else "failed") and carried.carriage(payout).step == "done"
    assert record(carried, slow, late) is False
    assert (carried.carriage(payout).step, carried.carriage(payout).next_look_at) == ("done", None)
    with shifted(timedelta(days=31)):
        carried.carries(payout)
    assert nothing_is_lost(carried) and carried.kinds(payout).count(ended.state) == 1
