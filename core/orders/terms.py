"""What the platform keeps of an order: percent by tier and by category, a fixed part, and who bears the processor's fee; how long money waits. Data
with versions.

The fee of a line is its sum by the rate of its category; a fixed part comes on top once for each order. All of that is an exact fraction.
The fees of a checkout's orders are added up exactly and rounded once; the whole units that are left go to the largest remainders, ties to
the earlier order. So no order's fee is a whole unit away from the exact one, and their sum is nowhere near it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.currency import is_currency
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money, round_half_up
from core.kernel.sentence import said
from core.orders.models import OrderTerms
from core.orders.wish import USUAL_RELEASE_DAYS, is_category
from core.subscriptions.plan import find_plan

MOST_BPS = 5000  # and never more than half of an order, fixed part and all
MOST_DAYS = 90
MOST_RATES = 40


class TermsRefused(Refusal):
    """The platform's fees cannot be these."""

    code = "terms_refused"


@dataclass(frozen=True, slots=True)
class Rate:
    """For sellers of a tier and lines of a category; empty means any. The most particular rate counts, the category before the tier."""

    bps: int
    tier: str = ""
    category: str = ""
    fixed: Mapping[str, int] | None = None  # by currency, in minor units; of a rate for a whole tier, or for everybody


@dataclass(frozen=True, slots=True)
class Terms:
    """One version. Version 0 is what counts before any was published: each vendor's own percentage, and the platform bears the processor."""

    version: int
    rates: tuple[Rate, ...] = ()
    seller_bears: bool = False
    waiting_days: int = USUAL_RELEASE_DAYS  # until an order counts as delivered, where its checkout does not say
    least_days: int = 0  # from the payment on: no earlier is money available, whoever says that it is delivered

    def waits(self, asked: int | None, seller: Vendor, *, opened_itself: bool) -> tuple[int, int]:
        """How many days an order's money waits, and how many of them a delivery cannot shorten.

        Whoever opened the checkout itself has nobody beside it who says that it is delivered: it waits as long as for its other sales.
        """
        least = max(self.least_days, seller.release_days if opened_itself else 0)
        return min(max(asked if asked is not None else self.waiting_days, least, 1), MOST_DAYS), least

    def bps(self, tier: str, category: str, usual: int) -> int:
        """The percentage of one line."""
        for wanted in ((tier, category), ("", category), (tier, ""), ("", "")):
            for rate in self.rates:
                if (rate.tier, rate.category) == wanted:
                    return rate.bps
        return usual

    def fixed(self, tier: str, currency: str) -> int:
        """The fixed part of one order."""
        for wanted in (tier, ""):
            for rate in self.rates:
                if (rate.tier, rate.category) == (wanted, ""):
                    return (rate.fixed or {}).get(currency, 0)
        return 0


@dataclass(frozen=True, slots=True)
class Sold:
    """An order as the fee looks at it: whose tier and usual percentage, and its lines as (category, minor units)."""

    tier: str
    usual_bps: int
    lines: Sequence[tuple[str, int]]

    @property
    def minor(self) -> int:
        """What its lines come to."""
        return sum(minor for _, minor in self.lines)


def exact_fee(terms: Terms, order: Sold, currency: str) -> Fraction:
    """The fee of one order before any rounding: never more than half of it."""
    parts = [Fraction(minor * terms.bps(order.tier, category, order.usual_bps), 10_000) for category, minor in order.lines]
    return min(sum(parts, Fraction(terms.fixed(order.tier, currency))), Fraction(order.minor, 2))


