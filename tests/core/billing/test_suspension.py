"""Suspension and the ways back: what is owed is what was used, and every way out of it is exact."""

from __future__ import annotations

from datetime import date

from core.billing import payment
from core.billing.effects import ListingsChanged, Notice, Written
from core.billing.wishes import Cancel, ChooseTier, Hibernate, Reactivate
from tests.core.billing.story import Story, amounts, behind, gbp, run_declining, suspended

NOVEMBER = date(2026, 11, 1)


def test_ec_54_a_suspension_owes_the_used_days_only() -> None:
    story = suspended()
    note = story.documents()[-1]
    assert (note.kind, amounts(note), note.on) == ("credit_note", ["-1.40"], date(2026, 11, 17))
    assert ([owed.due for owed in story.state.open], story.state.balance) == ([gbp("1.60")], gbp("0.00"))
    assert story.of(ListingsChanged) == [ListingsChanged(False)]


def test_ec_55_coming_back_in_the_same_period() -> None:
    story = suspended()
    story.to(date(2026, 11, 25))
    story.wish(Reactivate())
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("2.20")]
    assert story.state.status == "suspended"
    story.settle()
    assert (story.state.status, story.state.anchor, story.state.open, story.state.dunning) == ("active", date(2026, 10, 1), (), None)
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["3.00"]


def test_ec_56_coming_back_in_a_later_period() -> None:
    story = suspended(renewal=date(2027, 1, 31), begins=date(2026, 12, 31))
    story.to(date(2027, 3, 3))
    story.wish(Reactivate())
    assert [owed.due for owed in story.state.open] == [gbp("1.71")]
    assert amounts(story.documents()[-1]) == ["2.71"]
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("4.42")]
    assert [line.start for line in story.documents()[-1].lines] == [date(2027, 3, 3)]


def test_a_declined_return_changes_nothing() -> None:
    story = suspended()
    story.wish(Reactivate())
    story.decline()
    assert (story.state.status, [owed.due for owed in story.state.open]) == ("suspended", [gbp("1.60")])


def test_ec_61_a_payment_just_after_it_pays_the_rest_of_the_period() -> None:
    story = suspended()
    story.take(payment.receive(story.state, story.wanted()[-1].documents, gbp("3.00")))
    assert (story.state.status, story.state.balance, story.state.open) == ("active", gbp("0.00"), ())
    assert amounts(story.documents()[-1]) == ["1.40"]


def test_who_takes_the_cancellation_back_is_tried_again() -> None:
    story = behind()
    story.to(date(2026, 11, 3))
    story.wish(Cancel())
    story.wish(ChooseTier("pro"))  # the present plan: nothing is planned any more
    assert run_declining(story, date(2026, 11, 17)) == [date(2026, 11, 4), date(2026, 11, 8), date(2026, 11, 16)]
    assert story.state.status == "suspended"


def test_a_debt_of_who_cancelled_is_written_off_on_its_day() -> None:
    story = behind()
    story.to(date(2026, 11, 4))
    story.wish(Cancel())
    story.to(date(2026, 12, 15))
    assert story.of(Written) == []
    story.to(date(2026, 12, 16))
    assert story.of(Written) == [Written("bad_debt", gbp("0.40"), (2,))]


def test_who_planned_to_go_and_does_not_pay_goes_at_once() -> None:
    story = Story("pro", date(2026, 10, 1), pays=False)
    story.to(NOVEMBER)
    story.wish(Cancel())  # while the charge is on its way: at the period's end
    assert story.state.planned is not None and story.state.planned.on is None
    story.decline()
    story.to(date(2026, 11, 2))
    assert (story.state.status, [owed.due for owed in story.state.open]) == ("cancelled", [gbp("0.10")])


def test_a_debt_that_became_too_little_is_carried_and_nobody_is_behind() -> None:
    story = behind()
    story.take(payment.receive(story.state, (2,), gbp("2.80")))
    assert story.state.status == "past_due"
    story.to(date(2026, 11, 2))
    assert (story.state.status, story.wanted(new=True), story.state.dunning) == ("active", [], None)
    story.to(date(2026, 12, 1))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("3.20")]


def test_ec_71_an_unpaid_hibernation_is_suspended_on_the_sixteenth_day() -> None:
    story = Story("pro", date(2026, 10, 1), pays=False)
    story.wish(Hibernate())
    story.to(NOVEMBER)
    story.decline()
    assert story.state.status == "hibernating"
    run_declining(story, date(2026, 11, 17))
    assert (story.state.status, [owed.due for owed in story.state.open]) == ("suspended", [gbp("0.27")])
    run_declining(story, date(2026, 12, 16))
    assert story.state.status == "cancelled"
    assert story.notice("cancelled").on == date(2027, 3, 16)


def test_ec_89_a_bad_debt_is_written_off_without_a_credit_note() -> None:
    story = suspended()
    notes = len(story.documents())
    story.to(date(2026, 12, 16))
    assert (story.of(Written), len(story.documents())) == ([Written("bad_debt", gbp("1.60"), (2,))], notes)
    assert story.state.open == ()


def test_nobody_is_suspended_without_having_been_told_when() -> None:
    story = suspended()
    told = [(notice.kind, notice.on, notice.amount) for notice in story.of(Notice) if notice.kind != "renewal_ahead"]
    assert told == [
        ("payment_failed", date(2026, 11, 2), gbp("3.00")), ("payment_failed", date(2026, 11, 4), gbp("3.00")),
        ("payment_failed", date(2026, 11, 8), gbp("3.00")), ("payment_failed", date(2026, 11, 16), gbp("3.00")),
        ("suspension_ahead", date(2026, 11, 17), gbp("3.00")), ("payment_failed", date(2026, 11, 17), gbp("3.00")),
        ("suspended", date(2026, 12, 16), gbp("1.60")),
    ]  # fmt: skip


def test_a_return_too_small_for_the_gateway_counts_at_once_and_is_carried() -> None:
    story = suspended("starter", renewal=date(2026, 11, 28), begins=date(2026, 10, 28))
    assert story.state.today == date(2026, 12, 14)
    story.change(open=())
    story.to(date(2026, 12, 27))
    story.wish(Reactivate())  # one day of thirty: 0.03
    assert (story.state.status, story.wanted(new=True)) == ("active", [])
    story.to(date(2026, 12, 28))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("1.03")]
