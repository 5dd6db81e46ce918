"""Prices as the search compares them: every price of a listing exactly, and its size, by which an index finds most of what does not fit.

The size of a price is the number of binary digits of its minor units: from £10.00 to £40.00 there are three of them. They stand among the
facts of an entry, so the same index serves; what is found by its size is then compared with the exact prices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MARK = "~"  # what no fact of a product begins with
MOST_SIZE = 64


@dataclass(frozen=True, slots=True)
class Span:
    """From and to, in minor units of one currency, both included; None leaves that side open."""

    currency: str
    least: int | None = None
    most: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing can lie between."""
        return self.least is not None and self.most is not None and self.least > self.most


def size_marks(prices: Iterable[tuple[int, str]]) -> set[str]:
    """Of (minor units, currency): `~GBP:9` for £4.50."""
    return {f"{MARK}{currency}:{minor.bit_length()}" for minor, currency in prices}


def ranges_of(prices: Iterable[tuple[int, str]]) -> dict[str, str]:
    """By currency, a multirange of exactly these prices, written as PostgreSQL writes it: neighbours are one range."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for minor, currency in prices:
        found[currency].add(minor)
    return {currency: _multirange(sorted(minors)) for currency, minors in sorted(found.items())}


def _multirange(minors: list[int]) -> str:
    runs: list[list[int]] = []
    for minor in minors:
        if runs and runs[-1][1] == minor:
            runs[-1][1] = minor + 1
        else:
            runs.append([minor, minor + 1])
    return "{" + ",".join(f"[{begin},{end})" for begin, end in runs) + "}"


def marks_between(span: Span) -> list[str]:
    """The sizes of all prices that could fit."""
    low = (span.least or 1).bit_length()
    high = span.most.bit_length() if span.most is not None else MOST_SIZE
    return [f"{MARK}{span.currency}:{size}" for size in range(low, high + 1)]


def priced(products: Iterable[tuple[int | None, str]]) -> list[tuple[int, str]]:
    """Those that have a price: on request, and for nothing, are none to compare."""
    return [(minor, currency) for minor, currency in products if minor]


def as_condition(span: Span) -> tuple[str, Mapping[str, object]]:
    """For a question about entries `e`: that one of their prices lies between."""
    words = """e.facts && CAST(%(sizes)s AS text[])
               AND CAST(e.prices->>%(currency)s AS int8multirange) && int8range(CAST(%(price_from)s AS int8), CAST(%(price_to)s AS int8), '[]')"""
    return words, {"sizes": marks_between(span), "currency": span.currency, "price_from": span.least, "price_to": span.most}
