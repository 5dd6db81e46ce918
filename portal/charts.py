"""The geometry of the portal's charts, worked out here in whole numbers and drawn by templates/components/charts/."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from babel.numbers import get_decimal_symbol

from core.kernel.money import Money
from core.web.languages import reader

WIDTH, HEIGHT = 3000, 1000  # the drawing's own units; the page stretches it to its place
GAP = 24
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """One column of a chart, with what it stands for and where that is explained."""

    day: date
    amount: Money
    count: int
    href: str
    x: int
    width: int
    y: int
    height: int


@dataclass(frozen=True)
class Bars:
    """Columns side by side under a round top figure."""

    bars: list[Bar]
    top: Money
    slot: int

    @property
    def total(self) -> Money:
        """All of them together."""
        total = Money(0, self.top.currency)
        for bar in self.bars:
            total = total + bar.amount
        return total

    @property
    def best(self) -> Bar:
        """The highest one."""
        return max(self.bars, key=lambda bar: bar.amount.minor)


def days_of(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def bars(days: list[tuple[date, Money, int, str]], currency: str) -> Bars:
    """Columns for (day, amount, how many, where it is explained). The scale ends on a round figure above the highest."""
    top = round_top(max((amount.minor for _, amount, _, _ in days), default=0))
    slot = WIDTH // max(len(days), 1)
    drawn = []
    for place, (day, amount, count, href) in enumerate(days):
        height = max(amount.minor, 0) * HEIGHT // top
        height = max(height, 12) if amount.minor > 0 else 0  # what is there can be seen
        drawn.append(Bar(day, amount, count, href, place * slot + GAP // 2, slot - GAP, HEIGHT - height, height))
    return Bars(drawn, Money(top, currency), slot)


def round_top(largest: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 … that is not smaller; 100 when there is nothing."""
    unit = 1
    while largest > 0:
        for step in STEPS:
            if step * unit >= largest:
                return step * unit
        unit *= 10
    return 100


@dataclass(frozen=True)
class Part:
    """One share of a whole."""

    name: str
    tone: str
    count: int
    href: str
    x: int
    width: int


def shares(parts: list[tuple[str, str, int, str]]) -> list[Part]:
    """(name, tone, count, where it is listed) as stretches of one band, losing nothing to rounding."""
    total, drawn, before = sum(count for _, _, count, _ in parts), [], 0
    for name, tone, count, href in parts:
        start = before * WIDTH // total if total else 0
        before += count
        end = before * WIDTH // total if total else 0
        drawn.append(Part(name, tone, count, href, start, end - start))
    return drawn


def per_cent(part: int, whole: int) -> str | None:
    """97.3 %: one place, rounded half up. None when there is nothing to divide by."""
    if whole <= 0:
        return None
    tenths = (part * 2000 + whole) // (2 * whole)
    return f"{tenths // 10}{get_decimal_symbol(reader().babel)}{tenths % 10} %"


@dataclass(frozen=True)
class Twin:
    """One month of two futures: what each would cost, and how high it stands."""

    month: date
    amount: Money
    before: Money
    href: str
    x: int
    width: int
    y: int
    height: int
    before_y: int
    before_height: int


@dataclass(frozen=True)
class Twins:
    """Months side by side, each with the column that is and, behind it, the one that would be without."""

    twins: list[Twin]
    top: Money
    slot: int


def twins(months: list[tuple[date, Money, Money, str]], currency: str) -> Twins:
    """Columns for (month, with, without, where it is listed) under one round figure."""
    top = round_top(max((max(now.minor, before.minor) for _, now, before, _ in months), default=0))
    slot = WIDTH // max(len(months), 1)

    def height(amount: Money) -> int:
        return max(amount.minor * HEIGHT // top, 12) if amount.minor > 0 else 0

    drawn = []
    for place, (month, now, before, href) in enumerate(months):
        drawn.append(
            Twin(
                month, now, before, href, place * slot + GAP, slot - 2 * GAP, HEIGHT - height(now), height(now),
                HEIGHT - height(before), height(before),
            )
        )  # fmt: skip
    return Twins(drawn, Money(top, currency), slot)
