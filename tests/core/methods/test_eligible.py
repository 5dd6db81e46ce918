"""Which ways to pay fit: case by case, and for anything at all: each is shown or hidden, and what is hidden has a reason in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.methods.eligible import REASONS, Asked, Way, because, judge
from core.methods.rules import Bounds, Rule
from core.providers.contract import METHODS, Offer

CARD = ("sandbox", Offer("card", "card", "Card", surfaces=frozenset({"hosted", "fields"})))
IDEAL = ("sandbox", Offer("bank_redirect", "ideal", "iDEAL", frozenset({"EUR"}), frozenset({"NL"})))
P24 = ("sandbox", Offer("bank_redirect", "p24", "Przelewy24", frozenset({"EUR", "PLN"}), frozenset({"PL"}), delayed_days=2))
TWINT = ("sandbox", Offer("qr", "twint", "TWINT", frozenset({"CHF"}), frozenset({"CH"}), {"CHF": (100, 500_000)}))
TRANSFER = (
    "bank",
    Offer("bank_transfer", "sepa", "Bank transfer", frozenset({"EUR"}), delayed_days=5, surfaces=frozenset({"instructions"})),
)
OFFERS = [CARD, IDEAL, P24, TWINT, TRANSFER]


def rule(method, *, on=True, **bounds):
    return Rule(method, on, Bounds(**bounds))


def asked(currency="EUR", amount=1000, *, to=None, country=None, allowed=()):
    return Asked(currency, amount, to or amount, country, tuple(allowed))


@pytest.mark.parametrize(
    ("one", "wish", "why", "said"),
    [
        (rule("card"), asked(), None, None),
        (rule("card", on=False), asked(), "off", "Card: it is switched off"),
        (rule("card"), asked(allowed=["qr"]), "link", "Card: this link does not allow it"),
        (rule("card"), asked(allowed=["qr", "card"]), None, None),
        (rule("wallet"), asked(), "provider", "Wallet: no connected processor offers it"),
        (rule("card", currencies=("GBP", "USD")), asked(), "own_currency", "Card: it is allowed in GBP, USD only"),
        (rule("card", countries=("DE",)), asked(country="FR"), "own_country", "Card: it is allowed for payers in DE only"),
        (rule("card", countries=("DE",)), asked(country=None), None, None),
        (rule("card", countries=("DE",)), asked(country="DE"), None, None),
        (rule("card", currency="EUR", minimum_minor=1001), asked(), "own_below", "Card: the amount is below the smallest that is allowed, EUR 10.01"),
        (rule("card", currency="EUR", minimum_minor=1000), asked(), None, None),
        (rule("card", currency="EUR", maximum_minor=999), asked(), "own_above", "Card: the amount is above the largest that is allowed, EUR 9.99"),
        (rule("card", currency="EUR", maximum_minor=1000), asked(), None, None),
        (rule("card", currency="GBP", maximum_minor=1), asked(), None, None),
        (rule("card", currency="EUR", minimum_minor=5000), asked(amount=100, to=9000), None, None),
        (rule("card", currency="EUR", minimum_minor=9001), asked(amount=100, to=9000), "own_below", "Card: the amount is below the smallest that is allowed, EUR 90.01"),
        (rule("bank_redirect"), asked(), None, None),
        (rule("bank_redirect"), asked("GBP"), "currency", "Bank: it works in EUR, PLN only"),
        (rule("bank_redirect"), asked(country="DE"), "country", "Bank: it is for payers in NL, PL only"),
        (rule("bank_redirect"), asked("PLN", country="NL"), "country", "Bank: it is for payers in PL only"),
        (rule("qr"), asked("CHF", 500_001), "above", "Code: the amount is above its largest, CHF 5000.00"),
        (rule("qr"), asked("CHF", 99), "below", "Code: the amount is below its smallest, CHF 1.00"),
        (rule("qr"), asked("CHF", 500_000), None, None),
        (rule("bank_transfer"), asked(), None, None),
    ],
)  # fmt: skip
def test_each_way_is_shown_or_hidden_for_a_reason(one, wish, why, said):
    verdict = judge([one], OFFERS, wish)
    assert [way.method for way in verdict.shown] == ([] if why else [one.method])
    assert [(hidden.why, because(hidden)) for hidden in verdict.hidden] == ([(why, said)] if why else [])


def test_the_kinds_that_fit_are_one_way_and_the_longest_wait_is_told():
    both = judge([rule("bank_redirect")], OFFERS, asked()).way("bank_redirect")
    assert both == Way("bank_redirect", "sandbox", ("iDEAL", "Przelewy24"), 2, frozenset({"hosted"}))
    dutch = judge([rule("bank_redirect")], OFFERS, asked(country="NL")).way("bank_redirect")
    assert (dutch.names, dutch.delayed_days) == (("iDEAL",), 0)


def test_another_providers_way_says_through_whom():
    way = judge([rule("bank_transfer")], OFFERS, asked()).way("bank_transfer")
    assert (way.provider, way.surfaces) == ("bank", frozenset({"instructions"}))


def test_the_vendors_order_is_kept():
    order = ["bank_redirect", "bank_transfer", "card"]
    assert [way.method for way in judge(map(rule, order), OFFERS, asked()).shown] == order


CODES, PLACES = ("EUR", "GBP", "CHF", "JPY"), ("NL", "PL", "CH", "DE")
amounts = st.integers(1, 10**9)
some = lambda values: st.lists(st.sampled_from(values), unique=True).map(tuple)  # noqa: E731
bounds = st.builds(
    lambda currency, pair, currencies, countries: Bounds(currency, min(pair), max(pair), currencies, countries) if pair else Bounds(None, None, None, currencies, countries),
    st.sampled_from(CODES), st.none() | st.tuples(amounts, amounts), some(CODES), some(PLACES),
)  # fmt: skip
rules = st.permutations(METHODS).flatmap(
    lambda order: st.tuples(*(st.builds(Rule, st.just(method), st.booleans(), bounds) for method in order))
)
offers = st.lists(
    st.builds(
        lambda method, currencies, countries, limits, days: (
            "sandbox",
            Offer(method, f"k_{method}", method, currencies, countries, limits, days),
        ),
        st.sampled_from(METHODS),
        st.none() | some(CODES).map(frozenset),
        st.none() | some(PLACES).map(frozenset),
        st.dictionaries(st.sampled_from(CODES), st.tuples(st.integers(0, 10**6), st.integers(10**6, 10**9)), max_size=3),
        st.integers(0, 14),
    ),
    max_size=8,
)
wishes = st.builds(
    lambda currency, low, more, country, allowed: Asked(currency, low, low + more, country, allowed),
    st.sampled_from(CODES), amounts, st.integers(0, 10**9), st.none() | st.sampled_from(PLACES), some(METHODS),
)  # fmt: skip


@given(rules, offers, wishes)
def test_every_way_is_either_shown_or_hidden_with_a_reason_in_words(given_rules, given_offers, wish):
    verdict = judge(given_rules, given_offers, wish)
    seen = [way.method for way in verdict.shown] + [hidden.method for hidden in verdict.hidden]
    assert sorted(seen) == sorted(METHODS)
    for hidden in verdict.hidden:
        assert hidden.why in REASONS
        sentence = because(hidden)
        assert sentence and "{" not in sentence and "None" not in sentence
    for way in verdict.shown:
        mine = next(rule for rule in given_rules if rule.method == way.method)
        assert mine.enabled and (not wish.allowed or way.method in wish.allowed) and way.names


@given(rules, offers, wishes)
def test_what_is_shown_for_one_amount_is_shown_for_a_range_around_it(given_rules, given_offers, wish):
    """A link is never refused though one of its amounts could be paid."""
    for minor in (wish.low, (wish.low + wish.high) // 2, wish.high):
        one = Asked(wish.currency, minor, minor, wish.country, wish.allowed)
        shown = {way.method for way in judge(given_rules, given_offers, one).shown}
        assert shown <= {way.method for way in judge(given_rules, given_offers, wish).shown}
