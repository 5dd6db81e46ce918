"""Sellers who would charge more, or sooner, than somebody has read and agreed to; and buyers whose names break what is printed."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from core.kernel.money import Money
from core.memberships import member as acts
from core.memberships.plans import PlanTerms, change_plan
from tests.core.billing.kept import at
from tests.core.memberships.joined import Joined, make_gym, plan_named, sell
from tests.core.subscriptions.plans import Moment
from tests.factories import Shop, again

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def gym(app: Flask) -> Shop:
    return make_gym(app)


def reprice(gym: Shop, name: str, price: str, on: date, trial_days: int = 0) -> None:

    with Moment(gym.app, at(on)):
        terms = PlanTerms(name, Money.of(price, "GBP"), "", trial_days)
        change_plan(gym.vendor, again(plan_named(gym, name)), terms=terms, by=gym.user.public_id)


def test_free_days_that_were_read_are_free_or_nothing_is_charged(gym: Shop) -> None:
    sell(gym, "Try", "20.00", trial_days=30)
    ada = Joined(gym, NOVEMBER, "Try", card=False)
    reprice(gym, "Try", "20.00", NOVEMBER)
    ada.save_card(NOVEMBER)
    member = ada.fresh()
    assert (member.state, member.subscription_id, member.tries) == ("asked", None, 2)
    bob = Joined(gym, NOVEMBER, "Try")
    assert bob.fresh().state == "joined" and [charge.amount_minor for charge in bob.charges()] == [2000]


def test_more_free_days_than_were_read_are_no_reason_to_ask_anew(gym: Shop) -> None:
    sell(gym, "Try", "20.00", trial_days=7)
    ada = Joined(gym, NOVEMBER, "Try", card=False)
    reprice(gym, "Try", "20.00", NOVEMBER, trial_days=30)
    ada.save_card(NOVEMBER)
    assert ada.fresh().trial_days == 30 and ada.row().status == "trialing"


def test_a_price_raised_after_the_next_charge_was_told_counts_a_month_later(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    ada.to(date(2026, 11, 29))  # told three days ahead: 10.00 on 1 December
    reprice(gym, "Basic", "999.00", date(2026, 11, 29))
    ada.to(date(2026, 12, 2))
    assert ada.paid() == [1000, 1000]
    ada.to(date(2027, 1, 2))  # and told again in December, with the new one
    assert ada.paid() == [1000, 1000, 99900]


def test_a_plan_is_offered_for_what_it_will_cost(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER, "Gold")
    ada.answer(NOVEMBER)
    reprice(gym, "Basic", "29.00", date(2026, 11, 10))
    ada.to(date(2026, 11, 12))
    with ada.unit(date(2026, 11, 12)):
        (choice,) = acts.list_choices(gym.vendor, ada.row())
    assert (choice.plan.name, choice.monthly.minor, choice.upward) == ("Basic", 2900, False)


def test_a_price_that_falls_after_it_was_told_counts_at_once(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    ada.to(date(2026, 11, 29))
    reprice(gym, "Basic", "8.00", date(2026, 11, 29))
    ada.to(date(2026, 12, 2))
    assert ada.paid() == [1000, 800]


def test_the_first_charge_after_free_days_is_the_one_that_was_told(gym: Shop) -> None:
    """Raised in the last days of the trial: the price that was told. Raised before: the new one, which the notice says."""
    sell(gym, "Try", "20.00", trial_days=14)
    ada, bob = Joined(gym, NOVEMBER, "Try"), Joined(gym, date(2026, 11, 9), "Try")
    ada.to(date(2026, 11, 13))
    bob.to(date(2026, 11, 13))
    reprice(gym, "Try", "50.00", date(2026, 11, 13), trial_days=14)
    ada.to(date(2026, 11, 16))
    bob.to(date(2026, 11, 24))
    assert (ada.paid(), bob.paid()) == ([2000], [5000])
