"""What the card says: nothing that came is lost, a draft that is dropped leaves everything as it was, a draft is never credited."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing import payment
from core.billing.documents import CreditExceedsInvoice, void
from core.billing.effects import BalanceMoved, Dropped, Finalised, Notice, Paid
from core.billing.wishes import Cancel, ChooseTier, Reactivate
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def unanswered(*, balance: str = "0.00") -> Story:
    """A charge for two branches that the card has not answered yet."""
    story = Story("starter", NOVEMBER, pays=False)
    story.change(balance=gbp(balance))
    story.to(date(2026, 11, 11))
    story.branches(2)
    story.to(date(2026, 11, 12))
    return story


def test_a_dropped_draft_gives_back_what_it_took_of_the_balance() -> None:
    story = unanswered(balance="0.50")
    assert (story.wanted()[-1].amount, story.state.balance) == (gbp("0.83"), gbp("0.00"))
    story.decline()
    assert (story.state.balance, [moved.amount for moved in story.of(BalanceMoved)]) == (gbp("0.50"), [gbp("-0.50"), gbp("0.50")])
    story.to(date(2026, 12, 1))
    assert (amounts(story.documents()[-1]), story.wanted()[-1].amount) == (["1.33", "1.00", "2.00"], gbp("3.83"))


def test_a_draft_has_no_number_and_is_never_credited() -> None:
    story = unanswered()
    with pytest.raises(CreditExceedsInvoice, match="not final"):
        void(story.state, 2)
    story.branches(-2)
    story.to(date(2026, 11, 13))
    assert [document.kind for document in story.documents()] == ["invoice", "invoice"]
    story.settle()  # now it is final, and what waited is given back
    assert (story.documents()[-1].kind, story.state.balance) == ("credit_note", gbp("1.26"))


def test_a_draft_that_is_dropped_takes_its_credits_with_it() -> None:
    story = unanswered()
    story.branches(-2)
    story.to(date(2026, 11, 13))
    story.decline()
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["1.33", "-1.26", "1.00"]


def test_less_than_was_asked_for_goes_with_the_next_charge() -> None:
    story = unanswered()
    story.take(payment.receive(story.state, story.wanted()[-1].documents, gbp("1.00")))
    assert story.of(Finalised)[-1] == Finalised(2)
    assert ([owed.due for owed in story.state.open], story.state.status) == ([gbp("0.33")], "active")
    story.to(date(2026, 12, 1))
    assert story.wanted()[-1].amount == gbp("3.33")


def test_a_part_of_a_debt_leaves_a_debt() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    story.take(payment.receive(story.state, (2,), gbp("1.00")))
    assert ([owed.due for owed in story.state.open], story.state.status) == ([gbp("2.00")], "past_due")


def test_what_stops_lets_go_of_what_was_not_paid() -> None:
    story = unanswered()
    story.wish(Cancel(now=True))
    story.to(date(2026, 11, 13))
    # the unused days of the plan come back, 0.60; two days of two branches, 0.13, are taken of that
    assert Dropped(2) in story.of(Dropped)
    assert (story.state.status, story.state.open, story.state.balance) == ("cancelled", (), gbp("0.47"))
    story.take(payment.receive(story.state, (2,), gbp("1.33")))
    assert story.state.balance == gbp("1.80")


def test_money_that_comes_twice_is_balance() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.to(date(2026, 12, 1))
    story.settle()
    story.settle()
    assert story.state.balance == gbp("3.00")
    assert len([paid for paid in story.of(Paid) if paid.document == 2]) == 1


def test_a_return_that_costs_nothing_is_final_at_once() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    story.to(date(2026, 12, 17))
    story.take(payment.receive(story.state, (2,), story.state.open[0].due))
    story.change(balance=gbp("5.00"))
    story.wish(Reactivate())
    assert (story.state.status, story.state.balance) == ("active", gbp("3.55"))  # 15 of 31 days: 1.45
    assert story.of(Finalised)[-1] == Finalised(story.documents()[-1].number)


def test_a_charge_that_is_still_to_be_answered_is_not_asked_for_twice() -> None:
    story = Story("starter", NOVEMBER, pays=False)
    story.change(balance=gbp("0.80"))
    story.to(date(2026, 12, 1))
    assert [owed.standing for owed in story.state.open] == ["carried"]  # 0.20
    story.branches(2)
    story.to(date(2026, 12, 2))
    assert (story.wanted()[-1].documents, story.wanted()[-1].amount) == ((3, 2), gbp("2.20"))
    story.branches(2)
    story.to(date(2026, 12, 3))
    assert (story.wanted()[-1].documents, story.wanted()[-1].amount) == ((4,), gbp("1.94"))


def test_the_balance_can_end_a_dunning() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    story.change(balance=gbp("3.00"))
    story.take(payment.pay_from_balance(story.state))
    assert (story.state.status, story.state.open, story.state.balance) == ("active", (), gbp("0.00"))
    assert story.of(Notice)[-1].kind == "recovered"


def test_an_upgrade_is_refused_to_nobody_who_has_paid() -> None:
    story = Story("pro", NOVEMBER, pays=False)
    story.to(date(2026, 12, 1))
    story.settle()
    story.wish(ChooseTier("enterprise"))
    story.settle()
    assert story.state.tier == "enterprise"
