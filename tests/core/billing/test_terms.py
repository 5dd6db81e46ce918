"""The price list as data: what it refuses, and what it becomes in another currency."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from core.billing.forecast import valid_until
from core.billing.renew import NoSuchZone, ask_zone
from core.billing.tax import waits_for_check
from core.billing.terms import POLICY, Tier
from core.kernel.money import Money
from tests.core.billing.story import Story, gbp


def test_the_policy_is_the_tiers_as_they_were_agreed() -> None:
    assert [(tier.code, tier.price, tier.limit) for tier in POLICY.tiers] == [
        ("starter", gbp("1.00"), 10), ("pro", gbp("3.00"), 100), ("enterprise", gbp("5.00"), None),
    ]  # fmt: skip
    assert (POLICY.branch_price, POLICY.hibernation_fee) == (gbp("1.00"), gbp("0.50"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiers": ()},
        {"tiers": (POLICY.tiers[0], POLICY.tiers[0], POLICY.tiers[2])},
        {"tiers": (POLICY.tiers[1], POLICY.tiers[0], POLICY.tiers[2])},
        {"tiers": POLICY.tiers[:2]},
        {"tiers": (POLICY.tiers[0], Tier("all", Money(500, "EUR"), None))},
        {"retry_days": (1, 3, 16)},
        {"retry_days": (3, 1)},
        {"retry_days": ()},
        {"branch_price": Money(100, "EUR")},
        {"gateway_minimum": Money(30, "EUR")},
        {"tiers": (Tier("starter", gbp("1.00"), None), Tier("pro", gbp("3.00"), 5), Tier("all", gbp("5.00"), None))},
        {"suspend_after": 28},
        {"cancel_after": 16},
    ],
)
def test_a_price_list_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(POLICY, **wrong)  # type: ignore[arg-type]


def test_plans_may_all_be_without_a_limit() -> None:
    """What a club sells to its members has no products to count."""
    plain = replace(POLICY, tiers=(Tier("friend", gbp("2.00"), None), Tier("patron", gbp("9.00"), None)))
    assert plain.smallest_for(10_000, least="friend").code == "friend"
    assert (plain.rank("patron"), plain.below("patron")) == (1, plain.tiers[0])


def test_a_tier_has_a_name_for_people_which_goes_along_into_another_currency() -> None:
    named = replace(POLICY, tiers=(replace(POLICY.tiers[0], name="Corner shop", about="For a start."), *POLICY.tiers[1:]))
    assert [tier.title for tier in named.tiers] == ["Corner shop", "Pro", "Enterprise"]
    abroad = named.converted(Fraction("1.1532"), "EUR").tiers[0]
    assert (abroad.title, abroad.about, abroad.price.currency) == ("Corner shop", "For a start.", "EUR")


def test_in_another_currency_the_gateways_own_minimum_counts() -> None:
    euros = POLICY.converted(Fraction("1.1532"), "EUR")
    assert (euros.tier("pro").price, euros.small_amount, euros.gateway_minimum) == (
        Money.of("3.46", "EUR"), Money.of("1.15", "EUR"), Money.of("0.50", "EUR"),
    )  # fmt: skip
    assert POLICY.converted(Fraction("0.3907"), "KWD").gateway_minimum == Money.of("0.120", "KWD")  # none of its own: converted


@pytest.mark.parametrize(
    ("products", "least", "tier"), [(0, "starter", "starter"), (11, "starter", "pro"), (101, "starter", "enterprise"), (3, "pro", "pro")]
)
def test_the_smallest_tier_that_fits(products: int, least: str, tier: str) -> None:
    assert POLICY.smallest_for(products, least=least).code == tier


def test_ec_97_a_check_of_a_tax_id_is_waited_for_three_days_at_most() -> None:
    assert waits_for_check(timedelta(hours=71, minutes=59), POLICY)
    assert not waits_for_check(timedelta(hours=72), POLICY)


def test_ec_106_a_quote_is_good_until_local_midnight() -> None:
    story = Story("pro", date(2026, 7, 1))
    assert valid_until(story.state) == datetime(2026, 7, 1, 23, tzinfo=UTC)  # midnight in a London summer


def test_ec_08_the_zone_is_asked_for_today_and_counts_from_the_boundary() -> None:
    story = Story("pro", date(2026, 11, 1))
    story.to(date(2026, 11, 10))
    story.take(ask_zone(story.state, "Pacific/Auckland"))
    assert (story.state.period.start, story.state.period.end) == (date(2026, 11, 1), date(2026, 12, 1))
    assert valid_until(story.state) == datetime(2026, 11, 11, tzinfo=UTC)
    story.to(date(2026, 12, 1))
    assert (story.state.period.end, valid_until(story.state)) == (date(2027, 1, 1), datetime(2026, 12, 1, 11, tzinfo=UTC))


def test_a_zone_that_does_not_exist_is_refused_at_its_field() -> None:
    with pytest.raises(NoSuchZone) as refused:
        ask_zone(Story("pro", date(2026, 11, 1)).state, "Europe/Atlantis")
    assert refused.value.field == "zone"
