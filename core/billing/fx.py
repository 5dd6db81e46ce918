"""Foreign prices: a rate is locked for a period, an old one is not trusted, and a large move is announced before it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from core.billing.terms import Terms
from core.kernel.money import Money
from core.kernel.percent import WHOLE
from core.providers.exponents import charge_step

WARN_AFTER_WORKING_DAYS = 3
REFUSE_AFTER_DAYS = 7


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of the base currency buys, who said so, and of which day it is."""

    currency: str
    value: Fraction
    source: str
    on: date
    base: str = "GBP"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A rate that moved much: told on a day, with the boundary from which it counts."""

    rate: Rate
    told_on: date
    applies_on: date


@dataclass(frozen=True, slots=True)
class Locking:
    """Which rate a period gets, and why: "latest", "announced", "kept_stale" or "kept_until_announced"; `warn` when it is growing old."""

    rate: Rate
    why: str
    warn: bool


def local(amount: Money, rate: Rate) -> Money:
    """A price of the base currency at a rate, rounded once to what a card can carry."""
    return amount.converted(rate.value, rate.currency, step=charge_step(rate.currency))


def in_base(amount: Money, rate: Rate, base: str) -> Money:
    """A foreign sum in the base currency, for the tax that an invoice also shows there."""
    return amount.converted(Fraction(1, rate.value), base)


def local_terms(terms: Terms, rate: Rate | None) -> Terms:
    """The price list in the merchant's currency; without a rate it is billed in its own."""
    return terms if rate is None else terms.converted(rate.value, rate.currency)


def working_days_old(rate: Rate, today: date) -> int:
    """How many Mondays to Fridays lie after the day of the rate, up to and with today."""
    return sum((rate.on + timedelta(n)).weekday() < 5 for n in range(1, (today - rate.on).days + 1))


def is_stale(rate: Rate, today: date) -> bool:
    """More than seven days old: nothing new may be locked at it."""
    return (today - rate.on).days > REFUSE_AFTER_DAYS


def drifted(old: Rate, new: Rate, bps: int) -> bool:
    """Whether the rate moved by more than so many basis points against the last lock."""
    return abs(new.value - old.value) * WHOLE > bps * old.value


def announce(locked: Rate, latest: Rate, terms: Terms, *, today: date, boundary: date) -> Announcement | None:
    """What to tell ahead of a boundary: only a trusted rate that moved much, and only while the notice is long enough."""
    if is_stale(latest, today) or not drifted(locked, latest, terms.drift_bps):
        return None
    if (boundary - today).days < terms.drift_notice_days:
        return None
    return Announcement(latest, today, boundary)


def lock(locked: Rate | None, latest: Rate, announced: Announcement | None, terms: Terms, *, on: date) -> Locking:
    """The rate for the period that begins on this day.

    A first lock takes the latest rate unless it is stale; that raises ValueError, as there is no price to fall back to.
    """
    if locked is None:
        if is_stale(latest, on):
            raise ValueError("no price can be made: the only rate is too old")
        return Locking(latest, "latest", working_days_old(latest, on) > WARN_AFTER_WORKING_DAYS)
    if announced is not None and announced.applies_on <= on:
        return Locking(announced.rate, "announced", False)
    if is_stale(latest, on):
        return Locking(locked, "kept_stale", True)
    if drifted(locked, latest, terms.drift_bps):
        return Locking(locked, "kept_until_announced", False)
    return Locking(latest, "latest", working_days_old(latest, on) > WARN_AFTER_WORKING_DAYS)


def cross(old: Rate | None, new: Rate | None) -> Fraction:
    """The rate from the old billing currency to the new one, by way of the base currency; None stands for the base itself."""
    return Fraction(1 if new is None else new.value, 1 if old is None else old.value)
