"""Money: whole minor units, nothing lost, one rounding, and nothing but an amount is read as an amount."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.currency import OFFERED, exponent, is_currency
from core.kernel.money import BadAmount, CurrencyMismatch, Money, parse_amount, round_half_up

minor = st.integers(-9_000_000_000_000_000, 9_000_000_000_000_000)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


@given(minor, weights)
def test_a_split_loses_nothing(amount: int, by: list[int]) -> None:
    assert sum(part.minor for part in Money(amount, "GBP").split(by)) == amount


@given(minor, weights)
def test_every_part_of_a_split_is_next_to_its_exact_share(amount: int, by: list[int]) -> None:
    for part, weight in zip(Money(amount, "GBP").split(by), by, strict=True):
        assert abs(part.minor - Fraction(amount * weight, sum(by))) < 1


@given(st.integers(0, 10**12), weights)
def test_no_line_of_a_split_gets_more_than_one_with_a_larger_remainder_is_denied(amount: int, by: list[int]) -> None:
    exact = [Fraction(amount * weight, sum(by)) for weight in by]
    rest = [share - share.__floor__() for share in exact]
    raised = [part.minor - share.__floor__() for part, share in zip(Money(amount, "GBP").split(by), exact, strict=True)]
    assert set(raised) <= {0, 1}
    assert all(not (raised[i] < raised[j] and (rest[i], -i) > (rest[j], -j)) for i in range(len(by)) for j in range(len(by)))


def test_the_worked_examples_of_a_split() -> None:
    def parts(amount: int, *by: int) -> list[int]:
        return [part.minor for part in Money(amount, "USD").split(by)]

    assert parts(100, 600, 355, 45) == [60, 36, 4]  # equal remainders: the earlier line
    assert parts(100, 1, 1, 1) == [34, 33, 33]
    assert parts(5, 1, 0, 1) == [3, 0, 2]
    assert parts(0, 3, 7) == [0, 0]


@pytest.mark.parametrize("by", [[], [0], [0, 0], [1, -1], [-1]])
def test_there_is_no_split_by_nothing(by: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "GBP").split(by)


@given(minor, st.integers(0, 20_000))
def test_a_share_is_rounded_once_and_a_half_goes_away_from_zero(amount: int, points: int) -> None:
    exact, share = Fraction(amount * points, 10_000), Money(amount, "GBP").share(points).minor
    assert abs(share - exact) <= Fraction(1, 2)
    if abs(share - exact) == Fraction(1, 2):
        assert abs(share) > abs(exact)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9))
def test_rounding_is_the_same_on_both_sides_of_zero(over: int, under: int) -> None:
    assert round_half_up(Fraction(-over, under)) == -round_half_up(Fraction(over, under))


@pytest.mark.parametrize(("amount", "points", "share"), [(2_500, 250, 63), (100, 50, 1), (99, 50, 0), (-100, 50, -1), (1, 10_000, 1)])
def test_the_worked_examples_of_a_share(amount: int, points: int, share: int) -> None:
    assert Money(amount, "GBP").share(points).minor == share


def test_two_currencies_do_not_mix() -> None:
    pounds, yen = Money(1, "GBP"), Money(1, "JPY")
    for mix in (lambda: pounds + yen, lambda: pounds - yen, lambda: pounds < yen, lambda: pounds >= yen):
        with pytest.raises(CurrencyMismatch):
            mix()
    assert pounds != yen


@pytest.mark.parametrize("wrong", [1.0, True, "1", None])
def test_money_counts_whole_units_only(wrong: object) -> None:
    with pytest.raises(TypeError):
        Money(wrong, "GBP")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["", "gbp", "XXX", "GB", "GBPX", "XAU", "£"])
def test_money_is_in_a_currency(wrong: str) -> None:
    with pytest.raises(ValueError):
        Money(1, wrong)


@given(st.integers(0, 10**13), st.sampled_from(OFFERED))
def test_what_is_shown_is_read_back(amount: int, code: str) -> None:
    money = Money(amount % 10 ** (12 + exponent(code)), code)
    assert parse_amount(money.decimal_text, code) == money


@pytest.mark.parametrize(
    ("text", "code", "amount"),
    [("12", "GBP", 1_200), ("12.5", "GBP", 1_250), ("12.50", "GBP", 1_250), ("0012", "GBP", 1_200), (" 7 ", "GBP", 700), ("0", "GBP", 0),
     ("1250", "JPY", 1_250), ("1.5", "KWD", 1_500), ("1.234", "KWD", 1_234), ("999999999999.99", "GBP", 99_999_999_999_999)],
)  # fmt: skip
def test_an_amount_is_read(text: str, code: str, amount: int) -> None:
    assert parse_amount(text, code) == Money(amount, code)


HOSTILE = [
    "", " ", "-1", "+1", "--1", "1,00", "1.000,00", "1,000.00", "1_000", "1e3", "1E3", "1e400", "1e-2", "0x10", "0b1", "0o7", "NaN", "nan", "sNaN",
    "Infinity", "-inf", "1.", ".5", "1..2", "1.2.3", "1.234", "1.005", "0.001", "1 000", "1\u00a0000", "1\u202f000", "\u00a01", "1\t", "\n1", "1\n",
    "1\x00", "\x001", "1\u200b", "\ufeff1", "１２.００", "１", "٥", "۵", "५", "²", "½", "Ⅻ", "一", "1．00", "1٫00", "1’000", "£1", "1£", "GBP 1", "1 GBP",
    "$1", "1%", "1/2", "1+1", "1-", "(1)", "'1'", '"1"', "1;2", "1|2", "true", "null", "None", "[1]", "{}", "1" * 13, "9" * 400, "1." + "0" * 400,
    "\ud800", "1\ud800", "\u202e1", "1\u0301", "<b>1</b>", "${1}", "{{1}}", "1 OR 1=1", "١٢", "1\r\n2", "1\v", "1\f", "1\x85", "1\u2028", "−1", "＋1",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_else_is_read_as_an_amount(text: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse_amount(text, "GBP")
    assert refused.value.field == "amount"


@given(st.text(max_size=20))
def test_whatever_is_typed_is_an_amount_or_a_refusal(text: str) -> None:
    try:
        money = parse_amount(text, "GBP")
    except BadAmount:
        return
    assert text.strip(" ").isascii() and money.minor >= 0


@pytest.mark.parametrize(
    ("text", "code", "hint"), [("1.5", "JPY", "no decimals"), ("1.234", "GBP", "2 decimals"), ("1.2345", "KWD", "3 decimals")]
)
def test_too_many_decimals_are_named(text: str, code: str, hint: str) -> None:
    with pytest.raises(BadAmount, match=hint):
        parse_amount(text, code)


def test_an_unknown_currency_is_refused_at_its_own_field() -> None:
    with pytest.raises(BadAmount) as refused:
        parse_amount("1", "XXX")
    assert refused.value.field == "currency"


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("ISK", 0), ("UGX", 0), ("GBP", 2), ("MGA", 2), ("KWD", 3), ("BHD", 3)])
def test_decimals_are_those_of_iso(code: str, digits: int) -> None:
    assert exponent(code) == digits


def test_every_offered_currency_can_be_booked() -> None:
    assert all(is_currency(code) for code in OFFERED) and len(set(OFFERED)) == len(OFFERED)
