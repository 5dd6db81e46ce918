"""What a dispute does to the books: kept aside, given back or gone for good, never taken twice, and never below zero."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.kernel.config import settings
from core.ledger.queries import balances
from core.payments.models import Payment
from core.payments.queries import refunds_of_sale
from core.payments.refund import NothingToRefund, PaymentDisputed, begin_sending
from tests.core.disputes.cases import Case, case_of, usd
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, tell_refund, unit


def stands(seller: Seller) -> dict[str, int]:
    """The seller's accounts that hold anything, and what is left of the dispute's own."""
    with unit(seller.shop.app):
        found = balances(seller.shop.vendor, "test")
    short = {"seller_pending": "pending", "seller_available": "available", "seller_hold": "hold", "seller_receivable": "owed",
             "dispute_receivable": "taken", "dispute_fee_expense": "charged", "dispute_loss": "loss", "refund_in_flight": "in flight"}  # fmt: skip
    return {short[name]: amount.minor for (name, _sub, _code), amount in found.items() if name in short and amount}


def opened(seller: Seller, payment: Payment, minor: int | None = None, *, fee: int = 1500) -> Case:
    case = case_of(seller, payment, minor, fee=fee)
    assert case.tell() == "settled"
    return case


def test_opened_the_sellers_share_is_kept_aside(seller: Seller, released: Payment) -> None:
    """Row 8: taken from the clearing, out of what is available; the processor's charge is ours."""
    case = opened(seller, released, 5000)
    assert stands(seller) == {"available": 9750 - 4875, "hold": 4875, "taken": 5000, "charged": 1500}
    paid = case.paid
    assert (paid.disputed, paid.withheld, paid.net, paid.refundable) == (usd(5000), usd(4875), usd(4875), usd(5000))
    assert seller.books_are_whole()


def test_won_it_is_the_sellers_again_and_the_charge_stays_spent(seller: Seller, released: Payment) -> None:
    case = opened(seller, released)
    assert case.won().tell() == "settled"
    assert stands(seller) == {"available": 9750, "charged": 1500}
    assert (case.paid.net, case.paid.disputed, case.here.state) == (usd(9750), usd(0), "won")
    assert seller.books_are_whole()


def test_lost_the_fee_goes_back_in_proportion_as_for_a_refund(seller: Seller, released: Payment) -> None:
    case = opened(seller, released, 5000)
    assert case.now("under_review").tell() == "settled"
    assert case.now("lost").tell() == "settled"
    assert stands(seller) == {"available": 4875, "charged": 1500}
    paid = case.paid
    assert (paid.refunded, paid.fee, paid.net, paid.refundable) == (usd(5000), usd(125), usd(4875), usd(5000))
    with unit(seller.shop.app):
        (refund,) = refunds_of_sale(seller.shop.vendor, paid)
    assert (refund.reason, refund.state, refund.taken_from, refund.amount) == ("lost_dispute", "succeeded", "seller_hold", usd(5000))
    assert ask_refund(seller.shop, released, "50.00").state == "requested", "what is left can go back"
    assert seller.books_are_whole()


def test_after_a_payout_the_seller_owes_it_and_the_next_sale_makes_it_up(seller: Seller, released: Payment) -> None:
    """Rows 10 to 12."""
    seller.bank_says(seller.pays_out())
    case = opened(seller, released, 3000)
    assert stands(seller) == {"hold": 2925, "owed": 2925, "taken": 3000, "charged": 1500}
    case.now("lost").tell()
    assert stands(seller) == {"owed": 2925, "charged": 1500}
    seller.sells("12.00")
    with shifted(timedelta(days=60)):
        seller.release()
    assert stands(seller) == {"owed": 2925 - 1170, "charged": 1500}
    assert seller.books_are_whole()


def test_won_after_a_payout_strikes_the_debt_off(seller: Seller, released: Payment) -> None:
    seller.bank_says(seller.pays_out())
    case = opened(seller, released)
    assert stands(seller)["owed"] == 9750
    case.won().tell()
    assert stands(seller) == {"charged": 1500}
    assert seller.books_are_whole()


def test_what_still_waits_is_kept_aside_and_not_released(seller: Seller, waiting: Payment) -> None:
    opened(seller, waiting, 4000)
    assert stands(seller) == {"pending": 9750 - 3900, "hold": 3900, "taken": 4000, "charged": 1500}
    with shifted(timedelta(days=30)):
        seller.release()
        assert stands(seller) == {"available": 5850, "hold": 3900, "taken": 4000, "charged": 1500}
    assert seller.books_are_whole()


@pytest.mark.parametrize("released_between", [False, True])
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_payment_that_waited_ends_where_it_would_stand(seller: Seller, waiting: Payment, outcome: str, released_between: bool) -> None:
    case = opened(seller, waiting, 4000)
    with shifted(timedelta(days=30 if released_between else 0)):
        if released_between:
            seller.release()
        (case.won() if outcome == "won" else case.now("lost")).tell()
    with shifted(timedelta(days=31)):
        seller.release()
        assert stands(seller) == {"available": 9750 if outcome == "won" else 5850, "charged": 1500}
        assert case.paid.net == usd(9750 if outcome == "won" else 5850)
    assert seller.books_are_whole()


def test_a_second_cycle_takes_it_once_more(seller: Seller, released: Payment) -> None:
    case = opened(seller, released)
    case.now("under_review").tell()
    case.won().tell()
    assert case.again(fee=1500).tell() == "settled"
    assert (case.here.state, case.here.cycle) == ("needs_response", 2)
    assert stands(seller) == {"hold": 9750, "taken": 10000, "charged": 3000}
    case.now("lost").tell()
    assert stands(seller) == {"charged": 3000} and case.paid.net == usd(0)
    assert seller.books_are_whole()


