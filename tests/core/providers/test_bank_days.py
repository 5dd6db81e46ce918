"""On which days banks carry transfers in euros out."""

from __future__ import annotations

from datetime import date

import pytest

from core.providers.bank_days import _easter, bank_days_after, is_bank_day, next_bank_day

EASTERS = [
    date(2024, 3, 31),
    date(2025, 4, 20),
    date(2026, 4, 5),
    date(2027, 3, 28),
    date(2028, 4, 16),
    date(2029, 4, 1),
    date(2038, 4, 25),
    date(2035, 3, 25),
]


def test_easter_is_on_its_day() -> None:
    assert [_easter(day.year) for day in EASTERS] == EASTERS


@pytest.mark.parametrize(
    ("asked", "then"),
    [
        (date(2026, 11, 26), date(2026, 11, 26)), (date(2026, 11, 28), date(2026, 11, 30)), (date(2026, 12, 24), date(2026, 12, 24)),
        (date(2026, 12, 25), date(2026, 12, 28)), (date(2027, 1, 1), date(2027, 1, 4)), (date(2027, 3, 26), date(2027, 3, 30)),
        (date(2026, 5, 1), date(2026, 5, 4)), (date(2027, 12, 31), date(2027, 12, 31)),
    ],
)  # fmt: skip
def test_what_is_asked_for_on_another_day_is_asked_for_on_the_next(asked: date, then: date) -> None:
    assert next_bank_day(asked) == then and is_bank_day(then)


@pytest.mark.parametrize(
    ("begins", "count", "last"),
    [
        (date(2026, 11, 26), 0, date(2026, 11, 26)), (date(2026, 11, 26), 1, date(2026, 11, 27)), (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 10, date(2026, 12, 11)), (date(2026, 11, 26), 10, date(2026, 12, 10)), (date(2026, 12, 21), 10, date(2027, 1, 6)),
    ],
)  # fmt: skip
def test_so_many_bank_days_are_counted_without_the_days_on_which_nothing_moves(begins: date, count: int, last: date) -> None:
    assert bank_days_after(begins, count) == last
