"""Branches: one line for a local day, credits on what was debited, and no branch for free by coming and going."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.branches import BranchesBlocked, NoFewerBranches
from core.billing.lines import BRANCH
from core.billing.wishes import ChooseTier
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def november(day: int) -> date:
    return date(2026, 11, day)


def begun(tier: str = "starter", *, pays: bool = True, branches: int = 0) -> Story:
    return Story(tier, NOVEMBER, pays=pays, branches=branches)


def branch_amounts(story: Story) -> list[str]:
    """What branches came to line by line, whether invoiced or still waiting."""
    lines = [entry.line for entry in story.state.entries if entry.line.item == BRANCH]
    return [line.amount.decimal_text for line in lines]


def test_ec_40_a_day_of_coming_and_going_is_one_line() -> None:
    story = begun()
    story.to(november(11))
    story.branches(3)
    story.branches(-1)
    story.to(november(12))
    (line,) = story.documents()[-1].lines
    assert (line.quantity, line.days, line.of_days, line.amount) == (2, 20, 30, gbp("1.33"))
    assert story.documents()[-1].on == november(11)


def test_ec_41_added_and_removed_on_one_day_is_nothing() -> None:
    story = begun()
    story.to(november(11))
    story.branches(1)
    story.branches(-1)
    assert story.to(november(12)) == []
    assert branch_amounts(story) == []


def test_ec_42_three_days_of_toggling_are_free_then_each_costs_its_peak() -> None:
    story = begun("enterprise")
    for day in range(2, 12):
        story.to(november(day))
        story.branches(2)
        story.branches(-2)
    story.to(november(12))
    assert branch_amounts(story) == ["0.07"] * 7  # two branches for one of thirty days
    story.to(date(2026, 12, 1))
    for day in (1, 2, 3):
        story.to(date(2026, 12, day))
        story.branches(1)
        story.branches(-1)
    story.to(date(2026, 12, 4))
    assert branch_amounts(story)[-1] == "0.07"  # a new period, three new free days


def test_ec_43_midnight_parts_two_batches() -> None:
    story = begun()
    story.to(november(11))
    story.branches(1)
    story.to(november(12))
    story.branches(1)
    story.to(november(13))
    assert branch_amounts(story) == ["0.67", "0.63"]


def test_ec_44_a_removal_credits_what_was_debited() -> None:
    story = begun()
    story.to(november(11))
    story.branches(1)
    story.to(november(21))
    story.branches(-1)
    story.to(november(22))
    assert branch_amounts(story) == ["0.67", "-0.34"]
    assert sum(entry.line.amount.minor for entry in story.state.pending) == 33  # never invoiced: it is corrected where it waits


def test_ec_44_what_was_paid_comes_back_as_balance() -> None:
    story = begun(branches=2)
    story.to(november(21))
    story.branches(-1)
    story.to(november(22))
    assert (story.documents()[-1].kind, amounts(story.documents()[-1]), story.state.balance) == ("credit_note", ["-0.33"], gbp("0.33"))


def test_ec_45_a_plan_change_and_a_branch_of_one_day_are_one_invoice() -> None:
    story = begun()
    story.to(november(11))
    story.branches(1)
    story.wish(ChooseTier("pro"))
    assert amounts(story.documents()[-1]) == ["-0.67", "2.00", "0.67"]
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("2.00")]
    assert story.to(november(12)) == []


def test_a_branch_that_goes_again_after_the_upgrade_paid_for_it_is_given_back() -> None:
    story = begun()
    story.to(november(11))
    story.branches(1)
    story.wish(ChooseTier("pro"))
    story.branches(-1)
    story.to(november(12))
    assert (amounts(story.documents()[-1]), story.state.balance) == (["-0.67"], gbp("0.67"))


def test_ec_46_on_the_last_day_it_joins_the_renewal() -> None:
    story = begun()
    story.to(november(30))
    story.branches(1)
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["0.03", "1.00", "1.00"]
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("2.03")]


def test_on_the_last_day_many_branches_are_still_one_charge() -> None:
    story = begun()
    story.to(november(30))
    story.branches(60)
    story.to(date(2026, 12, 1))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("63.00")]


def test_ec_47_many_branches_are_one_line_rounded_once() -> None:
    story = begun()
    story.to(november(11))
    story.branches(60)
    story.to(november(12))
    assert amounts(story.documents()[-1]) == ["40.00"]


def test_ec_48_the_first_branch_stays() -> None:
    story = begun(branches=1)
    story.branches(-1)
    with pytest.raises(NoFewerBranches):
        story.branches(-1)


def test_ec_49_a_declined_batch_joins_the_renewal_and_blocks_further_branches() -> None:
    story = begun(pays=False)
    story.to(november(11))
    story.branches(2)
    story.to(november(12))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("1.33")]
    story.decline()
    assert (story.state.status, story.state.branches.count, story.state.open) == ("active", 2, ())
    with pytest.raises(BranchesBlocked):
        story.branches(1)
    story.branches(-1)
    story.branches(0)
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["1.33", "-0.63", "1.00", "1.00"]
    assert story.state.branches.blocked
    story.settle()
    story.branches(1)
    assert story.state.branches.count == 2


def test_ec_49_a_later_small_change_does_not_ask_the_card_for_the_declined_batch_again() -> None:
    story = begun(pays=False)
    story.to(november(11))
    story.branches(2)
    story.to(november(12))
    story.decline()
    story.to(november(29))
    story.wish(ChooseTier("pro"))  # 0.13: it waits as well, and both together would be worth a charge
    assert story.state.tier == "pro" and story.wanted(new=True) == []
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1])[:3] == ["1.33", "-0.07", "0.20"]


def test_removals_take_the_newest_line_first_and_parts_of_a_line() -> None:
    story = begun(branches=3)
    story.to(november(11))
    story.branches(2)
    story.to(november(21))
    story.branches(-3)
    story.to(november(22))
    # two from the line of the 11th (1.33 for twenty days), one of the three paid on the 1st
    assert branch_amounts(story) == ["3.00", "1.33", "-0.67", "-0.33"]
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["1.00", "2.00"]


def test_removing_many_on_the_last_day_comes_back_before_the_renewal() -> None:
    story = begun(branches=60)
    story.to(november(30))
    story.branches(-60)
    story.to(date(2026, 12, 1))
    note, renewal = story.documents(new=True)
    assert (note.kind, amounts(note), amounts(renewal)) == ("credit_note", ["-2.00"], ["1.00"])
    assert (story.wanted(new=True), story.state.balance) == ([], gbp("1.00"))
