"""Which currencies there are and how many decimals each has, by ISO 4217 (a gateway's own habits live in its adapter)."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from iso4217 import Currency, raw_xml

raw_xml.clear()  # the published document it has read its table from: half a megabyte in each process, and nobody asks for it again

# What a vendor may price in today; the books take any ISO currency with 0, 2 or 3 decimals.
OFFERED = (
    "GBP", "EUR", "USD", "AUD", "BHD", "CAD", "CHF", "CZK", "DKK", "HKD", "HUF", "INR", "ISK", "JPY", "KRW",
    "KWD", "MXN", "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "TRY", "UGX", "ZAR",
)  # fmt: skip


@cache
def exponent(code: str) -> int:
    """The number of decimals of a currency: JPY 0, GBP 2, KWD 3. Raises ValueError for a code ISO does not list."""
    digits = Currency(code).exponent
    if digits not in (0, 2, 3):
        raise ValueError(f"{code} has no decimals we keep books in")
    return digits


@cache
def all_exponents() -> dict[str, int]:
    """The number of decimals of every currency the books can hold."""
    found = {}
    for one in Currency:
        with suppress(ValueError):
            found[one.code] = exponent(one.code)
    return found


def is_currency(code: str) -> bool:
    """Whether the books can hold this currency. The answer is not kept: whoever pays may ask, with whatever text."""
    return code in all_exponents()
