"""Percentages: the strict grammar, and there and back again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.percent import BadPercent, parse_percent, percent_text


@pytest.mark.parametrize(
    ("typed", "points"), [("20", 2_000), ("5.5", 550), ("7.75 %", 775), ("0", 0), ("100", 10_000), (" 12.50% ", 1_250)]
)
def test_a_percentage_is_read(typed: str, points: int) -> None:
    assert parse_percent(typed) == points


@pytest.mark.parametrize(
    "typed",
    ["", "%", "NaN", "-1", "+1", "1e2", "1e400", "12.345", ".5", "5.", "1,5", "100.01", "101", "9" * 50, "１２", "٥", "1 2", "0x1", "12%%"],
)
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(BadPercent):
        parse_percent(typed)


@given(st.integers(0, 10_000))
def test_what_is_shown_reads_back(points: int) -> None:
    assert parse_percent(percent_text(points)) == points
