"""A hibernation that ends by itself: the day is chosen, told with its exact sum, changed and taken back, and carried out once."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.calendar import DAY
from core.billing.effects import ListingsChanged, Notice, TierChanged
from core.billing.forecast import Intention, forecast
from core.billing.hibernate import NoDayToWake, NotHibernating
from core.billing.midnight import NEXT_INVOICE
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, Cancel, ChooseTier, Hibernate, Keep, Resume, WakeOn
from core.kernel.errors import Conflict
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER, DECEMBER, FEBRUARY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 2, 1)
MIDDLE = date(2027, 1, 15)


def planned(until: date | None = MIDDLE, tier: str = "pro", *, branches: int = 0) -> Story:
    """On the tenth of November it is asked to hibernate with the next period."""
    story = Story(tier, NOVEMBER, branches=branches)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate(until=until))
    return story


def test_ec_64_ec_65_it_begins_at_the_periods_end_and_ends_on_the_day_that_was_chosen() -> None:
    story = planned(branches=2)
    story.to(DECEMBER)
    assert (story.state.status, story.state.wakes_on, amounts(story.documents()[-1])) == ("hibernating", MIDDLE, ["0.50"])
    story.to(date(2027, 1, 14))
    assert story.state.status == "hibernating"
    story.to(MIDDLE)
    document = story.documents()[-1]
    assert (amounts(document), document.net, document.on) == (["-0.27", "1.65", "1.10"], gbp("2.48"), MIDDLE)
    assert (story.state.status, story.state.wakes_on, story.state.anchor) == ("active", None, NOVEMBER)
    assert story.of(ListingsChanged) == [ListingsChanged(False), ListingsChanged(True)]
    story.to(FEBRUARY)
    assert amounts(story.documents()[-1]) == ["3.00", "2.00"]


def test_its_day_and_the_exact_sum_are_told_when_it_is_asked_for_and_some_days_before() -> None:
    story = planned(branches=2)
    told = story.notice("hibernation_planned")
    assert (told.on, told.amount, told.wakes_on, told.wakes_for) == (DECEMBER, gbp("0.50"), MIDDLE, gbp("2.48"))
    story.to(MIDDLE)
    ahead = story.notice("wake_ahead")
    assert (ahead.sent_on, ahead.wakes_on, ahead.wakes_for) == (MIDDLE - POLICY.renewal_notice_days * DAY, MIDDLE, gbp("2.48"))
    assert [charge.amount for charge in story.wanted(new=True) if charge.on == MIDDLE] == [told.wakes_for]


def test_on_a_boundary_the_renewal_of_the_day_is_the_plans_and_no_fee_is_asked_for() -> None:
    story = planned(FEBRUARY, branches=2)
    assert story.notice("hibernation_planned").wakes_for == gbp("5.00")
    story.to(FEBRUARY)
    assert (story.state.status, amounts(story.documents()[-1])) == ("active", ["3.00", "2.00"])
    assert [charge.on for charge in story.wanted()].count(FEBRUARY) == 1
    before = FEBRUARY - POLICY.renewal_notice_days * DAY
    assert story.notice("wake_ahead") == Notice("wake_ahead", before, wakes_on=FEBRUARY, wakes_for=gbp("5.00"))
    assert ("renewal_ahead", before) not in story.notices(), "told once"


@pytest.mark.parametrize("day", [date(2026, 12, 2), date(2026, 12, 31), MIDDLE, FEBRUARY, date(2027, 3, 31)])
def test_ec_106_forecast_preview_and_charge_say_the_same_and_waking_by_hand_costs_the_same(day: date) -> None:
    story, by_hand = planned(day, branches=1), planned(None, branches=1)
    until = date(2027, 5, 1)
    coming = forecast(story.state, (), story.offer, until=until)
    same_day = forecast(by_hand.state, [Intention(day, Resume())], by_hand.offer, until=until)
    assert coming.total == same_day.total, "the day that was chosen and the same day by hand"
    told = story.notice("hibernation_planned")
    charged = sum(charge.amount.minor for charge in coming.charges if charge.on == day)
    assert told.wakes_for is not None and charged == (0 if told.detail == NEXT_INVOICE else told.wakes_for.minor)
    story.to(until)
    assert [d for d in story.documents() if d.on >= DECEMBER] == list(coming.documents)
    assert sum(c.amount.minor for c in story.wanted() if c.on >= DECEMBER) == coming.total.minor


def test_what_is_too_little_to_charge_goes_onto_the_next_invoice_and_is_told_so() -> None:
    story = planned(date(2026, 12, 20), "starter")
    told = story.notice("hibernation_planned")
    assert (told.wakes_for, told.detail) == (gbp("0.20"), NEXT_INVOICE)
    story.to(date(2026, 12, 20))
    assert story.state.status == "active" and story.wanted(new=True)[-1].on == DECEMBER
    assert sum(entry.line.amount.minor for entry in story.state.pending) == 20


def test_ec_67_the_first_day_is_the_one_after_it_begins_and_ec_72_the_last_ends_the_longest() -> None:
    for day in (date(2026, 11, 10), date(2026, 11, 30), DECEMBER, date(2027, 12, 2)):
        with pytest.raises(NoDayToWake, match="Choose a day"):
            planned(day)
    story = planned(date(2027, 12, 1))
    story.to(date(2027, 12, 1))
    assert (story.state.status, amounts(story.documents()[-1])) == ("active", ["3.00"])
    assert "hibernation_ends" not in {kind for kind, _on in story.notices()}, "nobody has to confirm what was chosen"


def test_ec_66_from_tomorrow_on_its_first_day_is_the_one_after() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    with pytest.raises(NoDayToWake):
        story.wish(Hibernate(now=True, until=date(2026, 11, 11)))
    story.wish(Hibernate(now=True, until=date(2026, 11, 12)))
    story.to(date(2026, 11, 12))
    assert story.state.status == "active"
    credited = sum(line.amount.minor for document in story.documents() for line in document.lines)
    waiting = sum(entry.line.amount.minor for entry in story.state.pending)
    fee = 300 * 1 // 30 - round(50 / 30)  # one day of the plan given back, one day of the fee charged
    assert credited + waiting == 300 - fee


def test_another_day_can_be_chosen_and_taken_back_while_it_is_planned_and_while_it_hibernates() -> None:
    story = planned(branches=2)
    story.wish(WakeOn(FEBRUARY))
    assert story.state.planned is not None and story.state.planned.wakes_on == FEBRUARY
    assert (story.notice("wake_planned").wakes_on, story.notice("wake_planned").wakes_for) == (FEBRUARY, gbp("5.00"))
    assert story.wish(WakeOn(FEBRUARY)) == [], "the same day is no news"
    story.to(DECEMBER)
    story.wish(WakeOn(MIDDLE))
    assert (story.state.wakes_on, story.notice("wake_planned").wakes_for) == (MIDDLE, gbp("2.48"))
    story.wish(WakeOn(None))
    assert story.notice("wake_withdrawn") == Notice("wake_withdrawn", DECEMBER, MIDDLE, gbp("0.50"))
    story.to(date(2027, 3, 1))
    assert story.state.status == "hibernating"


def test_who_does_not_hibernate_has_no_day_to_choose_and_a_day_gone_by_is_none() -> None:
    with pytest.raises(NotHibernating):
        Story("pro", NOVEMBER).wish(WakeOn(MIDDLE))
    story = planned(None)
    story.to(date(2026, 12, 10))
    for day in (date(2026, 12, 10), date(2026, 12, 9), date(2027, 12, 2)):
        with pytest.raises(NoDayToWake):
            story.wish(WakeOn(day))


def test_taking_the_hibernation_back_takes_its_day_back() -> None:
    story = planned()
    story.wish(Keep())
    story.to(date(2027, 2, 2))
    assert (story.state.status, story.state.wakes_on) == ("active", None)


def test_waking_by_hand_is_earlier_and_nothing_comes_a_second_time() -> None:
    story = planned(branches=2)
    story.to(date(2027, 1, 10))
    story.wish(Resume())
    assert (story.state.status, story.state.wakes_on) == ("active", None)
    before = len(story.wanted())
    story.to(date(2027, 1, 31))
    assert len(story.wanted()) == before


def test_the_latest_wish_counts_whoever_leaves_does_not_wake_up_first() -> None:
    story = planned()
    story.to(date(2026, 12, 10))
    story.wish(WakeOn(date(2026, 12, 20)))
    story.wish(Cancel())
    assert story.state.wakes_on is None
    with pytest.raises(Conflict, match="Take that back first"):
        story.wish(WakeOn(MIDDLE))
    story.to(date(2027, 1, 1))
    assert story.state.status == "cancelled"
    assert [charge.amount for charge in story.wanted()] == [gbp("3.00"), gbp("0.50")]


def test_declined_it_goes_on_hibernating_is_told_and_is_not_tried_again_by_itself() -> None:
    story = planned()
    story.to(date(2027, 1, 14))
    story.pays = False
    story.to(MIDDLE)
    story.decline()
    assert (story.state.status, story.state.wakes_on, story.notice("resume_declined").amount) == ("hibernating", None, gbp("1.38"))
    asked = len(story.wanted())
    story.to(date(2027, 1, 31))
    assert (story.state.status, len(story.wanted())) == ("hibernating", asked)
    assert story.state.dunning is None, "waking up is no debt"


def test_ec_69_while_the_fee_is_unpaid_the_day_waits_and_the_midnight_after_it_is_paid_it_wakes() -> None:
    story = planned(date(2026, 12, 5))
    story.to(date(2026, 11, 30))
    story.pays = False
    story.to(DECEMBER)
    story.decline()
    story.to(date(2026, 12, 6))
    assert (story.state.status, story.state.wakes_on) == ("hibernating", date(2026, 12, 5))
    story.settle()
    assert story.state.status == "hibernating", "not in the middle of a day"
    story.pays = True
    story.to(date(2026, 12, 7))
    assert (story.state.status, story.state.wakes_on) == ("active", None)


def test_ec_71_a_suspension_takes_the_day_away() -> None:
    story = planned(date(2027, 1, 20))
    story.to(date(2026, 11, 30))
    story.pays = False
    story.to(DECEMBER)
    story.decline()
    story.to(date(2026, 12, 17))
    assert (story.state.status, story.state.wakes_on) == ("suspended", None)
    story.to(date(2027, 1, 21))
    assert story.state.status == "cancelled" or story.state.status == "suspended"
    assert story.of(ListingsChanged) == [ListingsChanged(False)]


def test_while_waking_by_hand_waits_for_its_payment_the_day_waits_too() -> None:
    story = planned()
    story.to(date(2027, 1, 14))
    story.pays = False
    story.wish(Resume())
    asked = len(story.wanted())
    story.to(MIDDLE)
    assert len(story.wanted()) == asked and story.state.awaiting is not None
    story.pays = True
    story.to(date(2027, 1, 17))
    assert (story.state.status, story.state.wakes_on) == ("active", None)


@pytest.mark.parametrize("day", [date(2026, 12, 16), FEBRUARY])
def test_ec_105_a_waiting_downgrade_and_branches_of_the_day_before_count_on_waking(day: date) -> None:
    story = Story("pro", NOVEMBER)
    story.wish(ChooseTier("starter"))
    story.wish(Hibernate(until=day))
    story.to(date.fromordinal(day.toordinal() - 1))
    story.wish(AddBranches(1))
    story.to(day)
    assert (story.state.status, story.state.tier, story.state.planned) == ("active", "starter", None)
    assert story.of(TierChanged) == [TierChanged("pro", "starter", day)]
    assert story.state.branches.billed == 1
    story.to(date(2027, 3, 1))
    assert amounts(story.documents()[-1])[-2:] == ["1.00", "1.00"]


def test_on_a_boundary_a_downgrade_that_no_longer_fits_is_dropped_with_notice() -> None:
    story = Story("pro", NOVEMBER, products=5)
    story.wish(ChooseTier("starter"))
    story.wish(Hibernate(until=FEBRUARY))
    story.products(50)
    story.to(FEBRUARY)
    assert (story.state.status, story.state.tier, story.notice("downgrade_dropped").detail) == ("active", "pro", "starter")


def test_of_what_is_asked_for_and_still_unanswered_the_sum_counts_as_paid() -> None:
    story = planned(None, branches=2)
    story.to(date(2026, 11, 30))
    story.pays = False
    story.to(DECEMBER)
    story.wish(WakeOn(MIDDLE))
    assert story.notice("wake_planned").wakes_for == gbp("2.48")
