"""What is credited of an invoice comes to exactly what went back, and with the last penny the last of the tax is back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.invoices.shares import Share, gross_of, part_of, remaining, sold, tax_of
from core.kernel.money import Money
from core.payments.cart import Goods, Rate, price_cart

CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD"])
RATES = st.sampled_from([None, 0, 500, 1_900, 2_000])


@st.composite
def shares(draw: st.DrawFn) -> tuple[Share, ...]:
    code, found = draw(CURRENCIES), []
    for number, bps in enumerate(draw(st.lists(RATES, min_size=1, max_size=4))):
        gross = draw(st.integers(1, 100_000))
        tax = 0 if bps is None else draw(st.integers(0, gross // 4))
        found.append(Share(f"rate {number}", bps, Money(gross, code), Money(tax, code)))
    return tuple(found)


@given(shares(), st.data())
def test_parts_come_to_the_whole_rate_by_rate(whole: tuple[Share, ...], data: st.DataObject) -> None:
    given_back: list[tuple[bool, tuple[Share, ...]]] = []
    left = whole
    while left:
        amount = Money(data.draw(st.integers(1, gross_of(left).minor)), left[0].gross.currency)
        part = part_of(left, amount)
        assert gross_of(part) == amount
        assert all(Money(0, amount.currency) <= share.tax <= share.gross for share in part)
        given_back.append((True, part))
        left = remaining([(False, whole), *given_back])
        assert all(share.gross.minor > 0 and share.tax.minor >= 0 and share.net.minor >= 0 for share in left)
    assert sum(tax_of(part).minor for _, part in given_back) == tax_of(whole).minor


@given(st.lists(st.tuples(st.integers(1, 9_999), st.integers(1, 9), RATES, st.booleans()), min_size=1, max_size=5), st.integers(1, 200_000))
def test_another_sum_than_the_carts_is_divided_as_the_cart_is(lines: list[tuple[int, int, int | None, bool]], minor: int) -> None:
    goods = [
        Goods(
            f"thing {n}",
            Money(price, "EUR"),
            quantity,
            Rate(f"r{bps}{inclusive}", f"VAT {bps}{inclusive}", bps, inclusive) if bps else None,
        )
        for n, (price, quantity, bps, inclusive) in enumerate(lines)
    ]
    cart = price_cart(goods, "EUR")
    assert gross_of(sold(cart, cart.total)) == cart.total and tax_of(sold(cart, cart.total)).minor == sum(t.tax.minor for t in cart.taxes)
    assert gross_of(sold(cart, Money(minor, "EUR"))) == Money(minor, "EUR")


def test_a_plain_sum_has_no_tax() -> None:
    (share,) = sold(None, Money(2_500, "GBP"))
    assert (share.bps, share.gross, share.tax) == (None, Money(2_500, "GBP"), Money(0, "GBP"))
