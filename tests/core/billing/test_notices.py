"""What a merchant is told before it happens: the renewal to the penny, what was planned, and until when; nothing twice, nothing in vain."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.effects import Notice
from core.billing.renew import Offer, ask_currency
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, Cancel, ChooseTier, ConfirmResume, Hibernate, Keep
from core.kernel.money import Money
from tests.core.billing.story import Story, behind, gbp, suspended
from tests.core.billing.test_fx import rate

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def ahead(story: Story) -> list[tuple[date, date | None, Money | None, str]]:
    return [(told.sent_on, told.on, told.amount, told.detail) for told in story.of(Notice) if told.kind == "renewal_ahead"]


@pytest.mark.parametrize(
    ("wishes", "amount", "detail"),
    [
        ([], "3.00", "pro"),
        ([AddBranches(2)], "5.00", "pro"),
        ([ChooseTier("starter")], "1.00", "starter"),
        ([Hibernate()], "0.50", "hibernation"),
        ([ChooseTier("enterprise")], "5.00", "enterprise"),
    ],
)
def test_a_renewal_is_told_three_days_ahead_and_is_what_the_card_is_asked_for(wishes: list, amount: str, detail: str) -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    for wish in wishes:
        story.wish(wish)
    story.to(DECEMBER)
    assert ahead(story) == [(date(2026, 11, 28), DECEMBER, gbp(amount), detail)]
    assert [(charge.on, charge.amount) for charge in story.wanted(new=True) if charge.on == DECEMBER] == [(DECEMBER, gbp(amount))]


def test_a_balance_that_pays_the_renewal_is_told_as_nothing_to_charge() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))  # 1.00 comes back
    story.to(DECEMBER)
    assert ahead(story) == [(date(2026, 11, 28), DECEMBER, gbp("0.00"), "starter")] and story.state.balance == gbp("0.00")


def test_who_leaves_is_told_of_no_renewal_nor_is_who_is_behind() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    story.wish(Cancel())
    story.to(DECEMBER)
    assert ahead(story) == []
    late = suspended()
    late.to(DECEMBER)
    assert [told for told in ahead(late) if told[0] > date(2026, 11, 1)] == []


def test_the_end_that_is_planned_is_told_once_with_the_last_day_of_export_and_taken_back_once() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    assert story.wish(Cancel()) == [Notice("cancel_planned", date(2026, 11, 10), DECEMBER, until=date(2027, 3, 1))]
    assert story.wish(Cancel()) == []
    assert story.wish(Keep()) == [Notice("plan_kept", date(2026, 11, 10), DECEMBER, detail="cancel")]
    assert story.wish(Keep()) == []


def test_who_owes_and_leaves_is_told_what_is_unpaid_and_that_it_ends_tomorrow() -> None:
    story = behind()
    story.wish(Cancel())
    assert story.notice("cancel_planned") == Notice(
        "cancel_planned", NOVEMBER, date(2026, 11, 2), gbp("3.00"), until=date(2027, 1, 31)
    )  # fmt: skip


def test_hibernation_that_is_planned_is_told_with_its_day_and_its_fee() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2_000)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate())
    assert story.notice("hibernation_planned") == Notice("hibernation_planned", date(2026, 11, 10), DECEMBER, gbp("0.60"))
    story.wish(Hibernate(now=True))
    assert story.notice("hibernation_planned").on == date(2026, 11, 11)


def test_each_refusal_of_the_card_says_until_when_service_goes_on() -> None:
    story = suspended()
    assert {told.until for told in story.of(Notice) if told.kind == "payment_failed"} == {date(2026, 11, 17)}
    assert (story.notice("suspension_ahead").until, story.notice("suspended").until) == (date(2026, 12, 16), date(2026, 12, 16))


def test_a_trial_is_told_with_the_tax_it_will_cost() -> None:
    story = Story("pro", NOVEMBER, trial_days=14, tax_bps=2_000)
    assert story.notice("trial_began") == Notice("trial_began", NOVEMBER, date(2026, 11, 15), gbp("3.60"))


def test_another_currency_is_told_with_its_price_on_the_day_it_counts() -> None:
    story = Story("pro", NOVEMBER)
    story.offer = Offer(POLICY, (rate("1.2500", "USD", on=date(2026, 11, 30)),))
    story.take(ask_currency(story.state, "USD", story.offer))
    story.to(DECEMBER)
    assert story.notice("currency_changed") == Notice("currency_changed", DECEMBER, DECEMBER, Money.of("3.75", "USD"), "USD")


def test_a_hibernation_that_ends_is_told_of_no_renewal_unless_it_is_confirmed() -> None:
    story = Story("pro", NOVEMBER)
    story.wish(Hibernate())
    story.to(date(2027, 11, 2))
    kept = story.state
    story.to(date(2027, 12, 1))
    assert story.state.status == "cancelled" and not [told for told in ahead(story) if told[1] == date(2027, 12, 1)]
    story.state = kept
    story.wish(ConfirmResume())
    story.to(date(2027, 12, 1))
    told = story.notice("wake_ahead")
    assert (told.sent_on, told.wakes_on, told.wakes_for) == (date(2027, 11, 28), date(2027, 12, 1), gbp("3.00"))
    assert ahead(story)[-1][1] != date(2027, 12, 1), "told once"
