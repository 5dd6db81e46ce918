"""Hibernation: who pays which day, what comes back, and no way to escape a debt."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.effects import ListingsChanged, Notice, StateChanged
from core.billing.gate import PaymentPending
from core.billing.hibernate import CannotHibernate, NotHibernating
from core.billing.subscription import Dunning, Open
from core.billing.wishes import ChooseTier, ConfirmResume, Hibernate, Resume
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def asleep(tier: str = "pro", *, branches: int = 0) -> Story:
    """Hibernating since the first of December."""
    story = Story(tier, NOVEMBER, branches=branches)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate())
    story.to(date(2026, 12, 1))
    return story


def test_ec_64_it_begins_at_the_periods_end_for_the_fee_alone() -> None:
    story = Story("pro", NOVEMBER, branches=2)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate())
    story.to(date(2026, 11, 30))
    assert story.state.status == "active"
    story.to(date(2026, 12, 1))
    assert (story.state.status, amounts(story.documents()[-1])) == ("hibernating", ["0.50"])
    assert story.of(ListingsChanged) == [ListingsChanged(False)]
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("0.50")]


def test_ec_65_waking_up_inside_a_period() -> None:
    story = asleep(branches=2)
    story.to(date(2027, 1, 15))
    story.wish(Resume())
    document = story.documents()[-1]
    assert (amounts(document), document.net) == (["-0.27", "1.65", "1.10"], gbp("2.48"))
    assert (story.state.status, story.state.anchor) == ("active", NOVEMBER)
    story.to(date(2027, 2, 1))
    assert amounts(story.documents()[-1]) == ["3.00", "2.00"]


def test_ec_66_now_means_the_next_midnight_and_today_stays_a_paid_day() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate(now=True))
    assert story.state.status == "active"
    story.to(date(2026, 11, 11))
    assert (story.state.status, amounts(story.documents()[-1]), story.state.balance) == ("hibernating", ["-2.00", "0.33"], gbp("1.67"))


def test_ec_67_waking_up_on_the_first_day_gives_the_fee_back_in_full() -> None:
    story = asleep()
    story.wish(Resume())
    assert amounts(story.documents()[-1]) == ["-0.50", "3.00"]
    assert story.of(ListingsChanged)[-1] == ListingsChanged(True)


def test_waking_up_waits_for_its_payment() -> None:
    story = asleep()
    story.pays = False
    story.to(date(2027, 1, 15))
    story.change(open=())
    story.wish(Resume())
    story.decline()
    assert (story.state.status, story.notice("resume_declined").amount) == ("hibernating", gbp("1.38"))
    story.settle()
    assert story.state.status == "active"


def test_ec_69_it_is_no_way_out_of_a_debt() -> None:
    story = Story("starter", NOVEMBER)
    story.pays = False
    story.wish(ChooseTier("pro"))
    with pytest.raises(CannotHibernate, match="waiting for its payment"):
        story.wish(Hibernate())
    story.to(date(2026, 12, 1))
    with pytest.raises(CannotHibernate, match="is being paid"):
        story.wish(Hibernate())
    story.decline()
    with pytest.raises(CannotHibernate, match="Pay the open invoice"):
        story.wish(Hibernate())
    story.to(date(2026, 12, 17))
    assert story.state.status == "suspended"
    with pytest.raises(CannotHibernate, match="Pay the open invoice"):
        story.wish(Hibernate())


def test_a_planned_hibernation_is_dropped_when_something_is_owed_on_its_day() -> None:
    story = Story("starter", NOVEMBER)
    story.pays = False
    story.wish(Hibernate())
    story.to(date(2026, 11, 30))
    story.change(open=(Open(1, "renewal", gbp("1.00"), "final"),), dunning=Dunning(date(2026, 11, 29)), status="past_due")
    story.to(date(2026, 12, 1))
    assert story.notice("hibernation_dropped").sent_on == date(2026, 12, 1)
    assert (story.state.status, story.state.planned) == ("past_due", None)


def test_waking_up_is_refused_while_the_fee_is_unpaid() -> None:
    story = Story("pro", NOVEMBER)
    story.wish(Hibernate())
    story.pays = False
    story.to(date(2026, 12, 1))
    story.decline()
    with pytest.raises(PaymentPending):
        story.wish(Resume())


def test_ec_72_after_twelve_months_it_ends_unless_waking_up_was_confirmed() -> None:
    story = asleep()
    story.to(date(2027, 11, 1))
    assert (story.notice("hibernation_ends").sent_on, story.notice("hibernation_ends").on) == (date(2027, 11, 1), date(2027, 12, 1))
    story.to(date(2027, 12, 1))
    assert (story.state.status, story.wanted(new=True)) == ("cancelled", [])
    assert story.of(StateChanged)[-1] == StateChanged("hibernating", "cancelled", date(2027, 12, 1))


def test_ec_72_confirmed_it_wakes_up_and_is_billed_the_plan() -> None:
    story = asleep(branches=1)
    story.to(date(2027, 11, 5))
    story.wish(ConfirmResume())
    story.to(date(2027, 12, 1))
    assert (story.state.status, amounts(story.documents()[-1])) == ("active", ["3.00", "1.00"])


def test_begun_inside_a_period_it_ends_with_the_twelfth() -> None:
    story = Story("pro", date(2027, 1, 31))
    story.to(date(2027, 2, 10))
    story.wish(Hibernate(now=True))
    story.to(date(2028, 1, 30))
    assert story.state.status == "hibernating"
    story.to(date(2028, 1, 31))
    assert story.state.status == "cancelled"
    assert [notice.sent_on for notice in story.of(Notice) if notice.kind == "hibernation_ends"] == [date(2027, 12, 31)]


def test_a_waiting_downgrade_counts_on_waking_up() -> None:
    story = Story("pro", NOVEMBER)
    story.wish(ChooseTier("starter"))
    story.wish(Hibernate())
    story.to(date(2026, 12, 16))
    story.wish(Resume())
    waiting = [entry.line for entry in story.state.pending]
    assert (story.state.tier, story.state.planned, [line.amount for line in waiting]) == ("starter", None, [gbp("-0.26"), gbp("0.52")])


def test_who_is_awake_cannot_wake_up() -> None:
    with pytest.raises(NotHibernating):
        Story("pro", NOVEMBER).wish(Resume())
