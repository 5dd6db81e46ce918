"""Midnight: one order, late or not, never twice; and what is shown is what is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.billing import states
from core.billing.effects import StateChanged, TierChanged
from core.billing.forecast import Intention, forecast, next_charge, preview
from core.billing.midnight import midnight, run_to
from core.billing.payment import new_card
from core.billing.renew import Offer
from core.billing.states import SubscriptionCannotMove, check_move
from core.billing.terms import POLICY, Tier
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, Hibernate, Keep, Resume
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def test_ec_102_a_renewal_that_is_run_again_does_nothing() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 12, 1))
    assert run_to(story.state, date(2026, 12, 1), story.offer_on) == (story.state, ())


def test_ec_103_missed_boundaries_are_run_in_order_each_with_its_own_date() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.take(run_to(story.state, date(2027, 1, 5), story.offer_on))
    assert [(document.origin, document.on) for document in story.documents(new=True)] == [
        ("renewal", date(2026, 12, 1)), ("renewal", date(2027, 1, 1)),
    ]  # fmt: skip
    assert [charge.documents for charge in story.wanted(new=True)] == [(2,), (3,)]


def test_ec_103_late_or_on_time_the_documents_are_the_same() -> None:
    late, timely = Story("pro", NOVEMBER), Story("pro", NOVEMBER)
    for story in (late, timely):
        story.to(date(2026, 11, 20))
        story.branches(2)
    late.take(run_to(late.state, date(2027, 1, 5), late.offer_on))
    timely.to(date(2027, 1, 5))
    assert late.documents() == timely.documents()


def test_ec_103_each_missed_boundary_has_the_price_list_of_its_own_day() -> None:
    story = Story("pro", NOVEMBER)
    dearer = Offer(replace(POLICY, version=2, tiers=(POLICY.tiers[0], Tier("pro", gbp("4.00"), 100), POLICY.tiers[2])))
    story.take(run_to(story.state, date(2027, 2, 5), lambda day: dearer if day >= date(2027, 1, 1) else Offer(POLICY)))
    assert [amounts(document) for document in story.documents()] == [["3.00"], ["3.00"], ["4.00"], ["4.00"]]


def test_ec_104_a_day_that_is_over_stays_over() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 12, 1))
    assert run_to(story.state, date(2026, 11, 30), story.offer_on) == (story.state, ())


def test_ec_105_everything_on_one_date_has_one_order() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 23))
    story.products(150)
    story.wish(ChooseTier("starter"))
    story.to(date(2026, 11, 30))
    story.branches(1)
    story.to(date(2026, 12, 1))
    # the branch of the 30th; then the limit, for which a tier of 10 is too small; then the renewal of what is left standing
    assert story.of(TierChanged, new=True) == [TierChanged("pro", "enterprise", date(2026, 12, 1))]
    assert [kind for kind, _ in story.notices(new=True)] == ["limit_enforced", "downgrade_dropped"]
    assert amounts(story.documents(new=True)[-1]) == ["0.03", "5.00", "1.00"]
    assert len(story.wanted(new=True)) == 1


@pytest.mark.parametrize(
    "wish", [ChooseTier("enterprise"), ChooseTier("starter", now=True), AddBranches(3), Hibernate(now=True), Cancel(now=True)]
)
def test_ec_106_what_is_shown_in_the_morning_is_what_is_charged_in_the_evening(wish: object) -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 16))
    shown = preview(story.state, wish, story.offer)  # type: ignore[arg-type]
    assert story.state.today == date(2026, 11, 16)  # and nothing was kept of it
    story.pays = False
    done = story.wish(wish)  # type: ignore[arg-type]
    assert (shown[0], list(shown[1])) == (story.state, done)
    assert midnight(shown[0], story.offer) == midnight(story.state, story.offer)


def test_a_trial_is_free_and_its_end_is_the_anchor() -> None:
    story = Story("pro", date(2027, 1, 17), trial_days=14, branches=1)
    assert (story.state.status, story.documents()) == ("trialing", [])
    story.to(date(2027, 1, 31))
    assert (story.state.status, story.state.anchor, story.state.period.end) == ("active", date(2027, 1, 31), date(2027, 2, 28))
    assert amounts(story.documents()[-1]) == ["3.00", "1.00"]


def test_a_long_trial_is_not_billed_at_any_boundary_inside_it() -> None:
    story = Story("pro", date(2027, 1, 17), trial_days=60)
    story.to(date(2027, 3, 17))
    assert (story.state.status, story.documents()) == ("trialing", [])
    story.to(date(2027, 3, 18))
    assert amounts(story.documents()[-1]) == ["3.00"]


def test_a_trial_without_a_card_rests_and_a_card_brings_it_back() -> None:
    story = Story("pro", date(2027, 1, 17), trial_days=14, has_card=False)
    story.to(date(2027, 2, 7))
    assert (story.state.status, story.documents()) == ("suspended", [])
    story.take(new_card(story.state))
    assert (story.state.status, amounts(story.documents()[-1])) == ("active", ["2.25"])  # 21 of 28 days


def test_a_trial_that_is_cancelled_costs_nothing() -> None:
    story = Story("pro", date(2027, 1, 17), trial_days=14)
    story.wish(Cancel())
    story.to(date(2027, 1, 31))
    assert (story.state.status, story.documents()) == ("cancelled", [])


def test_a_first_payment_that_is_declined_begins_nothing() -> None:
    story = Story("pro", NOVEMBER, first=False, pays=False)
    story.decline()
    assert (story.state.status, story.state.open, story.documents()) == ("cancelled", (), [])


def test_a_new_price_list_counts_from_the_boundary() -> None:
    story = Story("pro", NOVEMBER)
    story.offer = replace(
        story.offer, terms=replace(POLICY, version=2, tiers=(POLICY.tiers[0], Tier("pro", gbp("4.00"), 50), POLICY.tiers[2]))
    )
    story.to(date(2026, 11, 30))
    story.products(60)
    assert (story.state.terms.version, story.state.episode) == (1, None)
    story.to(date(2026, 12, 1))
    assert (story.state.terms.version, amounts(story.documents()[-1])) == (2, ["4.00"])
    assert story.state.episode is not None and story.state.episode.opened_on == date(2026, 12, 1)


def test_a_list_without_the_merchants_tier_leaves_the_old_one_in_force() -> None:
    story = Story("pro", NOVEMBER)
    story.offer = replace(story.offer, terms=replace(POLICY, version=2, tiers=(POLICY.tiers[0], POLICY.tiers[2])))
    story.to(date(2026, 12, 1))
    assert (story.state.terms.version, amounts(story.documents()[-1])) == (1, ["3.00"])


def test_a_planned_end_can_be_taken_back() -> None:
    story = Story("pro", NOVEMBER)
    story.wish(Cancel())
    story.wish(Keep())
    story.to(date(2026, 12, 1))
    assert story.state.status == "active"


@pytest.mark.parametrize("old", states.SUBSCRIPTION)
def test_a_move_that_is_not_in_the_table_is_refused(old: str) -> None:
    for new in states.SUBSCRIPTION:
        if new in states.SUBSCRIPTION[old]:
            check_move(old, new)
        else:
            with pytest.raises(SubscriptionCannotMove):
                check_move(old, new)


# --- the simulator -----------------------------------------------------------------------------------------------------------


def test_the_simulator_tells_a_year_of_documents_and_what_it_costs() -> None:
    story = Story("starter", NOVEMBER)
    plans = [
        Intention(date(2026, 11, 17), AddBranches(3)),
        Intention(date(2026, 11, 17), AddProducts(40)),
        Intention(date(2027, 9, 20), Hibernate()),
        Intention(date(2027, 10, 15), Resume()),
    ]
    told = forecast(story.state, plans, story.offer)
    assert [(document.on, document.net) for document in told.documents] == [
        (date(2026, 11, 17), gbp("1.40")),  # three branches for 14 of 30 days
        (date(2026, 12, 1), gbp("6.40")),  # 3.00 + 3.00 and the upgrade of the 25th, which waited: -0.20 + 0.60
        *[(date(2027, month, 1), gbp("6.00")) for month in range(1, 10)],
        (date(2027, 10, 1), gbp("0.50")),
        (date(2027, 10, 15), gbp("3.03")),  # -0.27 + 1.65 + 1.65
        (date(2027, 11, 1), gbp("6.00")),
    ]
    assert told.end.today == date(2027, 11, 1)


def test_a_wish_that_cannot_be_granted_is_told_with_its_sentence() -> None:
    story = Story("starter", NOVEMBER)
    told = forecast(story.state, [Intention(date(2026, 12, 5), Resume())], story.offer)
    assert [(refused.intention.on, refused.message) for refused in told.refused] == [
        (date(2026, 12, 5), "The subscription is not hibernating."),
    ]


def test_the_next_charge_is_told_with_its_day_and_its_sum() -> None:
    story = Story("pro", date(2027, 1, 31))
    story.to(date(2027, 2, 20))
    story.branches(1)
    coming = next_charge(story.state, story.offer)
    assert coming is not None and (coming.on, coming.amount) == (date(2027, 2, 28), gbp("4.29"))
    assert not [change for change in story.of(StateChanged) if change.on > story.state.today]
