"""The versions of the platform's fees for whoever publishes them: which one counts when, and a new one, once however often it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.accounts.house import HOUSE
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.sentence import said
from core.orders.models import OrderTerms
from core.orders.terms import Sold, Terms, cut, list_terms, publish_terms, read_terms

IN_FORCE, COMING, EARLIER, REPLACED = "in_force", "coming", "earlier", "replaced"


class TermsPublishedMeanwhile(Conflict):
    """Somebody published another version while this one was being written."""

    code = "terms_published_meanwhile"


def terms_of(row: OrderTerms) -> Terms:
    """What a version says."""
    return read_terms(row.version, row.document)


def counting_at(kept: Sequence[OrderTerms], at: datetime) -> OrderTerms | None:
    """Which of them counts at an instant: what terms_now() asks the database, of versions one has."""
    begun = [each for each in kept if each.begins_at <= at]
    return max(begun, key=lambda each: (each.begins_at, each.version), default=None)


def standings(kept: Sequence[OrderTerms], at: datetime) -> dict[int, str]:
    """Of each version: whether it counts, is to come, counted earlier, or gives way to a later one before it counts."""
    present = counting_at(kept, at)
    return {each.version: _standing(each, kept, present, at) for each in kept}


def _standing(each: OrderTerms, kept: Sequence[OrderTerms], present: OrderTerms | None, at: datetime) -> str:
    if present is not None and each.version == present.version:
        return IN_FORCE
    if any(other.version > each.version and other.begins_at == each.begins_at for other in kept):
        return REPLACED
    return COMING if each.begins_at > at else EARLIER


def before(kept: Sequence[OrderTerms], row: OrderTerms) -> Terms:
    """What would count from a version's beginning on without it."""
    other = counting_at([each for each in kept if each.version < row.version], row.begins_at)
    return terms_of(other) if other is not None else Terms(0)


def publish_next(mode: str, terms: Terms, *, begins_at: datetime | None, after: int, by: str) -> OrderTerms:
    """The next version for somebody at a page: `after` is the version they began with (0: none). Sent twice it is published once.

    Refuses TermsRefused, and TermsPublishedMeanwhile when somebody else's version came between.
    """
    hold_vendor(HOUSE)
    latest = next(iter(list_terms(mode)), None)
    if latest is not None and latest.version != after:
        same = (
            latest.version == after + 1 and latest.published_by == by and replace(terms_of(latest), version=0) == replace(terms, version=0)
        )
        if same and (latest.begins_at == begins_at or (begins_at is None and latest.begins_at <= now())):
            return latest
        raise TermsPublishedMeanwhile(
            said("Version %(version)s was published meanwhile. Look at it, and begin with it.", version=latest.version)
        )
    return publish_terms(mode, terms, by=by, begins_at=begins_at)


def fee_of(terms: Terms, amount: Money, *, tier: str, category: str, usual_bps: int) -> Money:
    """What the platform would keep of one order with one line: worked out as for an order that is paid."""
    return cut(terms, [Sold(tier, usual_bps, [(category, amount.minor)])], amount.currency)[0]
