"""The reference rates: kept as they are published, found for a pair of currencies, and judged by their age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from core.fx.feed import Published
from core.fx.models import ReferenceRate
from core.kernel.clock import now
from core.kernel.currency import exponent
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money, round_half_up
from core.kernel.sentence import said

EURO = "EUR"
SOURCES = ("ecb", "sandbox", "history")  # the bank's feed, the sandbox's own, the history that comes with the product
FRESH_WORKING_DAYS = 3  # older ones are used with a warning
USABLE_DAYS = 7  # older ones lock nothing new
_MOST_AT_ONCE = 100  # rows of one statement: with thousands it takes tens of megabytes that a worker never gives back


class NoRate(Refusal):
    """No reference rate is published for this currency, or none that is new enough."""

    code = "no_rate"
    status = 409


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units of `quote` one unit of `base` is worth, exactly; by the older of the two days it is made from."""

    base: str
    quote: str
    ratio: Fraction
    published_on: date
    source: str

    @property
    def of_minor(self) -> Fraction:
        """The same between minor units: one penny is so many yen."""
        return self.ratio * Fraction(10 ** exponent(self.quote), 10 ** exponent(self.base))

    def worth(self, amount: Money) -> Money:
        """The amount in the other currency, rounded half up, once."""
        if amount.currency != self.base:
            raise ValueError(f"this rate starts from {self.base}")
        return Money(round_half_up(amount.minor * self.of_minor), self.quote)


def record_rates(published: list[Published], *, source: str) -> int:
    """Keep what was published; answers how many were new. The bank does not take back a rate, so the first word on a day stands."""
    at, new = now(), 0
    for start in range(0, len(published), _MOST_AT_ONCE):
        rows = [
            {"currency": r.currency, "published_on": r.on, "units": r.units, "decimals": r.decimals, "source": source, "recorded_at": at}
            for r in published[start : start + _MOST_AT_ONCE]
        ]
        kept = insert(ReferenceRate).values(rows).on_conflict_do_nothing().returning(ReferenceRate.currency)
        new += len(db.session.scalars(kept).all())
    return new


def latest_day() -> date | None:
    """The newest day on which anything was published."""
    return db.session.scalar(select(func.max(ReferenceRate.published_on)))


def list_rates() -> list[ReferenceRate]:
    """Each currency's newest rate, by its code."""
    query = select(ReferenceRate).ext(distinct_on(ReferenceRate.currency)).where(ReferenceRate.published_on <= now().date())
    return list(db.session.scalars(query.order_by(ReferenceRate.currency, ReferenceRate.published_on.desc())))


def get_rate(base: str, quote: str, *, on: date | None = None) -> Rate:
    """The newest rate of a pair, across the euro, on or before a day (today). Raises NoRate when a currency is not among those published."""
    day = on or now().date()
    sides = [_side(base, day), _side(quote, day)]
    oldest = min((side for side in sides if side), key=lambda side: side.published_on)
    first, second = (side.per_euro if side else Fraction(1) for side in sides)
    return Rate(base, quote, Fraction(second, first), oldest.published_on, oldest.source)


def get_usable_rate(base: str, quote: str) -> Rate:
    """The newest rate, refused when it is too old to promise anything by."""
    rate = get_rate(base, quote)
    if is_too_old(rate.published_on):
        raise NoRate(
            said(
                "The newest rate of %(base)s and %(quote)s is of %(day)s. Nothing is exchanged by a rate that old.",
                base=base, quote=quote, day=rate.published_on,
            )
        )  # fmt: skip
    return rate


def _side(currency: str, on: date) -> ReferenceRate | None:
    """None for the euro itself, which every rate is a rate of."""
    if currency == EURO:
        return None
    query = select(ReferenceRate).where(ReferenceRate.currency == currency, ReferenceRate.published_on <= on)
    found = db.session.scalar(query.order_by(ReferenceRate.published_on.desc()).limit(1))
    if found is None:
        raise NoRate(said("No reference rate is published for %(currency)s.", currency=currency))
    return found


def is_stale(published_on: date) -> bool:
    """Older than three working days: still used, but said. The bank's few holidays count as working days, so it warns early, not late."""
    today, day, passed = now().date(), published_on, 0
    if today - day > timedelta(days=USABLE_DAYS):
        return True
    while day < today:
        day += timedelta(days=1)
        passed += day.weekday() < 5
    return passed > FRESH_WORKING_DAYS


def is_too_old(published_on: date) -> bool:
    """Older than a week: nothing new is promised by it."""
    return now().date() - published_on > timedelta(days=USABLE_DAYS)
