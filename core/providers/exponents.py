"""How the gateway counts money: its exponents, which are not ISO's, and the exact way from one to the other."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from core.kernel.currency import exponent
from core.kernel.money import Money, round_half_up
from core.providers.contract import ProviderRefused

WHOLE = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# counted with two decimals by the gateway, which must be zero: ISO gives them none
PADDED = frozenset({"ISK", "UGX"})


def gateway_exponent(currency: str) -> int:
    """The number of decimals the gateway counts in."""
    return 0 if currency in WHOLE else 3 if currency in THREE_DECIMALS else 2


def charge_step(currency: str) -> int:
    """The least amount, in our minor units, that the gateway can hold: every sum that is to be charged is a whole number of these."""
    finer = 10 ** max(0, exponent(currency) - gateway_exponent(currency))
    return finer * 10 if currency in THREE_DECIMALS else finer


def to_gateway(amount: Money) -> int:
    """Our money in the gateway's units. Refuses what they cannot hold exactly, rather than charge another sum."""
    exact = amount.minor * Fraction(10) ** (gateway_exponent(amount.currency) - exponent(amount.currency))
    if exact.denominator != 1 or (amount.currency in THREE_DECIMALS and exact.numerator % 10):
        raise ProviderRefused("amount_not_representable", f"{amount} cannot be charged exactly: card schemes carry fewer decimals.")
    return exact.numerator


def from_gateway(units: int, currency: str) -> Money:
    """The gateway's units as our money, exactly. Raises ValueError when they are finer than the currency."""
    code = currency.upper()
    if _one_of_theirs(code) == 1:  # nearly always
        return Money(units, code)
    exact = _ours(units, currency)
    if exact.denominator != 1:
        raise ValueError(f"{units} gateway units are no whole minor units of {currency}")
    return Money(exact.numerator, code)


def fee_from_gateway(units: int, currency: str) -> Money:
    """The same for a fee, which the gateway may count finer than the currency: to the nearest minor unit, a half upward."""
    return Money(round_half_up(_ours(units, currency)), currency.upper())


def _ours(units: int, currency: str) -> Fraction:
    return units * _one_of_theirs(currency.upper())


@cache
def _one_of_theirs(code: str) -> Fraction:
    """What one unit of the gateway's comes to in our minor units. ValueError for what is no currency."""
    return Fraction(10) ** (exponent(code) - gateway_exponent(code))
