"""On which days transfers in euros are carried out: every day but Saturdays, Sundays and the six holidays of the area's settlement (TARGET)."""

from __future__ import annotations

from datetime import date, timedelta

FIXED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})
SATURDAY = 5


def next_bank_day(day: date) -> date:
    """This day, or the first one after it on which a bank carries a transfer out. A bank may refuse a file that asks for another."""
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day


def bank_days_after(day: date, count: int) -> date:
    """The last of so many bank days that follow this day."""
    while count:
        day += timedelta(days=1)
        count -= is_bank_day(day)
    return day


def is_bank_day(day: date) -> bool:
    """Whether banks settle on it."""
    easter = _easter(day.year)
    movable = (easter - timedelta(days=2), easter + timedelta(days=1))  # Good Friday and Easter Monday
    return day.weekday() < SATURDAY and (day.month, day.day) not in FIXED and day not in movable


def _easter(year: int) -> date:
    """Easter Sunday, by the rule of Meeus, Jones and Butcher."""
    century, of_century = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (year % 19 + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
