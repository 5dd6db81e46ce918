"""Changing the plan: paid first upwards, at the period's end or now downwards, and one waiting change at most."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing import payment
from core.billing.change import PlanCannotChange, ProductsDoNotFit
from core.billing.effects import ChargeWanted, Drafted, Dropped, Finalised, Notice, TierChanged
from core.billing.gate import PaymentPending
from core.billing.lines import total
from core.billing.midnight import lapse
from core.billing.subscription import Planned
from core.billing.terms import NoSuchTier
from core.billing.wishes import Cancel, ChooseTier, Hibernate
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def on(tier: str, day: int, *, pays: bool = True) -> Story:
    story = Story(tier, NOVEMBER, pays=pays)
    story.to(date(2026, 11, day))
    return story


def test_ec_23_an_upgrade_while_the_renewal_is_unpaid_is_refused() -> None:
    story = on("starter", 20, pays=False)
    story.to(date(2026, 12, 1))
    with pytest.raises(PaymentPending, match="is being paid"):
        story.wish(ChooseTier("pro"))
    story.decline()
    assert story.state.status == "past_due"
    with pytest.raises(PaymentPending, match="Pay the open invoice first"):
        story.wish(ChooseTier("pro"))


def test_ec_23_a_downgrade_now_is_written_down_on_the_unpaid_invoice() -> None:
    story = on("pro", 20, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    story.wish(ChooseTier("starter", now=True))
    assert story.state.balance == gbp("0.00")
    assert [owed.due for owed in story.state.open] == [gbp("1.00")]
    story.to(date(2026, 12, 2))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("1.00")]


def test_what_was_written_down_and_charged_anew_stays_a_debt_when_it_is_suspended() -> None:
    story = on("pro", 20, pays=False)
    story.to(date(2026, 12, 1))
    story.decline()
    story.to(date(2026, 12, 11))
    story.wish(ChooseTier("starter", now=True))
    story.to(date(2026, 12, 17))
    assert story.state.status == "suspended"
    # ten days of Pro and six of Starter out of 31: 0.97 and 0.19, each rounded on its own line
    assert ([owed.due for owed in story.state.open], story.state.balance) == ([gbp("1.16")], gbp("0.00"))


def test_ec_25_a_declined_upgrade_changes_nothing_and_is_kept_for_a_link() -> None:
    story = on("starter", 16, pays=False)
    story.wish(ChooseTier("pro"))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("1.00")]
    story.decline()
    assert (story.state.tier, story.state.plan.limit, story.state.status) == ("starter", 10, "active")
    assert story.state.awaiting is not None
    story.take(lapse(story.state))
    assert story.state.awaiting is None
    assert not story.of(Finalised, new=True) and story.of(Dropped, new=True)
    assert {effect.document.until for effect in story.of(Drafted)[1:]} == {"paid"}


def test_a_held_upgrade_is_quoted_anew_at_midnight_and_paid_at_that_price() -> None:
    story = on("starter", 11, pays=False)
    story.wish(ChooseTier("enterprise"))
    assert story.wanted(new=True)[0].amount == gbp("2.66")
    story.decline()
    story.to(date(2026, 11, 12))
    assert story.notice("change_requoted").amount == gbp("2.54")  # -0.63 + 3.17
    assert not story.wanted(new=True)  # nobody charges by itself what was declined
    document = story.state.awaiting.document  # type: ignore[union-attr]
    story.take(payment.receive(story.state, (document.number,), gbp("2.54")))
    assert (story.state.tier, amounts(document)) == ("enterprise", ["-0.63", "3.17"])


def test_money_for_a_draft_of_yesterday_still_pays_the_upgrade_and_the_rest_is_balance() -> None:
    story = on("starter", 11, pays=False)
    story.wish(ChooseTier("enterprise"))
    charge = story.wanted(new=True)[0]
    story.to(date(2026, 11, 12))
    story.take(payment.receive(story.state, charge.documents, charge.amount))
    assert (story.state.tier, story.state.balance) == ("enterprise", gbp("0.12"))


def test_money_for_an_upgrade_that_lapsed_still_brings_it() -> None:
    story = on("starter", 11, pays=False)
    story.wish(ChooseTier("pro"))
    charge = story.wanted(new=True)[0]
    story.take(lapse(story.state))
    story.take(payment.receive(story.state, charge.documents, charge.amount))
    assert (story.state.tier, story.state.balance) == ("pro", gbp("0.00"))


def test_a_held_upgrade_does_not_outlive_the_period() -> None:
    story = on("starter", 1, pays=False)
    story.to(date(2026, 11, 15))
    story.wish(ChooseTier("pro"))
    story.to(date(2026, 12, 1))
    assert (story.state.awaiting, story.state.tier) == (None, "starter")
    assert amounts(story.documents(new=True)[-1]) == ["1.00"]


def test_ec_26_a_downgrade_waits_for_the_periods_end() -> None:
    story = on("enterprise", 10)
    assert story.wish(ChooseTier("pro")) == [Notice("change_planned", date(2026, 11, 10), date(2026, 12, 1), gbp("3.00"), "pro")]
    assert story.wish(ChooseTier("pro")) == [], "the same wish again is no news"
    story.to(date(2026, 12, 1))
    assert [amounts(document) for document in story.documents()] == [["5.00"], ["3.00"]]


def test_ec_27_a_downgrade_now_gives_its_credit_to_the_balance() -> None:
    story = on("pro", 16)
    story.products(8)
    story.wish(ChooseTier("starter", now=True))
    note = story.documents()[-1]
    assert (note.kind, amounts(note), note.gross, story.state.balance) == ("credit_note", ["-1.50", "0.50"], gbp("-1.00"), gbp("1.00"))
    story.to(date(2026, 12, 1))
    assert (amounts(story.documents()[-1]), story.wanted(new=True), story.state.balance) == (["1.00"], [], gbp("0.00"))


def test_ec_28_a_downgrade_that_does_not_fit_is_dropped_with_notice() -> None:
    story = on("pro", 10)
    story.products(50)
    story.wish(ChooseTier("starter"))
    story.to(date(2026, 12, 1))
    assert (story.state.tier, story.state.planned, story.state.products.hidden) == ("pro", None, 0)
    assert story.notice("downgrade_dropped").sent_on == date(2026, 12, 1)
    assert amounts(story.documents()[-1]) == ["3.00"]


def test_a_downgrade_now_that_does_not_fit_is_refused() -> None:
    story = on("pro", 10)
    story.products(50)
    with pytest.raises(ProductsDoNotFit):
        story.wish(ChooseTier("starter", now=True))


def test_ec_29_the_present_plan_clears_the_waiting_change() -> None:
    story = on("enterprise", 10)
    story.wish(ChooseTier("pro"))
    story.wish(ChooseTier("starter"))
    assert story.state.planned == Planned("tier", "starter")
    assert story.wish(ChooseTier("enterprise")) == [Notice("plan_kept", date(2026, 11, 10), date(2026, 12, 1), detail="tier")]
    assert story.state.planned is None
    story.to(date(2026, 12, 1))
    assert not story.of(TierChanged)


def test_the_latest_wish_replaces_what_is_held() -> None:
    story = on("starter", 11, pays=False)
    story.wish(ChooseTier("pro"))
    story.wish(ChooseTier("enterprise"))
    assert len(story.of(Dropped, new=True)) == 1
    assert [charge.amount for charge in story.of(ChargeWanted, new=True)] == [gbp("2.66")]


def test_small_amounts_that_add_up_are_charged() -> None:
    story = on("starter", 20)
    story.wish(ChooseTier("pro"))  # -0.37 + 1.10 = 0.73 waits
    assert not story.wanted(new=True)
    story.branches(1)
    story.to(date(2026, 11, 21))  # 0.37 more: 1.10 in all
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("1.10")]
    assert amounts(story.documents()[-1]) == ["-0.37", "1.10", "0.37"]


def test_ec_87_a_net_of_zero_waits_as_pending_lines() -> None:
    story = on("starter", 30)
    story.wish(ChooseTier("pro"))
    before = len(story.documents())
    story.wish(ChooseTier("starter", now=True))  # what was never invoiced is corrected where it waits
    assert len(story.documents()) == before
    assert sum(entry.line.amount.minor for entry in story.state.pending) == 0
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["-0.03", "0.10", "-0.10", "0.03", "1.00"]


def test_what_cannot_be_changed_is_refused_by_name() -> None:
    story = on("starter", 10)
    with pytest.raises(NoSuchTier):
        story.wish(ChooseTier("gold"))
    story.wish(Cancel(now=True))
    story.to(date(2026, 11, 11))
    with pytest.raises(PlanCannotChange):
        story.wish(ChooseTier("pro"))


def test_whoever_hibernates_keeps_a_waiting_downgrade_until_waking_up() -> None:
    story = on("pro", 10)
    story.wish(ChooseTier("starter"))
    story.wish(Hibernate())
    story.to(date(2027, 1, 1))
    assert (story.state.status, story.state.tier, story.state.planned) == ("hibernating", "pro", Planned("tier", "starter"))


@pytest.mark.parametrize(("first", "second"), [(3, 5), (5, 6)])
def test_ec_18_there_and_back_on_one_day_costs_nothing_after_an_earlier_change_either(first: int, second: int) -> None:
    # Pro was debited for a part of January: worked out anew from the list price, going back to it would be a penny off, either way.
    story = Story("starter", date(2027, 1, 1))
    story.to(date(2027, 1, first))
    story.wish(ChooseTier("pro"))
    story.to(date(2027, 1, second))
    before = story.state.next_line
    story.wish(ChooseTier("starter", now=True))
    story.wish(ChooseTier("pro"))
    made = [entry.line for entry in story.state.entries if entry.line.number >= before]
    assert len(made) == 4 and total(made, "GBP") == gbp("0.00")


def test_ec_100_an_upgrade_that_leaves_the_card_too_little_counts_at_once_and_asks_it_for_nothing() -> None:
    story = on("starter", 11)
    story.change(balance=gbp("1.20"))
    story.wish(ChooseTier("pro"))  # 1.33: the balance pays 1.20, and 0.13 is below what the gateway takes
    assert (story.state.tier, story.state.awaiting, story.state.balance) == ("pro", None, gbp("0.00"))
    assert story.wanted(new=True) == [] and [owed.due for owed in story.state.open] == [gbp("0.13")]


def test_whether_a_change_is_small_is_asked_of_its_net_not_of_its_tax() -> None:
    story = Story("starter", NOVEMBER, tax_bps=2_000)
    story.to(date(2026, 11, 17))
    story.wish(ChooseTier("pro"))  # 0.93, with tax 1.12
    assert story.state.tier == "pro" and story.wanted(new=True) == []
    assert [entry.line.amount for entry in story.state.pending] == [gbp("-0.47"), gbp("1.40")]
