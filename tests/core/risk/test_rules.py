"""The pure decision: what fits, what comes first, and that nothing unknown ever counts against anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.kernel.money import Money
from core.risk.rules import (
    LARGEST_MINOR,
    Condition,
    Decision,
    Facts,
    Hit,
    Rule,
    RuleRefused,
    counts_asked,
    decide,
    fits,
    make_rule,
    needs_card,
    read_rules,
)

PLAIN = Facts(Money(5_000, "EUR"))
LARGE = Condition("amount", currency="EUR", minor=10_000)
OFTEN = Condition("often", of="email", most=3, hours=24)
ABROAD, NEW, WATCHED = Condition("country"), Condition("new_payer"), Condition("watched")


def rule(*conditions: Condition, action: str = "block", name: str = "It") -> Rule:
    return Rule(name, conditions, action)


HOLDS = [
    (LARGE, {"amount": Money(10_001, "EUR")}, True),
    (LARGE, {"amount": Money(10_000, "EUR")}, False),
    (LARGE, {"amount": Money(99_999, "GBP")}, False),
    (replace(LARGE, currency="JPY", minor=0), {"amount": Money(1, "JPY")}, True),
    (OFTEN, {"counts": {("email", 24): 4}}, True),
    (OFTEN, {"counts": {("email", 24): 3}}, False),
    (OFTEN, {"counts": {("email", 1): 9}}, False),
    (OFTEN, {"counts": {("address", 24): 9}}, False),
    (OFTEN, {"counts": {}}, False),
    (ABROAD, {"payer_country": "DE", "card_country": "US"}, True),
    (ABROAD, {"payer_country": "DE", "card_country": "DE"}, False),
    (ABROAD, {"payer_country": "DE"}, False),
    (ABROAD, {"card_country": "US"}, False),
    (NEW, {"new_payer": True}, True),
    (NEW, {"new_payer": False}, False),
    (NEW, {"new_payer": None}, False),
    (WATCHED, {"hits": (Hit("watch", "email"),)}, True),
    (WATCHED, {"hits": (Hit("allow", "email"),)}, False),
    (WATCHED, {}, False),
    (Condition("no_such"), {}, False),
]


@pytest.mark.parametrize(("condition", "known", "holds"), HOLDS)
def test_a_condition_holds_or_not(condition: Condition, known: dict[str, Any], holds: bool) -> None:
    facts = replace(PLAIN, **known)
    assert fits(rule(condition), facts) == holds
    assert decide([rule(condition)], facts).action == ("allow" if not holds or known.get("hits") == (Hit("allow", "email"),) else "block")


def test_all_conditions_must_hold_together() -> None:
    both = rule(LARGE, NEW)
    assert not fits(both, replace(PLAIN, new_payer=True)) and not fits(both, replace(PLAIN, amount=Money(20_000, "EUR")))
    assert fits(both, replace(PLAIN, amount=Money(20_000, "EUR"), new_payer=True))


def test_a_rule_without_conditions_fits_nothing() -> None:
    assert decide([rule()], PLAIN) == Decision("allow")


def test_the_first_rule_from_above_decides() -> None:
    known = replace(PLAIN, new_payer=True, amount=Money(20_000, "EUR"))
    review, allow = rule(LARGE, action="review", name="Large"), rule(NEW, action="allow", name="Welcome")
    assert decide([review, allow], known) == Decision("review", rule="Large")
    assert decide([allow, review], known) == Decision("allow", rule="Welcome")


def test_the_block_list_comes_before_the_allow_list_and_both_before_rules() -> None:
    blocked, allowed = Hit("block", "card"), Hit("allow", "email")
    everything = [rule(NEW, action="block")]
    new = replace(PLAIN, new_payer=True)
    assert decide(everything, replace(new, hits=(allowed, blocked))) == Decision("block", hit=blocked)
    assert decide(everything, replace(new, hits=(allowed,))) == Decision("allow", hit=allowed)
    assert decide([rule(NEW, action="allow")], replace(new, hits=(blocked,))).action == "block"


def test_the_reason_is_the_rules_name_or_the_list_and_never_what_stands_on_it() -> None:
    assert Decision("block", hit=Hit("block", "email")).plain() == {"list": "block", "kind": "email"}
    assert Decision("review", rule="Large").plain() == {"rule": "Large"} and Decision("allow").plain() == {}


def test_what_has_to_be_counted_and_whether_the_card_is_needed_is_read_off_the_rules() -> None:
    card = Condition("often", of="card", most=2, hours=6)
    assert counts_asked([rule(OFTEN, card), rule(LARGE)]) == {("email", 24), ("card", 6)}
    assert needs_card([rule(card)]) and needs_card([rule(ABROAD)]) and not needs_card([rule(OFTEN), rule(LARGE), rule(NEW)])


def test_rules_come_back_as_they_were_stored() -> None:
    kept = [rule(LARGE, OFTEN, ABROAD, NEW, WATCHED, action="review", name="All of it"), rule(NEW)]
    assert read_rules([one.plain() for one in kept]) == tuple(kept)


REFUSED = [
    ("", [NEW], "block", "name"),
    ("x" * 81, [NEW], "block", "name"),
    ("No conditions", [], "block", "form"),
    ("Six of them", [NEW] * 6, "block", "form"),
    ("No such act", [NEW], "explode", "action"),
    ("No such condition", [Condition("moon")], "block", "form"),
    ("No currency", [Condition("amount", currency="XQQ", minor=1)], "block", "currency"),
    ("Too much", [Condition("amount", currency="EUR", minor=LARGEST_MINOR + 1)], "block", "over"),
    ("Nobody counted", [Condition("often", of="shoe", most=1, hours=1)], "block", "often_of"),
    ("No number", [Condition("often", of="email", most=0, hours=1)], "block", "often_most"),
    ("No hours", [Condition("often", of="email", most=1, hours=0)], "block", "often_hours"),
    ("A week", [Condition("often", of="email", most=1, hours=168)], "block", "often_hours"),
]


@pytest.mark.parametrize(("name", "conditions", "action", "field"), REFUSED)
def test_a_rule_that_cannot_be_is_refused_at_its_field(name: str, conditions: list[Condition], action: str, field: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        make_rule(name, conditions, action)
    assert refused.value.field == field


def test_a_name_is_written_in_one_spelling() -> None:
    assert make_rule("  Large   first\tpayment ", [LARGE], "review").name == "Large first payment"


def test_a_rule_about_the_card_cannot_ask_for_3_d_secure() -> None:
    for condition in (ABROAD, replace(OFTEN, of="card")):
        with pytest.raises(RuleRefused, match="too late for 3-D Secure"):
            make_rule("Ask", [LARGE, condition], "authenticate")
    assert make_rule("Ask", [LARGE, OFTEN, NEW, WATCHED], "authenticate").action == "authenticate"
