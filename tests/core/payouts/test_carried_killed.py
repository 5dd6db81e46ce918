"""Whoever carries a payout dies between any two lines, and somebody else does it again: moved once, paid once, given back once."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.payouts.models import Payout
from tests.core.payouts.carried import CarriedSeller
from tests.factories import Shop
from tests.killed import Axe, Killed

SOURCES = ("/core/payouts/", "workers/payouts.py", "/core/ledger/post.py")


def lives(seller: CarriedSeller, payout: Payout, axe: Axe, end: str) -> None:
    """Moved, sent, and what the bank said of it; each is done until somebody has lived to write it down."""
    for said in ("", end, "failed" if end == "paid" else ""):
        if said:
            seller.processor.call("POST", "/_sandbox/connected_payouts", payout=seller.carriage(payout).payout_reference, outcome=said)
        for _again in range(3):
            try:
                with axe.over():
                    seller.carries(payout)
            except Killed:
                continue


@pytest.mark.parametrize(("end", "state"), [("paid", "returned"), ("failed", "failed")])
def test_whichever_line_it_dies_at_the_money_is_somewhere_once(shop: Shop, end: str, state: str) -> None:
    seller = CarriedSeller(shop)
    seller.connects()
    seller.fills(1_000_000)
    seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        counted = Axe(*SOURCES)
        lives(seller, seller.pays_out(), counted, end)
        assert counted.lines > 150
        for at in sorted(random.Random(11).sample(range(1, counted.lines), 8)):
            payout, axe = seller.pays_out(), Axe(*SOURCES, at=at)
            lives(seller, payout, axe, end)
            assert (seller.as_it_is(payout).state, seller.there(payout)) == (state, [(9750, 9750)]), axe.fallen
            assert (seller.under_way(), seller.has().minor, seller.carriage(payout).step) == ((0, 0), 9750, "done"), axe.fallen
            expected = ["requested", "submitted", "in_transit", *(["paid"] if end == "paid" else []), state]
            assert seller.kinds(payout) == expected and seller.books_are_whole(), axe.fallen
