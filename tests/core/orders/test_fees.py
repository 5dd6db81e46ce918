"""What the platform keeps of orders: exact fractions, one rounding, nothing lost, and the book that was worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.accounts.models import Vendor
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.orders.deliver import deliver_order
from core.orders.refund import refund_lines
from core.orders.terms import Rate, Sold, Terms, TermsRefused, cut, exact_fee, publish_terms, terms_now
from tests.core.orders.market import Market, Sale
from tests.factories import release_all, unit

HALF = Fraction(1, 2)
lines = st.lists(st.tuples(st.sampled_from(["", "books", "food"]), st.integers(1, 99_999_999)), min_size=1, max_size=6)
orders = st.lists(
    st.builds(Sold, tier=st.sampled_from(["", "small", "large"]), usual_bps=st.integers(0, 5000), lines=lines), min_size=1, max_size=20
)
rates = st.lists(
    st.builds(
        Rate,
        bps=st.integers(0, 5000),
        tier=st.sampled_from(["", "small", "large"]),
        category=st.sampled_from(["", "books", "food"]),
        fixed=st.one_of(st.none(), st.fixed_dictionaries({"GBP": st.integers(0, 500)})),
    ),
    max_size=6,
    unique_by=lambda rate: (rate.tier, rate.category),
)


@given(orders, rates)
@example([Sold("", 3334, [("", 1), ("", 1)])] * 2 + [Sold("", 649, [("", 1), ("", 1), ("", 1), ("", 52_139)])], [])
def test_fees_add_up_to_the_exact_sum_rounded_once(sold: list[Sold], rates: list[Rate]) -> None:
    terms = Terms(1, tuple(rates))
    fees, exact = cut(terms, sold, "GBP"), [exact_fee(terms, order, "GBP") for order in sold]
    assert abs(sum(fee.minor for fee in fees) - sum(exact)) <= HALF
    assert all(abs(fee.minor - due) < 1 for fee, due in zip(fees, exact, strict=True))
    assert all(0 <= fee.minor <= order.minor for fee, order in zip(fees, sold, strict=True))


@given(orders, rates)
def test_a_checkout_asked_for_again_is_cut_the_same(sold: list[Sold], rates: list[Rate]) -> None:
    terms = Terms(1, tuple(rates))
    assert cut(terms, sold, "GBP") == cut(terms, list(sold), "GBP")


def test_ties_go_to_the_earlier_order() -> None:
    """Three times 0.5: 1.5 is rounded to 2, and the first two get them."""
    three = [Sold("", 100, [("", 50)])] * 3
    assert [fee.minor for fee in cut(Terms(0), three, "GBP")] == [1, 1, 0]


def test_the_most_particular_rate_counts() -> None:
    terms = Terms(1, (Rate(300), Rate(200, tier="large"), Rate(100, category="books"), Rate(50, tier="large", category="books")))
    found = [terms.bps(*who, 900) for who in (("", ""), ("large", ""), ("", "books"), ("large", "books"), ("small", "food"))]
    assert found == [300, 200, 100, 50, 300]
    assert Terms(0).bps("large", "books", 150) == 150


def test_the_fixed_part_is_taken_once_an_order_and_never_more_than_half_of_it() -> None:
    terms = Terms(1, (Rate(0, fixed={"GBP": 20}),))
    assert [fee.minor for fee in cut(terms, [Sold("", 0, [("", 1000), ("", 500)]), Sold("", 0, [("", 30)])], "GBP")] == [20, 15]
    assert cut(terms, [Sold("", 0, [("", 1000)])], "EUR") == [Money(0, "EUR")]


def test_terms_have_versions_and_an_order_keeps_its_own(market: Market) -> None:
    before = market.open(7000)
    with unit(market.app):
        first = publish_terms("test", Terms(0, (Rate(1000),)), by="stf_x", begins_at=now() + timedelta(days=30))
        assert terms_now("test").version != first.version
    with shifted(timedelta(days=31)), unit(market.app):
        assert terms_now("test").bps("", "", 250) == 1000
    assert before.order(1).fee_minor == 175


@pytest.mark.parametrize(
    "wrong", [[Rate(5001)], [Rate(100), Rate(200)], [Rate(1, category="x", fixed={"GBP": 1})], [Rate(1, fixed={"GBP": -1})], [Rate(1, fixed={"??": 1})]]
)  # fmt: skip
def test_terms_that_cannot_be_are_refused(market: Market, wrong: list[Rate]) -> None:
    with pytest.raises(TermsRefused), unit(market.app):
        publish_terms("test", Terms(0, tuple(wrong)), by="stf_x")


def test_the_worked_book(market: Market) -> None:
    """Of LEDGER: 100.00 for A 70.00 and B 30.00, ten percent; released on delivery; 20.00 of A given back takes 2.00 of the fee along."""
    a, b = market.shops[0], market.shops[1]
    sale = ten_percent(market, 7000, 3000)
    for place in (1, 2):
        sale.tell(place, "yes")
    assert [(market.account(s, "seller_pending"), market.account(s, "platform_fee")) for s in (a, b)] == [(6300, 700), (2700, 300)]
    assert sum(market.account(s, "psp_clearing") for s in (a, b)) == 10_000 - 40  # two charges, each with its own fee of 20
    assert sum(market.account(s, "psp_fee_expense") for s in (a, b)) == 40
    for place, shop in ((1, a), (2, b)):
        with unit(market.app):
            deliver_order(shop.vendor, sale.order(place), by="usr_x")
    release_all(market.app)
    assert [market.account(s, "seller_available") for s in (a, b)] == [6300, 2700]
    with unit(market.app):
        refund_lines(
            a.vendor, sale.order(1), {1: Money(2000, "GBP")}, reason="requested_by_customer", by="usr_x", form_token=sale.checkout.public_id
        )
    assert (market.account(a, "seller_available"), market.account(a, "fee_refunds"), market.account(a, "refund_in_flight")) == (
        4500,
        200,
        2000,
    )
    sale.refunds_arrive()
    assert market.account(a, "refund_in_flight") == 0
    assert market.breaks() == []


def ten_percent(market: Market, *amounts: int) -> Sale:
    """A checkout of sellers of whom the platform keeps ten percent, with the card given."""
    with unit(market.app):
        for shop in market.shops:
            db.session.get_one(Vendor, shop.vendor.id).fee_bps = 1000
    sale = market.open(*amounts)
    sale.pay()
    return sale
