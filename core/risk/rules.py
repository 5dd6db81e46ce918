"""Rules about payments: facts in, a decision and its reasons out. Nothing here asks anybody anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.kernel.currency import is_currency
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said

ALLOW, REVIEW, BLOCK = "allow", "review", "block"
AUTHENTICATE = "authenticate"  # the card’s bank is to ask the payer: 3-D Secure
ACTIONS = (ALLOW, AUTHENTICATE, REVIEW, BLOCK)
COUNTED = ("email", "address", "card")  # whose payments a rule may count
# amount: over a sum. often: more payments of the same payer, address or card than that. country: the card is from another country than the
# payer says. new_payer: nothing was ever paid to this seller with this e-mail. watched: on the watch list.
WHATS = ("amount", "often", "country", "new_payer", "watched")
MOST_RULES, MOST_CONDITIONS, MOST_HOURS, MOST_COUNT, LONGEST_NAME = 40, 5, 24, 400, 80
LARGEST_MINOR = 10**12


class RuleRefused(Refusal):
    """No such rule can be."""

    code = "rule_refused"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be so. Which of the fields count depends on `what`; amounts count minor units."""

    what: str
    currency: str = ""
    minor: int = 0
    of: str = ""
    most: int = 0
    hours: int = 0

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        names = {"amount": ("currency", "minor"), "often": ("of", "most", "hours")}.get(self.what, ())
        return {"what": self.what, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, slots=True)
class Rule:
    """When all of its conditions hold, this is done. Its name is what the staff read as the reason."""

    name: str
    conditions: tuple[Condition, ...]
    action: str

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {"name": self.name, "conditions": [one.plain() for one in self.conditions], "action": self.action}


@dataclass(frozen=True, slots=True)
class Hit:
    """Something of the payment stands on a list: allow, block or watch; an email, domain, address, card or country."""

    which: str
    kind: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a payment at this moment. What is not known is None or missing, and fits no condition."""

    amount: Money
    payer_country: str | None = None
    card_country: str | None = None
    new_payer: bool | None = None
    counts: Mapping[tuple[str, int], int] = field(default_factory=dict)  # (of, hours) -> payments begun, this one among them
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """allow, authenticate, review or block. `rule` is the name of the rule that decided, `hit` the entry of a list; neither: nothing spoke against it."""

    action: str
    rule: str = ""
    hit: Hit | None = None

    def plain(self) -> dict[str, str]:
        """The reason as it is stored."""
        if self.hit is not None:
            return {"list": self.hit.which, "kind": self.hit.kind}
        return {"rule": self.rule} if self.rule else {}


def decide(rules: Sequence[Rule], facts: Facts) -> Decision:
    """The lists first, the block list before the allow list; then the first rule from above that fits; else the payment goes on."""
    for which, action in (("block", BLOCK), ("allow", ALLOW)):
        hit = next((hit for hit in facts.hits if hit.which == which), None)
        if hit is not None:
            return Decision(action, hit=hit)
    for rule in rules:
        if fits(rule, facts):
            return Decision(rule.action, rule=rule.name)
    return Decision(ALLOW)


def fits(rule: Rule, facts: Facts) -> bool:
    """Whether all its conditions hold. A rule without conditions fits nothing."""
    return bool(rule.conditions) and all(_holds(one, facts) for one in rule.conditions)


def _holds(one: Condition, facts: Facts) -> bool:
    if one.what == "amount":
        return facts.amount.currency == one.currency and facts.amount.minor > one.minor
    if one.what == "often":
        return facts.counts.get((one.of, one.hours), 0) > one.most
    if one.what == "country":
        return None not in (facts.payer_country, facts.card_country) and facts.payer_country != facts.card_country
    if one.what == "new_payer":
        return facts.new_payer is True
    return any(hit.which == "watch" for hit in facts.hits)


def counts_asked(rules: Iterable[Rule]) -> frozenset[tuple[str, int]]:
    """What has to be counted for these rules."""
    return frozenset((one.of, one.hours) for rule in rules for one in rule.conditions if one.what == "often")


def asks(rules: Iterable[Rule], what: str) -> bool:
    """Whether any of them has such a condition."""
    return any(one.what == what for rule in rules for one in rule.conditions)


def needs_card(rules: Iterable[Rule]) -> bool:
    """Whether something is asked that is only known once a card was typed."""
    rules = tuple(rules)
    return asks(rules, "country") or any(of == "card" for of, _ in counts_asked(rules))


def make_rule(name: str, conditions: Iterable[Condition], action: str) -> Rule:
    """A rule as somebody writes it. Refuses RuleRefused at the field."""
    name, conditions = " ".join(name.split()), tuple(conditions)
    if not name:
        raise RuleRefused("Give the rule a name: it is what you read as the reason later.", field="name")
    if len(name) > LONGEST_NAME:
        raise RuleRefused(said("At most %(most)s characters.", most=LONGEST_NAME), field="name")
    if not conditions:
        raise RuleRefused("Choose at least one condition.", field="form")
    if len(conditions) > MOST_CONDITIONS:
        raise RuleRefused(said("At most %(most)s conditions in one rule.", most=MOST_CONDITIONS), field="form")
    if action not in ACTIONS:
        raise RuleRefused("Choose what is to be done.", field="action")
    for one in conditions:
        _check(one)
    rule = Rule(name, conditions, action)
    if action == AUTHENTICATE and needs_card([rule]):
        raise RuleRefused(
            "What is asked of the card is known only once its bank was asked, and then it is too late for 3-D Secure. Review it instead.",
            field="action",
        )
    return rule


def _check(one: Condition) -> None:
    if one.what not in WHATS:
        raise RuleRefused("There is no such condition.", field="form")
    if one.what == "amount":
        if not is_currency(one.currency):
            raise RuleRefused("Choose a currency from the list.", field="currency")
        if not 0 <= one.minor <= LARGEST_MINOR:
            raise RuleRefused("Enter an amount.", field="over")
    if one.what == "often":
        if one.of not in COUNTED:
            raise RuleRefused("Choose what is counted.", field="often_of")
        if not 1 <= one.most <= MOST_COUNT:
            raise RuleRefused(said("Enter a number from %(least)s to %(most)s.", least=1, most=MOST_COUNT), field="often_most")
        if not 1 <= one.hours <= MOST_HOURS:
            raise RuleRefused(said("Enter a number from %(least)s to %(most)s.", least=1, most=MOST_HOURS), field="often_hours")


def read_rules(document: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules as they were stored."""
    return tuple(Rule(one["name"], tuple(Condition(**part) for part in one["conditions"]), one["action"]) for one in document)