def cut(terms: Terms, orders: Sequence[Sold], currency: str) -> list[Money]:
    """The fee of each order of one checkout: exact fractions, one rounding of their sum, largest remainder, ties to the earlier order."""
    exact = [exact_fee(terms, order, currency) for order in orders]
    fees = [fee.numerator // fee.denominator for fee in exact]
    rest = round_half_up(sum(exact, Fraction(0))) - sum(fees)
    # Not the whole in proportion: that would take from a large order what the rounding gave to small ones.
    for place in sorted(range(len(exact)), key=lambda n: (fees[n] - exact[n], n))[:rest]:
        fees[place] += 1
    return [Money(fee, currency) for fee in fees]


def tier_of(seller: Vendor, mode: str) -> str:
    """The tier of the plan the seller is on; empty without one."""
    plan = find_plan(seller, mode)
    return plan.tier if plan is not None else ""


def terms_now(mode: str) -> Terms:
    """The version that counts at this moment."""
    begun = select(OrderTerms).where(OrderTerms.vendor_id == HOUSE, OrderTerms.mode == mode, OrderTerms.begins_at <= now())
    row = db.session.scalar(begun.order_by(OrderTerms.begins_at.desc(), OrderTerms.version.desc()).limit(1))
    return Terms(0) if row is None else read_terms(row.version, row.document)


def read_terms(version: int, document: dict[str, Any]) -> Terms:
    """A version as it was written down."""
    rates = tuple(Rate(r["bps"], r["tier"], r["category"], r["fixed"] or None) for r in document["rates"])
    usual = Terms(version)  # what was not thought of when it was written is as it was without
    waiting, least = document.get("waiting_days", usual.waiting_days), document.get("least_days", usual.least_days)
    return Terms(version, rates, document["seller_bears"], waiting, least)


def write_terms(terms: Terms) -> dict[str, Any]:
    """The same the other way round; the version is not in it."""
    return {
        "rates": [{"bps": r.bps, "tier": r.tier, "category": r.category, "fixed": dict(r.fixed or {})} for r in terms.rates],
        "seller_bears": terms.seller_bears,
        "waiting_days": terms.waiting_days,
        "least_days": terms.least_days,
    }


def list_terms(mode: str) -> list[OrderTerms]:
    """Every version, the newest first."""
    mine = select(OrderTerms).where(OrderTerms.vendor_id == HOUSE, OrderTerms.mode == mode)
    return list(db.session.scalars(mine.order_by(OrderTerms.version.desc())))


def publish_terms(mode: str, terms: Terms, *, by: str, begins_at: datetime | None = None) -> OrderTerms:
    """Write the next version; orders that exist keep theirs. Refuses TermsRefused: a rate above half, twice the same, an odd fixed part."""
    at = now()
    check_terms(terms)
    if begins_at is not None and begins_at < at:
        raise TermsRefused("New fees cannot begin in the past.", field="begins_at")
    hold_vendor(HOUSE)  # versions are numbered one after the other
    last = db.session.scalar(select(func.max(OrderTerms.version)).where(OrderTerms.vendor_id == HOUSE, OrderTerms.mode == mode)) or 0
    row = OrderTerms(
        vendor_id=HOUSE,
        mode=mode,
        version=last + 1,
        document=write_terms(terms),
        begins_at=begins_at or at,
        published_by=by,
        published_at=at,
    )
    db.session.add(row)
    db.session.flush()
    record(HOUSE, actor=by, action="order_terms.published", subject=f"{mode} {row.version}", begins_at=row.begins_at.isoformat())
    return row


def check_terms(terms: Terms) -> None:
    """Refuse TermsRefused at the first thing that cannot be; a field of a rate is named `rates.<its place>.<field>`."""
    seen = set()
    if len(terms.rates) > MOST_RATES:
        raise TermsRefused(said("At most %(most)s rates.", most=MOST_RATES), field="rates.0.bps")
    for place, rate in enumerate(terms.rates):
        field = f"rates.{place}"
        if not 0 <= rate.bps <= MOST_BPS:
            raise TermsRefused(said("A fee is between 0 and %(most)s percent.", most=MOST_BPS // 100), field=f"{field}.bps")
        if not is_category(rate.category):
            raise TermsRefused("A category is written with a-z, 0-9, _ and -.", field=f"{field}.category")
        if (rate.tier, rate.category) in seen:
            raise TermsRefused("There is a rate for this tier and category already.", field=f"{field}.category")
        seen.add((rate.tier, rate.category))
        if rate.fixed and rate.category:
            raise TermsRefused("The fixed part is taken once for an order, so it belongs to no category.", field=f"{field}.fixed")
        if any(not is_currency(code) or minor < 0 for code, minor in (rate.fixed or {}).items()):
            raise TermsRefused("A fixed part is an amount in a currency that we know.", field=f"{field}.fixed")
    if not 1 <= terms.waiting_days <= MOST_DAYS:
        raise TermsRefused("An order counts as delivered after 1 to 90 days.", field="waiting_days")
    if not 0 <= terms.least_days <= terms.waiting_days:
        raise TermsRefused("Money waits at least between 0 days and the days after which an order counts as delivered.", field="least_days")