def test_the_whole_life_told_at_once_is_booked_step_by_step(seller: Seller, released: Payment) -> None:
    """Nobody told us of anything until it was over."""
    case = case_of(seller, released, fee=1500).won().again(fee=1500)
    case.now("lost")
    assert case.tell() == "settled" and case.tell() == "stale"
    assert (case.here.state, case.here.cycle) == ("lost", 2)
    assert stands(seller) == {"charged": 3000}
    assert seller.books_are_whole()


def test_the_seller_bears_the_processors_charge_where_the_platform_says_so(
    seller: Seller, released: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = dataclasses.replace(settings(), dispute_fee_from="seller")
    monkeypatch.setattr("core.disputes.books.settings", lambda: theirs)
    case = opened(seller, released, 9000)
    assert stands(seller) == {"hold": 8775, "owed": 525, "taken": 9000}, "975 was left for a charge of 1500"
    assert case.tell() == "stale" and case.paid.net == usd(975 - 1500)
    case.won().tell()
    assert stands(seller) == {"available": 8250} and case.paid.net == usd(8250)
    assert seller.books_are_whole()


def test_no_refund_while_it_is_open(seller: Seller, released: Payment) -> None:
    case = opened(seller, released, 5000)
    with pytest.raises(PaymentDisputed, match="is disputed"):
        ask_refund(seller.shop, released, "10.00")
    case.now("lost").tell()
    ask_refund(seller.shop, released, "50.00")
    with pytest.raises(NothingToRefund):
        ask_refund(seller.shop, released, "0.01")


def test_an_inquiry_takes_nothing_and_stops_no_refund(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released, state="inquiry")
    assert case.tell() == "settled" and stands(seller) == {"available": 9750}
    tell_refund(seller.shop, ask_refund(seller.shop, released, "10.00"), "succeeded")
    assert case.now("closed").tell() == "settled" and case.here.state == "closed"
    assert seller.books_are_whole()


def test_an_inquiry_that_becomes_a_dispute_takes_the_money_then(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released, state="inquiry")
    case.tell()
    case.again(fee=1500).tell()
    assert (case.here.state, case.here.cycle, stands(seller)["hold"]) == ("needs_response", 1, 9750)


def test_a_refund_that_has_not_left_is_called_off(seller: Seller, released: Payment) -> None:
    """The payer would be paid twice."""
    refund = ask_refund(seller.shop, released, "40.00")
    case = opened(seller, released)
    with unit(seller.shop.app):
        (kept,) = refunds_of_sale(seller.shop.vendor, case.paid)
    assert (kept.public_id, kept.state, kept.failure_reason) == (refund.public_id, "canceled", "charge_disputed")
    assert stands(seller) == {"hold": 9750, "taken": 10000, "charged": 1500}
    assert seller.books_are_whole()


@pytest.mark.parametrize("after", ["failed", "succeeded"])
@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("when", ["waiting", "released"])
def test_a_refund_that_had_left_and_a_dispute_of_the_same_money(
    seller: Seller, request: pytest.FixtureRequest, when: str, end: str, after: str
) -> None:
    """The processor has both: the refund fails because of the dispute, or both are true and the payer has got it twice."""
    payment: Payment = request.getfixturevalue(when)
    refund = ask_refund(seller.shop, payment)
    case = case_of(seller, payment)
    with unit(seller.shop.app):
        begin_sending(refund)
    case.tell()
    tell_refund(seller.shop, refund, after)
    (case.won() if end == "won" else case.now("lost")).tell()
    with shifted(timedelta(days=90)):
        seller.release()
        left = stands(seller)
    kept = {("failed", "won"): 9750, ("failed", "lost"): 0, ("succeeded", "won"): 0, ("succeeded", "lost"): -10000}[after, end]
    assert left.get("available", 0) - left.get("owed", 0) == kept and set(left) <= {"available", "owed"}
    assert case.paid.net == usd(kept)
    assert seller.books_are_whole()


def test_two_disputes_of_one_charge_are_two_debts(seller: Seller, waiting: Payment) -> None:
    first, second = opened(seller, waiting, fee=0), opened(seller, waiting, fee=0)
    assert stands(seller) == {"hold": 9750 + 10000, "owed": 10000, "taken": 20000}
    first.now("lost").tell()
    second.won().tell()
    with shifted(timedelta(days=30)):
        seller.release()
    assert stands(seller) == {} and first.paid.net == usd(0)
    assert seller.books_are_whole()


@pytest.mark.parametrize("after", ["failed", "succeeded"])
def test_a_loss_told_while_a_refund_is_on_its_way_waits_for_the_refund(seller: Seller, released: Payment, after: str) -> None:
    """All of it came late and at once: opened and lost. What the processor then makes of the refund says what of the loss is a refund."""
    refund = ask_refund(seller.shop, released)
    with unit(seller.shop.app):
        begin_sending(refund)
    case = case_of(seller, released).now("lost")
    case.tell()
    assert case.here.state == "needs_response" and case.here.next_inquiry_at is not None
    tell_refund(seller.shop, refund, after)
    case.tell()
    assert (case.here.state, case.paid.refunded, case.paid.refundable) == ("lost", usd(10_000), usd(0))
    assert case.paid.dispute_cost_minor == (0 if after == "failed" else 10_000)
    assert seller.books_are_whole()
