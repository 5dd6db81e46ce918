"""News after a dispute's end: what was lost comes back, is taken once more, or an inquiry that was closed becomes a dispute. Nothing waits for ever."""

from __future__ import annotations

import pytest

from core.disputes.replay import DISPUTES
from core.kernel.shadow import replay
from core.ledger.queries import journals_about
from core.payments.models import Payment
from core.payments.queries import refunds_of_sale
from core.payments.replay import PAYMENTS
from tests.core.disputes.cases import Case, case_of, usd
from tests.core.disputes.test_money import stands
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, unit


def lost(seller: Seller, payment: Payment, minor: int | None = None) -> Case:
    case = case_of(seller, payment, minor, fee=0)
    case.tell()
    assert case.now("lost").tell() == "settled"
    return case


def whole(seller: Seller) -> None:
    assert seller.books_are_whole()
    with unit(seller.shop.app):
        assert [line for shadow in (DISPUTES, PAYMENTS) for line in replay(shadow, seller.shop.vendor.id).differences] == []


def test_given_back_after_a_loss_everybody_has_again_what_they_gave(seller: Seller, released: Payment) -> None:
    case = lost(seller, released, 5000)
    assert stands(seller) == {"available": 4875} and case.paid.fee == usd(125)
    assert case.won().tell() == "settled"
    assert (case.here.state, stands(seller)) == ("reversed", {"available": 9750})
    paid = case.paid
    assert (paid.refunded, paid.fee, paid.net, paid.refundable, paid.disputed) == (usd(0), usd(250), usd(9750), usd(10_000), usd(0))
    with unit(seller.shop.app):
        (refund,) = refunds_of_sale(seller.shop.vendor, paid)
        kinds = [journal.kind for journal, _legs in journals_about(seller.shop.vendor, "test", paid.public_id)]
    assert (refund.reason, refund.state) == ("lost_dispute", "failed") and kinds.count("dispute reversed") == 1
    assert ask_refund(seller.shop, released, "100.00").state == "requested", "all of it can be given back again"
    whole(seller)


def test_of_a_payment_that_still_waits_it_waits_again(seller: Seller, waiting: Payment) -> None:
    case = lost(seller, waiting)
    assert stands(seller) == {}
    case.won().tell()
    assert stands(seller) == {"pending": 9750} and case.paid.releasable == usd(9750)
    whole(seller)


def test_it_makes_up_first_what_the_seller_owes(seller: Seller, released: Payment) -> None:
    seller.pays_out()
    case = lost(seller, released)
    assert stands(seller) == {"owed": 9750}
    case.won().tell()
    assert stands(seller) == {}
    whole(seller)


def test_told_twice_or_late_it_is_given_back_once(seller: Seller, released: Payment, at_once: AtOnce) -> None:
    case = lost(seller, released)
    before = case.outcome
    after = case.won().outcome
    answers = at_once(lambda: case.told(after), lambda: case.told(after))
    assert sorted(answers) == ["settled", "stale"]
    assert case.tell(before) == "stale", "the news of the loss came late"
    assert stands(seller) == {"available": 9750} and case.here.state == "reversed"


@pytest.mark.parametrize("missed", [True, False])
def test_taken_once_more_after_it_came_back_it_is_open_again(seller: Seller, released: Payment, missed: bool) -> None:
    """The news in between may never have come: the processor's lines say what happened."""
    case = lost(seller, released)
    case.won()
    if not missed:
        case.tell()
    assert case.again().tell() == "settled"
    assert (case.here.state, case.here.cycle, stands(seller)) == ("needs_response", 2, {"hold": 9750, "taken": 10_000})
    case.now("lost").tell()
    assert (case.here.state, stands(seller), case.paid.refunded) == ("lost", {}, usd(10_000))
    whole(seller)


def test_an_inquiry_that_was_closed_may_become_a_dispute(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released, state="inquiry")
    case.tell()
    case.now("closed").tell()
    assert case.again().tell() == "settled"
    assert (case.here.state, stands(seller)) == ("needs_response", {"hold": 9750, "taken": 10_000})
    whole(seller)


def test_given_in_it_may_come_back_too(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released)
    case.tell()
    with unit(seller.shop.app):
        case.again_from_here().wish = "accept"
    case.now("lost").tell()
    assert case.here.state == "accepted"
    case.won().tell()
    assert (case.here.state, stands(seller)) == ("reversed", {"available": 9750})
    whole(seller)
