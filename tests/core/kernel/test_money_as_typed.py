"""Amounts as people of different languages type them: what can be read in one way only is read, exactly; the rest is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.currency import OFFERED, exponent
from core.kernel.money import BadAmount, Money, read_amount


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("12,50", "EUR", 1_250), ("12,5", "EUR", 1_250), ("12.50", "EUR", 1_250), ("12", "EUR", 1_200), (" 7 ", "EUR", 700), ("0,05", "EUR", 5),
        ("1.234,50", "EUR", 123_450), ("1.234.567,89", "EUR", 123_456_789), ("1,234.50", "EUR", 123_450), ("1 234,50", "EUR", 123_450),
        ("1\u202f234,50", "EUR", 123_450), ("1\u00a0234,5", "EUR", 123_450), ("1.234.567", "EUR", 123_456_700), ("1234,50", "EUR", 123_450),
        ("1.234", "JPY", 1_234), ("1,234", "KWD", 1_234), ("1.234,567", "KWD", 1_234_567), ("1234,5", "KWD", 1_234_500),
    ],
)  # fmt: skip
def test_with_a_decimal_comma(text: str, code: str, minor: int) -> None:
    assert read_amount(text, code, comma=True) == Money(minor, code)


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [("12.50", "GBP", 1_250), ("1,234.50", "GBP", 123_450), ("1,234,567.89", "GBP", 123_456_789), ("1.234,50", "GBP", 123_450), ("1.234", "KWD", 1_234)],
)  # fmt: skip
def test_with_a_full_stop(text: str, code: str, minor: int) -> None:
    assert read_amount(text, code, comma=False) == Money(minor, code)


@pytest.mark.parametrize(
    ("text", "code", "whole", "decimals"),
    [("1.234", "EUR", "1234", "1234,00"), ("1,234", "EUR", "1234", "1,23"), ("12.345", "KWD", "12345", "12,345")],
)
def test_what_can_be_read_in_two_ways_is_refused_with_both(text: str, code: str, whole: str, decimals: str) -> None:
    with pytest.raises(BadAmount, match="two ways") as refused:
        read_amount(text, code, comma=True)
    assert f"Write {whole}, or with decimals like {decimals}." in str(refused.value) and refused.value.field == "amount"
    for meant in (whole, decimals):
        read_amount(meant, code, comma=True)


@pytest.mark.parametrize("comma", [True, False])
@pytest.mark.parametrize(
    "text",
    ["1,2,3", "1.2.3", "1.23,45", "12,34.50", "1,,5", ",5", "5,", "1.234,", "1,234.", "1'234,50", "1.234,50,", "-1,50", "1,50 €", "1 2,50", "1,5e3",
     "1.234,5678", "१२,५०", "1,50\n", "", " "],
)  # fmt: skip
def test_anything_else_is_refused(text: str, comma: bool) -> None:
    with pytest.raises(BadAmount):
        read_amount(text, "EUR", comma=comma)


@pytest.mark.parametrize("text", ["12,50", "1,000", "1,5"])
def test_a_comma_alone_is_no_decimal_mark_where_it_is_none(text: str) -> None:
    with pytest.raises(BadAmount, match="digits and a point"):
        read_amount(text, "GBP", comma=False)


@given(st.integers(0, 10**12), st.sampled_from(OFFERED), st.booleans())
def test_what_a_field_shows_is_read_back_exactly(amount: int, code: str, comma: bool) -> None:
    money = Money(amount % 10 ** (11 + exponent(code)), code)
    shown = money.decimal_text.replace(".", ",") if comma else money.decimal_text
    assert read_amount(shown, code, comma=comma) == money


@given(st.integers(10**5, 10**12), st.booleans())
def test_thousands_are_read_exactly(amount: int, comma: bool) -> None:
    money = Money(amount, "EUR")
    whole, _, part = money.decimal_text.partition(".")
    english = f"{int(whole):,}.{part}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert {read_amount(text, "EUR", comma=comma) for text in (english, german)} == {money}


@given(st.text(alphabet="0123456789., \u202f-e", max_size=14), st.booleans())
def test_whatever_is_typed_is_an_amount_or_a_refusal(text: str, comma: bool) -> None:
    with contextlib.suppress(BadAmount):
        assert read_amount(text, "EUR", comma=comma).minor >= 0


@pytest.mark.parametrize("text", ["9" * 18, "1" + "0" * 12, "9" * 18 + ".50", "1,000,000,000,000.00"])
def test_more_digits_than_any_amount_has_are_told_the_largest(text: str) -> None:
    with pytest.raises(BadAmount, match="The largest amount here is"):
        read_amount(text, "GBP", comma=False)
