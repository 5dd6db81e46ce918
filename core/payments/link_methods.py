"""The ways to pay a link allows: at least one of them must be able to take what the link asks for."""

from __future__ import annotations

import uuid
from functools import reduce
from typing import Protocol

from core.kernel.sentence import said
from core.methods.eligible import Asked, NobodyCouldPay, Verdict, because, judge
from core.methods.rules import Rule, list_rules
from core.providers.contract import METHODS
from core.providers.registry import offers_for


class Terms(Protocol):
    """What of a link's terms decides."""

    currency: str
    amount_minor: int | None
    minimum_minor: int | None
    maximum_minor: int | None
    methods: tuple[str, ...]


HIGHEST = 2**62  # more than any payment


def ways_of(vendor_id: uuid.UUID, mode: str, terms: Terms, rules: list[Rule] | None = None) -> Verdict:
    """What payers could be shown through a link with these terms, whatever amount of its range they pay. `rules`: where they were asked for already."""
    low = terms.amount_minor or terms.minimum_minor or 1
    high = terms.amount_minor or terms.maximum_minor or HIGHEST
    return judge(
        list_rules(vendor_id, mode) if rules is None else rules,
        offers_for(mode),
        Asked(terms.currency, low, high, allowed=tuple(terms.methods)),
    )


def check_methods(vendor_id: uuid.UUID, mode: str, terms: Terms, rules: list[Rule] | None = None) -> None:
    """Refuse terms under which every way to pay is hidden, saying why each of those that were named is.

    Without a connected processor nothing can be paid yet, whatever the terms: then this is no fault of theirs.
    """
    if any(method not in METHODS for method in terms.methods):
        raise NobodyCouldPay("Choose ways to pay from the list.", field="methods")
    if not offers_for(mode):
        return
    verdict = ways_of(vendor_id, mode, terms, rules)
    if not verdict.shown:
        named = [hidden for hidden in verdict.hidden if hidden.method in terms.methods or (not terms.methods and hidden.why != "off")]
        first, *others = [because(hidden) for hidden in named or verdict.hidden]
        reasons = reduce(lambda some, more: said("%(some)s; %(more)s", some=some, more=more), others, first)
        raise NobodyCouldPay(said("With these terms nobody could pay. %(reasons)s.", reasons=reasons), field="methods")
