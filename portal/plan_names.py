"""What pages about a plan call things by: documents by their number within the subscription, plans by their code, people by their id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _

from core.billing.models import BillingDocument
from core.billing.terms import Terms, title_from


@dataclass(frozen=True)
class Known:
    """The names that are known; what is on no list any more is called by its code."""

    papers: Mapping[int, str] = field(default_factory=dict)
    plans: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)

    def paper(self, ordinal: int) -> str:
        return self.papers.get(ordinal) or _("a draft")

    def plan(self, code: str) -> str:
        return self.plans.get(code) or title_from(code)

    def who(self, actor: str) -> str:
        return self.people.get(actor) or (
            _("The platform’s staff") if actor.startswith("stf_") else _("Automatic") if actor == "system" else actor
        )


def known_of(terms: Iterable[Terms], documents: Iterable[BillingDocument], people: Mapping[str, str]) -> Known:
    """From the lists that count, newest last, and the subscription's documents."""
    plans = {tier.code: tier.title for each in terms for tier in each.tiers}
    return Known({each.ordinal: each.name for each in documents if each.name}, plans, people)
