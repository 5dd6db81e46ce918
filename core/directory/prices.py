"""Prices as the search compares them: every price of a listing exactly, and its size, by which an index finds most of what does not fit.

The size of a price is the number of binary digits of its minor units: from £10.00 to £40.00 there are three of them. Each is cut into eight
steps of the same width, so from £5.12 a step is 64 pence. Sizes and steps stand among the facts of an entry, so the same index serves; what
is found by them is then compared with the exact prices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MARK = "~"  # what no fact of a product begins with
STEPS = 8  # of each size
MOST = 2**63 - 1  # minor units


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
    """Of (minor units, currency): `~GBP:9` and `~GBP:9/6` for £4.50."""
    found = set()
    for minor, currency in prices:
        size = f"{MARK}{currency}:{minor.bit_length()}"
        found |= {size, f"{size}/{_step(minor)}"}
    return found


def _step(minor: int) -> int:
    """In which eighth of its size a price lies: the three digits behind its first one."""
    return (minor << 4 >> minor.bit_length()) % STEPS


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
    """The sizes of all prices that could fit, and at both ends, where a size does not fit as a whole, the steps."""
    least, most = span.least or 1, MOST if span.most is None else span.most
    found = []
    for size in range(least.bit_length(), most.bit_length() + 1):
        first = _step(least) if size == least.bit_length() else 0
        last = _step(most) if size == most.bit_length() else STEPS - 1
        mark = f"{MARK}{span.currency}:{size}"
        found += [mark] if last - first == STEPS - 1 else [f"{mark}/{step}" for step in range(first, last + 1)]
    return found


def priced(products: Iterable[tuple[int | None, str]]) -> list[tuple[int, str]]:
    """Those that have a price: on request, and for nothing, are none to compare."""
    return [(minor, currency) for minor, currency in products if minor]


def as_condition(span: Span) -> tuple[str, Mapping[str, object]]:
    """For a question about entries `e`: that one of their prices lies between.

    How many that will be PostgreSQL knows from the marks. Of the exact comparison it would think that hardly anything passes it, and gather
    everything that has a common word to find twenty; a CASE it takes for one in two.
    """
    words = """e.facts && CAST(%(sizes)s AS text[])
               AND CASE WHEN CAST(e.prices->>%(currency)s AS int8multirange)
                             && int8range(CAST(%(price_from)s AS int8), CAST(%(price_to)s AS int8), '[]') THEN true ELSE false END"""
    return words, {"sizes": marks_between(span), "currency": span.currency, "price_from": span.least, "price_to": span.most}
