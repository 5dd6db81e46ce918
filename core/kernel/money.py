"""Money: a whole number of minor units and a currency. Every sum in the product is worked out here, and nothing is ever lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.kernel.currency import exponent, is_currency
from core.kernel.errors import Refusal
from core.kernel.sentence import said

_GRAMMAR = {0: re.compile(r"[0-9]{1,12}"), 2: re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?"), 3: re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")}
MOST_DIGITS = 12  # before the decimals
_TOO_LONG = re.compile(r"[0-9]{13,}(\.[0-9]*)?")

# 1.234,50 or 1,234.50 or 1 234,50: thousands marked throughout, and other decimals after them than thousands would be.
_GROUPED = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3})+,|(?:,[0-9]{3})+\.|(?:[ \u00a0\u202f][0-9]{3})+[.,])(?P<part>[0-9]{1,3})")


class BadAmount(Refusal):
    """What was typed is not an amount of money in that currency."""

    code = "bad_amount"


class CurrencyMismatch(ValueError):
    """Two sums in different currencies were added or compared: a bug, never a user's mistake."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` counts pence, cents, yen or fils; `currency` is the ISO 4217 code."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("money counts whole minor units")
        if not is_currency(self.currency):
            raise ValueError(f"{self.currency!r} is no currency we know")

    @classmethod
    def of(cls, text: str, currency: str) -> Money:
        """Money.of("12.34", "GBP"): the same strict grammar as a form field."""
        return parse_amount(text, currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return _of_known(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return _of_known(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return _of_known(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, basis_points: int) -> Money:
        """So many hundredths of a percent of this sum, rounded half up, once."""
        return self.part(Fraction(basis_points, 10_000))

    def part(self, fraction: Fraction, *, step: int = 1) -> Money:
        """An exact fraction of this sum, rounded half up (away from zero at the half), once: to whole minor units, or to whole steps of them."""
        return Money(round_half_up(Fraction(self.minor, step) * fraction) * step, self.currency)

    def converted(self, rate: Fraction, currency: str, *, step: int = 1) -> Money:
        """This sum in another currency, of which one whole unit of ours buys `rate`; rounded half up, once."""
        exact = self.minor * rate * Fraction(10) ** (exponent(currency) - exponent(self.currency))
        return Money(round_half_up(Fraction(exact, step)) * step, currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by weights, losing nothing: largest remainder, ties to the earlier line."""
        total = sum(weights)
        if total <= 0 or any(w < 0 for w in weights):
            raise ValueError("weights are not negative and not all zero")
        exact = [Fraction(self.minor * w, total) for w in weights]
        floors = [e.numerator // e.denominator for e in exact]
        rest = self.minor - sum(floors)
        order = sorted(range(len(weights)), key=lambda i: (floors[i] - exact[i], i))
        for i in order[:rest]:
            floors[i] += 1
        return [Money(f, self.currency) for f in floors]

    @property
    def decimal_text(self) -> str:
        """The plain decimal spelling, `12.30`: what a form field shows and parse_amount reads back."""
        digits = exponent(self.currency)
        sign, whole = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(digits + 1, "0")
        return f"{sign}{whole[:-digits]}.{whole[-digits:]}" if digits else f"{sign}{whole}"

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal_text}"


_new, _set = object.__new__, object.__setattr__


def _of_known(minor: int, currency: str) -> Money:
    """A sum that was worked out of sums: they have been looked at, and it need not be again."""
    made = _new(Money)
    _set(made, "minor", minor)
    _set(made, "currency", currency)
    return made


def round_half_up(value: Fraction) -> int:
    """The nearest whole number; a half goes away from zero."""
    doubled = 2 * abs(value.numerator) + value.denominator
    whole = doubled // (2 * value.denominator)
    return whole if value >= 0 else -whole


def example_amount(currency: str, *, comma: bool = False) -> str:
    """An amount as it may be typed: parse_amount reads it, and with `comma`, which writes it in that manner, read_amount does."""
    plain = {0: "1250", 2: "12.50", 3: "12.500"}[exponent(currency)]
    return plain.replace(".", ",") if comma else plain


def parse_amount(text: str, currency: str, *, comma: bool = False) -> Money:
    """Read what a person typed. ASCII digits, one full stop, no more decimals than the currency has; anything else refuses.

    Raises BadAmount with a sentence that says what to write instead: with `comma` in the manner of whoever writes one before decimals.
    """
    if not is_currency(currency):
        raise BadAmount("Choose a currency from the list.", field="currency")
    digits = exponent(currency)
    example = example_amount(currency, comma=comma)
    text = text.strip(" ")
    if not text:
        raise BadAmount(said("Enter an amount, like %(example)s.", example=example), field="amount")
    if _TOO_LONG.fullmatch(text):
        raise BadAmount(
            said("The largest amount here is %(amount)s.", amount=Money(10 ** (MOST_DIGITS + digits) - 1, currency)), field="amount"
        )
    if not _GRAMMAR[digits].fullmatch(text):
        if digits == 0 and re.fullmatch(r"[0-9]{1,12}\.[0-9]+", text):
            words = said("%(currency)s has no decimals. Write a whole number, like %(example)s.", currency=currency, example=example)
            raise BadAmount(words, field="amount")
        if re.fullmatch(r"[0-9]{1,12}\.[0-9]+", text):
            words = said(
                "%(currency)s has %(digits)s decimals at most, like %(example)s.", currency=currency, digits=digits, example=example
            )
            raise BadAmount(words, field="amount")
        if digits == 0:
            raise BadAmount(said("Write the amount with digits only, like %(example)s.", example=example), field="amount")
        if comma:
            raise BadAmount(said("Write the amount with digits and a comma, like %(example)s.", example=example), field="amount")
        raise BadAmount(said("Write the amount with digits and a point, like %(example)s.", example=example), field="amount")
    whole, _, part = text.partition(".")
    return Money(int(whole) * 10**digits + int(part.ljust(digits, "0") or 0), currency)


def read_amount(text: str, currency: str, *, comma: bool) -> Money:
    """Read what a person typed in the manner of their language: `comma` says that it writes 12.50 as 12,50.

    Thousands may be marked where the text can be read in one way only: 1.234,50 and 1,234.50 and 1 234,50. What could be both, such as
    1.234 where the comma is the decimal mark, is refused with both readings. Raises BadAmount like parse_amount.
    """
    if not is_currency(currency):
        raise BadAmount("Choose a currency from the list.", field="currency")
    text = text.strip(" ")
    if grouped := _GROUPED.fullmatch(text):
        whole = re.sub(r"[^0-9]", "", text[: grouped.start("part")])
        return parse_amount(f"{whole}.{grouped['part']}", currency, comma=comma)
    return parse_amount(_with_full_stop(text, exponent(currency)) if comma else text, currency, comma=comma)


def _with_full_stop(text: str, digits: int) -> str:
    """What somebody wrote whose decimal mark is a comma, as parse_amount reads it."""
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3}){2,}", text) or (not digits and re.fullmatch(r"[0-9]{1,3}\.[0-9]{3}", text)):
        return text.replace(".", "")
    if found := re.fullmatch(r"([0-9]{1,3})\.([0-9]{3})", text):
        raise _two_ways(found[1] + found[2], f"{found[1]},{found[2]}" if digits == 3 else f"{found[1]}{found[2]},00")
    if (found := re.fullmatch(r"([0-9]{1,3}),([0-9]{3})", text)) and digits == 2:
        raise _two_ways(found[1] + found[2], f"{found[1]},{found[2][:2]}")
    return re.sub(r"([0-9]),([0-9]+)$", r"\1.\2", text) if text.count(",") == 1 and "." not in text else text


def _two_ways(whole: str, decimals: str) -> BadAmount:
    words = said("This can be read in two ways. Write %(whole)s, or with decimals like %(example)s.", whole=whole, example=decimals)
    return BadAmount(words, field="amount")
