"""A refund, a payout and a dispute at the same moment: the same money is never given twice."""

from __future__ import annotations

import pytest

from core.payments.models import Payment
from core.payments.queries import refunds_of_sale
from core.payouts.request import request_payout
from core.payouts.statement import prove
from tests.core.disputes.cases import case_of, usd
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, unit


@pytest.mark.parametrize("_round", range(40))
def test_a_refund_beside_a_dispute_ends_with_one_debit(seller: Seller, released: Payment, at_once: AtOnce, _round: int) -> None:
    case = case_of(seller, released, fee=1500)
    refund, told = at_once(lambda: ask_refund(seller.shop, released), case.told)
    assert told == "settled" and type(refund).__name__ in ("Refund", "PaymentDisputed"), refund
    with unit(seller.shop.app):
        live = [one.state for one in refunds_of_sale(seller.shop.vendor, case.paid) if one.state not in ("canceled", "failed")]
    assert live == []
    stand = {name: seller.has(name).minor for name in ("seller_hold", "seller_available", "seller_receivable", "refund_in_flight")}
    assert stand == {"seller_hold": 9750, "seller_available": 0, "seller_receivable": 0, "refund_in_flight": 0}
    assert case.paid.refundable == usd(0) and seller.books_are_whole()


@pytest.mark.parametrize("_round", range(10))
def test_a_payout_beside_a_dispute_takes_only_what_is_left(seller: Seller, released: Payment, at_once: AtOnce, _round: int) -> None:
    case = case_of(seller, released)
    payout, told = at_once(lambda: request_payout(seller.shop.vendor, "test", "USD", by="usr_owner", form_token=f"r{_round}"), case.told)
    assert told == "settled" and type(payout).__name__ in ("Payout", "NotPayable"), payout
    owed, gone = seller.has("seller_receivable"), seller.has("payout_in_transit")
    assert (owed, gone) in ((usd(0), usd(0)), (usd(9750), usd(9750))) and seller.has("seller_hold") == usd(9750)
    if gone:
        with unit(seller.shop.app):
            prove(payout)
    assert seller.books_are_whole()
