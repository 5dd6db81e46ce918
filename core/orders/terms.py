"""What the platform keeps of an order: percent by tier and by category, a fixed part, and who bears the processor's fee. Data with versions.

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
from core.subscriptions.plan import find_plan

MOST_BPS = 5000  # and never more than half of an order, fixed part and all


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
    rates = tuple(Rate(r["bps"], r["tier"], r["category"], r["fixed"]) for r in document["rates"])
    return Terms(version, rates, document["seller_bears"])


def list_terms(mode: str) -> list[OrderTerms]:
    """Every version, the newest first."""
    mine = select(OrderTerms).where(OrderTerms.vendor_id == HOUSE, OrderTerms.mode == mode)
    return list(db.session.scalars(mine.order_by(OrderTerms.version.desc())))


def publish_terms(mode: str, *, rates: Sequence[Rate], seller_bears: bool, by: str, begins_at: datetime | None = None) -> OrderTerms:
    """Write the next version; orders that exist keep theirs. Refuses TermsRefused: a rate above half, twice the same, an odd fixed part."""
    at = now()
    _check(rates)
    if begins_at is not None and begins_at < at:
        raise TermsRefused("New fees cannot begin in the past.", field="begins_at")
    hold_vendor(HOUSE)  # versions are numbered one after the other
    last = db.session.scalar(select(func.max(OrderTerms.version)).where(OrderTerms.vendor_id == HOUSE, OrderTerms.mode == mode)) or 0
    document = {
        "rates": [{"bps": r.bps, "tier": r.tier, "category": r.category, "fixed": dict(r.fixed or {})} for r in rates],
        "seller_bears": seller_bears,
    }
    row = OrderTerms(
        vendor_id=HOUSE, mode=mode, version=last + 1, document=document, begins_at=begins_at or at, published_by=by, published_at=at
    )
    db.session.add(row)
    db.session.flush()
    record(HOUSE, actor=by, action="order_terms.published", subject=f"{mode} {row.version}")
    return row


def _check(rates: Sequence[Rate]) -> None:
    seen = set()
    for rate in rates:
        if not 0 <= rate.bps <= MOST_BPS:
            raise TermsRefused(said("A fee is between 0 and %(most)s percent.", most=MOST_BPS // 100), field="bps")
        if (rate.tier, rate.category) in seen:
            raise TermsRefused("There is a rate for this tier and category already.", field="category")
        seen.add((rate.tier, rate.category))
        if rate.fixed and rate.category:
            raise TermsRefused("The fixed part is taken once for an order, so it belongs to no category.", field="fixed")
        if any(not is_currency(code) or minor < 0 for code, minor in (rate.fixed or {}).items()):
            raise TermsRefused("A fixed part is an amount in a currency that we know.", field="fixed")
