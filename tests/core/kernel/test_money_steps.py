"""Rounding to steps and to other currencies: once, half away from zero, to what a card can carry."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.money import Money


@given(st.integers(-(10**9), 10**9), st.fractions(0, 2, max_denominator=366), st.sampled_from([1, 10, 100]))
def test_a_part_in_steps_is_the_nearest_whole_number_of_them(minor: int, share: Fraction, step: int) -> None:
    part = Money(minor, "KWD").part(share, step=step)
    assert part.minor % step == 0
    assert 2 * abs(part.minor - minor * share) <= step
    assert Money(-minor, "KWD").part(share, step=step) == -part


@pytest.mark.parametrize(("minor", "expected"), [(5, 10), (15, 20), (-5, -10), (4, 0), (-14, -10)])
def test_half_a_step_goes_away_from_zero(minor: int, expected: int) -> None:
    assert Money(minor, "KWD").part(Fraction(1), step=10).minor == expected


@pytest.mark.parametrize(
    ("amount", "rate", "currency", "step", "expected"),
    [
        ("3.00", "1.1532", "EUR", 1, "3.46"), ("3.00", "190.37", "JPY", 1, "571"), ("3.00", "0.3907", "KWD", 10, "1.170"),
        ("3.00", "0.3907", "KWD", 1, "1.172"), ("0.00", "2", "EUR", 1, "0.00"),
    ],
)  # fmt: skip
def test_a_sum_in_another_currency_is_rounded_once(amount: str, rate: str, currency: str, step: int, expected: str) -> None:
    assert Money.of(amount, "GBP").converted(Fraction(rate), currency, step=step) == Money.of(expected, currency)
