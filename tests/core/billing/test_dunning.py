"""Unpaid invoices: the exact days, what is owed, and every way out."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.billing import payment
from core.billing.calendar import BillingZone, boundary, instant_on, local_date
from core.billing.dunning import retry_minute, schedule
from core.billing.effects import RetriesStopped, StateChanged
from core.billing.terms import POLICY
from core.billing.wishes import Cancel
from tests.core.billing.story import Story, behind, gbp, run_declining

NOVEMBER = date(2026, 11, 1)


def test_ec_50_retries_suspension_and_cancellation_by_the_calendar() -> None:
    story = behind()
    assert story.state.status == "past_due"
    retries = run_declining(story, date(2026, 12, 17))
    assert retries == [date(2026, 11, 2), date(2026, 11, 4), date(2026, 11, 8), date(2026, 11, 16)]
    assert [(change.new, change.on) for change in story.of(StateChanged)] == [
        ("past_due", NOVEMBER), ("suspended", date(2026, 11, 17)), ("cancelled", date(2026, 12, 16)),
    ]  # fmt: skip


def test_ec_51_the_schedule_over_a_short_month() -> None:
    days = schedule(date(2027, 1, 31), POLICY)
    assert days.retries == (date(2027, 2, 1), date(2027, 2, 3), date(2027, 2, 7), date(2027, 2, 15))
    assert (days.suspended, days.cancelled) == (date(2027, 2, 16), date(2027, 3, 17))


@given(st.text(min_size=1, max_size=20))
def test_ec_52_retries_over_a_change_of_clocks_stay_between_ten_and_eighteen(key: str) -> None:
    days = schedule(date(2027, 3, 25), POLICY)
    assert days.retries == (date(2027, 3, 26), date(2027, 3, 28), date(2027, 4, 1), date(2027, 4, 9))
    london = BillingZone("Europe/London")
    for attempt, day in enumerate(days.retries, 2):
        minute = retry_minute(key, attempt)
        assert 10 * 60 <= minute < 18 * 60
        assert local_date(instant_on(day, minute, london), london) == day


@given(st.dates(date(2026, 1, 1), date(2040, 1, 1)))
def test_ec_53_the_suspension_comes_before_the_next_boundary(anchor: date) -> None:
    story = behind("starter", boundary(anchor, 1), begins=anchor)
    run_declining(story, schedule(story.state.today, POLICY).suspended)
    assert story.state.status == "suspended"
    assert story.state.today < story.state.period.end
    assert len(story.state.open) == 1


def test_ec_59_a_hard_decline_is_not_retried_and_keeps_its_dates() -> None:
    story = behind(hard=True)
    assert (story.notice("card_refused").on, story.notice("card_refused").detail) == (date(2026, 11, 17), "new card")
    assert run_declining(story, date(2026, 11, 17)) == []
    assert story.state.status == "suspended"


def test_ec_60_a_new_card_is_charged_at_once_and_ends_it() -> None:
    story = behind()
    story.to(date(2026, 11, 6))
    story.take(payment.new_card(story.state))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("3.00")]
    story.settle()
    assert story.of(RetriesStopped)
    assert (story.state.status, story.state.dunning) == ("active", None)
    assert run_declining(story, date(2026, 11, 20)) == []


def test_ec_60_with_a_new_card_the_schedule_goes_on_where_a_hard_decline_had_ended_it() -> None:
    story = behind(hard=True)
    story.to(date(2026, 11, 5))
    story.take(payment.new_card(story.state))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("3.00")]
    assert story.state.dunning is not None and not story.state.dunning.hard
    assert run_declining(story, date(2026, 11, 17)) == [date(2026, 11, 8), date(2026, 11, 16)]


def test_ec_61_a_payment_before_the_suspension_wins() -> None:
    story = behind()
    run_declining(story, date(2026, 11, 16))
    story.take(payment.receive(story.state, story.wanted()[-1].documents, gbp("3.00")))
    story.to(date(2026, 11, 17))
    assert (story.state.status, story.state.balance) == ("active", gbp("0.00"))


def test_ec_62_cancelling_stops_the_retries_and_owes_the_used_days() -> None:
    story = behind()
    story.to(date(2026, 11, 4))
    story.wish(Cancel())
    assert story.of(RetriesStopped, new=True)
    assert run_declining(story, date(2026, 11, 20)) == []
    assert story.state.status == "cancelled"
    assert [owed.due for owed in story.state.open] == [gbp("0.40")]  # four of thirty days


def test_ec_63_a_late_failure_of_what_is_paid_changes_nothing() -> None:
    story = Story("pro", date(2026, 10, 1), pays=False)
    story.to(NOVEMBER)
    charge = story.wanted()[-1]
    story.settle()
    before = story.state
    assert story.take(payment.refuse(story.state, charge.documents)) == []
    assert story.state == before
