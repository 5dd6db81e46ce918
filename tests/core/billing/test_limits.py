"""The soft limit: exact days, exact notices, no way to stretch or to reset the grace."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.billing.effects import Notice, ProductsHidden, ProductsShown, TierChanged
from core.billing.limits import LimitReached, look
from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier, Hibernate, Resume
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def november(day: int) -> date:
    return date(2026, 11, day)


def over_on(day: int, count: int = 11, *, tier: str = "starter", pays: bool = True) -> Story:
    """A story in which the count passes the limit on a day of November."""
    story = Story(tier, NOVEMBER, pays=pays)
    story.products(10)
    story.to(november(day))
    story.products(count)
    return story


@pytest.mark.parametrize(
    ("tier", "count", "fits"), [("starter", 10, True), ("starter", 11, False), ("pro", 100, True), ("pro", 101, False)]
)
def test_ec_30_the_limits_are_exact(tier: str, count: int, fits: bool) -> None:
    assert POLICY.tier(tier).fits(count) is fits
    story = Story(tier, NOVEMBER)
    story.products(count)
    assert (story.state.episode is None) is fits


def test_ec_31_seven_whole_days_of_grace_then_the_upgrade() -> None:
    story = over_on(5)
    story.to(november(13))
    assert [sent for _, sent in story.notices()] == [november(5), november(9), november(11), november(13)]
    assert [kind for kind, _ in story.notices()] == ["limit_breached", "grace_running", "grace_running", "limit_enforced"]
    assert [notice.count for notice in story.of(Notice)] == [None, 3, 1, None]
    assert {(notice.on, notice.amount) for notice in story.of(Notice)} == {(november(13), gbp("1.20"))}
    assert amounts(story.documents()[-1]) == ["-0.60", "1.80"]
    assert story.of(TierChanged) == [TierChanged("starter", "pro", november(13))]


def test_ec_31_one_day_earlier_nothing_has_happened() -> None:
    story = over_on(5)
    story.to(november(12))
    assert story.state.tier == "starter"


def test_ec_32_cured_in_time_there_is_no_upgrade_and_the_counter_closes() -> None:
    story = over_on(5)
    story.to(november(12))
    story.products(10)
    story.to(november(19))
    assert (story.state.tier, story.state.episode is not None) == ("starter", True)
    story.to(november(20))
    assert story.state.episode is None


def test_ec_33_flapping_goes_on_with_the_same_counter() -> None:
    story = over_on(5)
    story.to(november(9))
    story.products(10)
    story.to(november(11))
    story.products(11)
    story.to(november(13))
    assert story.state.tier == "starter"
    story.to(november(14))
    assert amounts(story.documents()[-1]) == ["-0.57", "1.70"]


def test_ec_33_only_seven_clean_days_in_a_row_close_the_counter() -> None:
    story = over_on(5)
    story.to(november(7))
    story.products(10)
    story.to(november(11))
    story.products(11)  # after three clean days, and for a moment only
    story.products(10)
    story.to(november(18))
    assert story.state.episode is not None and story.state.episode.used == 3
    story.to(november(19))
    assert story.state.episode is None


def test_ec_34_with_no_day_left_the_next_product_asks_for_an_upgrade() -> None:
    story = over_on(5)
    story.to(november(12))
    story.products(10)
    story.to(november(13))
    with pytest.raises(LimitReached):
        story.products(11)
    story.products(9)
    story.products(10)  # up to the limit it always works
    story.to(november(20))
    story.products(11)  # after seven clean days a new grace begins
    assert story.state.episode is not None and story.state.episode.used == 0


def test_ec_34_an_explicit_upgrade_opens_the_way() -> None:
    story = over_on(5)
    story.to(november(12))
    story.products(10)
    story.to(november(14))
    story.wish(ChooseTier("pro"))
    story.products(11)
    assert (story.state.products.count, story.state.episode) == (11, None)


def test_ec_35_two_tiers_at_once_are_one_jump() -> None:
    story = over_on(5, 150)
    story.to(november(13))
    assert (story.state.tier, amounts(story.documents()[-1])) == ("enterprise", ["-0.60", "3.00"])
    assert len(story.of(TierChanged)) == 1


def test_ec_36_a_boundary_inside_the_grace_is_charged_at_the_old_tier() -> None:
    story = over_on(28)
    assert (story.notice("limit_breached").on, story.notice("limit_breached").amount) == (date(2026, 12, 6), gbp("1.68"))
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["1.00"]
    story.to(date(2026, 12, 6))
    assert amounts(story.documents()[-1]) == ["-0.84", "2.52"]


def test_ec_37_an_upgrade_that_cannot_be_paid_hides_the_surplus_and_nothing_else() -> None:
    story = over_on(5, 14, pays=False)
    story.to(november(13))
    story.decline()
    assert (story.state.tier, story.state.status) == ("starter", "active")
    assert story.of(ProductsHidden) == [ProductsHidden(4)]
    story.to(november(25))
    assert story.of(ProductsHidden) == [ProductsHidden(4)] and story.state.tier == "starter"
    story.pays = True
    story.wish(ChooseTier("pro"))
    story.to(date(2026, 12, 1))
    assert story.of(ProductsShown)
    assert (story.state.tier, story.state.products.hidden) == ("pro", 0)


def test_ec_37_paying_the_link_shows_them_again() -> None:
    story = over_on(5, 14, pays=False)
    story.to(november(13))
    story.decline()
    story.settle()
    assert (story.state.tier, story.of(ProductsShown, new=True)) == ("pro", [ProductsShown()])


def test_ec_37_trimming_frees_what_is_hidden() -> None:
    story = over_on(5, 14, pays=False)
    story.to(november(13))
    story.decline()
    story.products(12)
    assert story.state.products.hidden == 2
    story.products(10)
    assert story.state.products.hidden == 0


def test_ec_38_no_grace_runs_for_a_limit_that_does_not_apply_yet() -> None:
    story = Story("pro", NOVEMBER)
    story.wish(ChooseTier("starter"))
    story.products(60)
    story.to(date(2026, 12, 2))
    assert (story.state.tier, story.state.episode) == ("pro", None)
    assert [kind for kind, _ in story.notices()] == ["change_planned", "renewal_ahead", "downgrade_dropped"]


def test_ec_39_looking_twice_makes_one_episode_and_one_notice() -> None:
    story = over_on(5)
    assert look(story.state) == (story.state, ())


def test_at_a_boundary_the_renewal_is_the_greater_tiers() -> None:
    story = over_on(23)
    assert (story.notice("limit_breached").on, story.notice("limit_breached").amount) == (date(2026, 12, 1), gbp("3.00"))
    story.to(date(2026, 12, 1))
    assert (story.state.tier, amounts(story.documents()[-1])) == ("pro", ["3.00"])


def test_at_a_boundary_a_declined_enforcement_is_written_down_to_the_old_tier() -> None:
    story = over_on(23, 14, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    assert (story.state.tier, story.state.status) == ("starter", "past_due")
    assert [owed.due for owed in story.state.open] == [gbp("1.00")]
    assert story.of(ProductsHidden) == [ProductsHidden(4)]


def test_ec_70_hibernating_the_grace_does_not_run() -> None:
    story = Story("starter", NOVEMBER)
    story.products(10)
    story.wish(Hibernate())
    story.to(date(2026, 12, 10))
    story.products(14)
    story.to(date(2026, 12, 25))
    assert story.state.episode is None
    story.wish(Resume())
    assert story.state.episode is not None and story.state.episode.opened_on == date(2026, 12, 25)
    story.to(date(2027, 1, 1))
    assert story.state.tier == "starter"
    story.to(date(2027, 1, 2))
    assert story.state.tier == "pro"


def test_a_lower_tier_by_itself_only_for_who_asked_and_after_seven_days() -> None:
    asked, silent, late = (Story("pro", NOVEMBER) for _ in range(3))
    for story in (asked, late):
        story.change(auto_downgrade=True)
    for story in (asked, silent, late):
        story.products(60)
    late.to(november(25))
    late.products(8)
    asked.to(november(20))
    asked.products(8)
    for story in (asked, silent, late):
        story.to(date(2026, 12, 1))
    assert [story.state.tier for story in (asked, silent, late)] == ["starter", "pro", "pro"]


def test_nobody_is_sold_a_greater_plan_on_the_way_out() -> None:
    story = over_on(23)
    story.wish(Hibernate())
    story.to(date(2026, 12, 1))
    assert (story.state.tier, story.state.status, amounts(story.documents()[-1])) == ("starter", "hibernating", ["0.50"])


def test_a_breach_while_a_price_list_is_coming_tells_the_sum_of_that_list() -> None:
    story = Story("starter", NOVEMBER)
    dearer = replace(POLICY, version=2, tiers=tuple(replace(tier, price=tier.price + tier.price) for tier in POLICY.tiers))
    story.offer = replace(story.offer, terms=dearer)
    story.to(november(28))
    story.products(11)
    assert story.notice("limit_breached").amount == gbp("3.35")  # 26 of 31 days: 5.03 - 1.68
    story.to(date(2026, 12, 6))
    assert story.documents()[-1].net == gbp("3.35")
