"""What a cart comes to: by hand-computed tables, and by properties that hold for every cart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernel.money import Money
from core.payments.cart import Goods, Rate, Reduction, price_cart

VAT = Rate("txr_vat", "VAT", 2_000, False)
VAT_IN = Rate("txr_vat_in", "VAT", 2_000, True)
FOOD = Rate("txr_food", "Reduced", 700, True)


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def goods(*lines: tuple[int, int, Rate | None]) -> list[Goods]:
    return [Goods(f"Thing {n}", gbp(unit), quantity, rate) for n, (unit, quantity, rate) in enumerate(lines)]


@pytest.mark.parametrize(
    ("lines", "reduction", "tip", "tip_rate", "expected"),
    [  # expected: goods, discount, tip, taxes, total
        pytest.param([(1_250, 2, None)], None, None, None, (2_500, 0, 0, [], 2_500), id="two of one thing"),
        pytest.param([(1_000, 1, VAT)], None, None, None, (1_000, 0, 0, [200], 1_200), id="tax added"),
        pytest.param([(1_200, 1, VAT_IN)], None, None, None, (1_200, 0, 0, [200], 1_200), id="tax contained"),
        pytest.param([(67, 1, VAT)] * 3, None, None, None, (201, 0, 0, [40], 241), id="tax on the sum: 40, where line by line it were 39"),
        pytest.param([(999, 3, VAT_IN)], None, None, None, (2_997, 0, 0, [500], 2_997), id="499.5 rounds up"),
        pytest.param([(1_000, 1, None)], Reduction("TEN", bps=1_000), None, None, (1_000, 100, 0, [], 900), id="ten percent off"),
        pytest.param([(333, 1, None)], Reduction("HALF", bps=5_000), None, None, (333, 167, 0, [], 166), id="half a penny off rounds up"),
        pytest.param([(500, 1, None)], Reduction("BIG", amount=gbp(900)), None, None, (500, 500, 0, [], 0), id="never below nothing"),
        pytest.param([(1_000, 1, VAT)], Reduction("TEN", bps=1_000), None, None, (1_000, 100, 0, [180], 1_080), id="discount before tax"),
        pytest.param([(2_000, 1, None)], None, 1_250, None, (2_000, 0, 250, [], 2_250), id="12.5 percent tip"),
        pytest.param(
            [(2_000, 1, None)], Reduction("HALF", bps=5_000), 1_000, None, (2_000, 1_000, 100, [], 1_100), id="tip after discount"
        ),
        pytest.param([(1_000, 1, VAT)], None, 1_000, None, (1_000, 0, 100, [200], 1_300), id="a tip without tax"),
        pytest.param([(1_000, 1, VAT)], None, 1_000, VAT, (1_000, 0, 120, [220], 1_320), id="a taxed tip"),
        pytest.param([(1_200, 1, VAT_IN)], None, gbp(120), VAT_IN, (1_200, 0, 120, [220], 1_320), id="a taxed tip, tax contained"),
        pytest.param([(1_070, 2, FOOD), (1_200, 1, VAT_IN)], None, None, None, (3_340, 0, 0, [140, 200], 3_340), id="two rates"),
        pytest.param([(1_000, 0, VAT), (500, 1, None)], None, None, None, (500, 0, 0, [], 500), id="none of one thing"),
    ],
)
def test_a_cart_comes_to_what_was_worked_out_by_hand(lines, reduction, tip, tip_rate, expected) -> None:
    cart = price_cart(goods(*lines), "GBP", reduction=reduction, tip=tip, tip_rate=tip_rate)
    assert (cart.goods.minor, cart.discount.minor, cart.tip.minor, [t.tax.minor for t in cart.taxes], cart.total.minor) == expected


def test_a_discount_is_dealt_out_to_the_lines_by_largest_remainder() -> None:
    cart = price_cart(goods((100, 1, None), (100, 1, None), (100, 1, None)), "GBP", reduction=Reduction("TEN", amount=gbp(100)))
    assert [line.discount.minor for line in cart.lines] == [34, 33, 33]


def test_three_decimals_and_none_are_rounded_in_their_own_units() -> None:
    yen = price_cart([Goods("Bowl", Money(333, "JPY"), 1, VAT)], "JPY", tip=1_000)
    assert (yen.taxes[0].tax, yen.tip, yen.total) == (Money(67, "JPY"), Money(33, "JPY"), Money(433, "JPY"))
    dinar = price_cart([Goods("Bowl", Money(12_345, "KWD"), 1, Rate("r", "VAT", 500, True))], "KWD")
    assert (dinar.taxes[0].tax, dinar.total) == (Money(588, "KWD"), Money(12_345, "KWD"))


RATES = st.sampled_from([None, *(Rate(f"txr_{n}", "T", bps, inclusive) for n, (bps, inclusive) in enumerate([(0, True), (1, True), (700, True), (2_000, True), (2_000, False), (775, False), (10_000, False)]))])  # fmt: skip
LINES = st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 999), RATES), min_size=1, max_size=20)
REDUCTIONS = st.one_of(
    st.none(),
    st.integers(1, 10_000).map(lambda bps: Reduction("X", bps=bps)),
    st.integers(1, 10**9).map(lambda minor: Reduction("X", amount=gbp(minor))),
)
TIPS = st.one_of(st.none(), st.integers(0, 10_000), st.integers(0, 10**7).map(gbp))


@settings(max_examples=300, deadline=None)
@given(lines=LINES, reduction=REDUCTIONS, tip=TIPS, tip_rate=RATES)
def test_every_cart_sums_exactly(lines, reduction, tip, tip_rate) -> None:
    cart = price_cart(goods(*lines), "GBP", reduction=reduction, tip=tip, tip_rate=tip_rate)
    assert sum(line.total.minor for line in cart.lines) == cart.total.minor
    assert sum(line.tax.minor for line in cart.lines) == sum(tax.tax.minor for tax in cart.taxes)
    listed = sum(line.subtotal.minor for line in cart.lines)
    assert cart.total.minor == listed - cart.discount.minor + cart.added_tax.minor
    for tax in cart.taxes:
        mine = [line for line in cart.lines if line.rate == tax.rate]
        assert sum(line.net.minor for line in mine) == tax.taxable.minor
        assert tax.taxable.minor + tax.tax.minor == sum(line.total.minor for line in mine)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, reduction=REDUCTIONS, tip=TIPS, tip_rate=RATES)
def test_no_figure_of_a_cart_is_below_nothing(lines, reduction, tip, tip_rate) -> None:
    cart = price_cart(goods(*lines), "GBP", reduction=reduction, tip=tip, tip_rate=tip_rate)
    for line in cart.lines:
        assert min(line.subtotal.minor, line.discount.minor, line.tax.minor, line.total.minor, line.net.minor, line.listed.minor) >= 0
        assert line.discount.minor <= line.subtotal.minor
    assert cart.discount.minor <= cart.goods.minor


@settings(max_examples=300, deadline=None)
@given(net=st.integers(1, 10**9), bps=st.integers(0, 10_000))
def test_the_same_rate_added_or_contained_agrees(net: int, bps: int) -> None:
    added = price_cart(goods((net, 1, Rate("a", "T", bps, False))), "GBP")
    contained = price_cart(goods((added.total.minor, 1, Rate("b", "T", bps, True))), "GBP")
    assert contained.taxes[0].tax == added.taxes[0].tax and contained.taxes[0].taxable == added.taxes[0].taxable
