"""Which ways to pay fit a payment, and why the others do not. It asks nobody and reads nothing: rules and offers in, a verdict out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.methods.names import TITLES
from core.methods.rules import Rule
from core.providers.contract import Offer


class MethodNotOffered(Refusal):
    """This way to pay is not open to this payment."""

    code = "method_not_offered"


class NobodyCouldPay(Refusal):
    """With these terms every way to pay is hidden."""

    code = "nobody_could_pay"


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment, or all the payments a link may lead to: one currency, from `low` to `high` minor units."""

    currency: str
    low: int
    high: int
    country: str | None = None  # where the payer is; None: not known
    allowed: tuple[str, ...] = ()  # the ways its link allows; none named: all


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay that fits: through whom, and what it may be called there."""

    method: str
    provider: str
    names: tuple[str, ...]
    delayed_days: int
    surfaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A way to pay that does not fit. `why` is a word of REASONS, `facts` fill it in."""

    method: str
    why: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is shown, in the vendor's order, and what is hidden. Every way to pay stands in one of the two."""

    shown: tuple[Way, ...]
    hidden: tuple[Hidden, ...]
    country_matters: bool = False  # knowing where the payer is could change it: then they are asked, and never otherwise

    def way(self, method: str) -> Way | None:
        """The way of this method, when it is shown."""
        return next((way for way in self.shown if way.method == method), None)


REASONS = {
    "off": said("it is switched off"),
    "link": said("this link does not allow it"),
    "provider": said("no connected processor offers it"),
    "currency": said("it works in %(currencies)s only"),
    "own_currency": said("it is allowed in %(currencies)s only"),
    "country": said("it is for payers in %(countries)s only"),
    "own_country": said("it is allowed for payers in %(countries)s only"),
    "below": said("the amount is below its smallest, %(amount)s"),
    "above": said("the amount is above its largest, %(amount)s"),
    "own_below": said("the amount is below the smallest that is allowed, %(amount)s"),
    "own_above": said("the amount is above the largest that is allowed, %(amount)s"),
}


def judge(rules: Iterable[Rule], offers: Sequence[tuple[str, Offer]], asked: Asked) -> Verdict:
    """Every way to pay, shown or hidden. What the vendor has decided is said before what the provider cannot do."""
    shown, hidden, country_matters = [], [], False
    for rule in rules:
        mine = [(provider, offer) for provider, offer in offers if offer.method == rule.method]
        if rule.enabled and not country_matters:
            in_currency = [offer for _, offer in mine if offer.currencies is None or asked.currency in offer.currencies]
            country_matters = any(offer.countries or rule.bounds.countries for offer in in_currency)
        why = _own_objection(rule, asked)
        found = None if why else _fit(mine, asked)
        if isinstance(found, Way):
            shown.append(found)
        else:
            hidden.append(why or found or Hidden(rule.method, "provider"))
    return Verdict(tuple(shown), tuple(hidden), country_matters)


def _own_objection(rule: Rule, asked: Asked) -> Hidden | None:
    """What the vendor, or the link, has against it."""
    bounds, method = rule.bounds, rule.method
    if not rule.enabled:
        return Hidden(method, "off")
    if asked.allowed and method not in asked.allowed:
        return Hidden(method, "link")
    if bounds.currencies and asked.currency not in bounds.currencies:
        return Hidden(method, "own_currency", {"currencies": bounds.currencies})
    if bounds.countries and asked.country is not None and asked.country not in bounds.countries:
        return Hidden(method, "own_country", {"countries": bounds.countries})
    if bounds.currency == asked.currency:
        if rule.minimum is not None and asked.high < rule.minimum.minor:
            return Hidden(method, "own_below", {"amount": rule.minimum})
        if rule.maximum is not None and asked.low > rule.maximum.minor:
            return Hidden(method, "own_above", {"amount": rule.maximum})
    return None


def _fit(mine: list[tuple[str, Offer]], asked: Asked) -> Way | Hidden | None:
    """The offers that fit, as one way; else the objection of the offer that came nearest. None when nobody offers it."""
    objections = [(provider, offer, offer.objection(asked.currency, asked.low, asked.high, asked.country)) for provider, offer in mine]
    fitting = [(provider, offer) for provider, offer, objection in objections if objection is None]
    if fitting:
        provider = fitting[0][0]
        theirs = [offer for name, offer in fitting if name == provider]
        names = tuple(dict.fromkeys(offer.name for offer in theirs))
        surfaces = frozenset().union(*(offer.surfaces for offer in theirs))
        return Way(theirs[0].method, provider, names, max(offer.delayed_days for offer in theirs), surfaces)
    for objection in ("above", "below", "country", "currency"):  # the nearer to fitting, the sooner it is said
        against = [offer for _, offer, said in objections if said == objection]
        if against:
            return Hidden(against[0].method, objection, _facts(objection, against, asked))
    return None


def _facts(objection: str, against: list[Offer], asked: Asked) -> dict[str, Any]:
    if objection == "currency":
        return {"currencies": tuple(sorted(frozenset().union(*(offer.currencies or () for offer in against))))}
    if objection == "country":
        return {"countries": tuple(sorted(frozenset().union(*(offer.countries or () for offer in against))))}
    limits = [offer.limits[asked.currency] for offer in against]
    minor = max(most for _, most in limits) if objection == "above" else min(least for least, _ in limits)
    return {"amount": Money(minor, asked.currency)}


def because(hidden: Hidden) -> Sentence:
    """The reason in words, as a refusal says it."""
    facts = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in hidden.facts.items()}
    return said("%(way)s: %(reason)s", way=TITLES[hidden.method], reason=said(REASONS[hidden.why], **facts))
