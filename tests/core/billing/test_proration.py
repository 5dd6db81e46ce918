"""Proration: the exact figures of the policy's table, line by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from core.billing.calendar import DAY, Period, period_of
from core.billing.change import plan_lines
from core.billing.lines import Entry, sum_of, total
from core.billing.proration import charge_line, credit_line, part
from core.billing.renew import Offer
from core.billing.terms import POLICY, Tier
from core.billing.wishes import AddBranches, ChooseTier, Hibernate, Resume
from core.kernel.money import Money
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def upgraded(tier: str, to: str, on: date, begins: date = NOVEMBER) -> list[str]:
    """The lines of an upgrade on a day."""
    story = Story(tier, begins)
    story.to(on)
    return [line.amount.decimal_text for line in plan_lines(story.state, to)]


def test_ec_04_a_stub_after_a_31st_costs_half_of_february() -> None:
    period = period_of(date(2027, 1, 31), date(2027, 2, 14))
    line = charge_line("plan", "starter", 1, gbp("1.00"), period.rest(date(2027, 2, 14)), period, room=gbp("1.00"), tax_bps=None)
    assert (line.days, line.of_days, line.exact, line.amount) == (14, 28, Fraction(50), gbp("0.50"))


def test_ec_11_half_way_an_upgrade_costs_half_the_difference() -> None:
    assert upgraded("starter", "pro", date(2026, 11, 16)) == ["-0.50", "1.50"]


def test_ec_12_on_the_first_day_an_upgrade_costs_the_whole_difference() -> None:
    assert upgraded("starter", "pro", NOVEMBER) == ["-1.00", "3.00"]


def test_ec_13_on_the_last_day_it_waits_for_the_next_invoice() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 30))
    story.wish(ChooseTier("pro"))
    assert not story.wanted(new=True)
    assert story.state.tier == "pro"
    assert [entry.line.amount for entry in story.state.pending] == [gbp("-0.03"), gbp("0.10")]
    story.to(date(2026, 12, 1))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("3.07")]
    assert amounts(story.documents()[-1]) == ["-0.03", "0.10", "3.00"]


def test_ec_14_at_the_boundary_a_change_belongs_to_the_new_period() -> None:
    """The line wants one invoice of 3.00; but its day is one day for whoever wishes (EC-12), and its midnight comes before every wish.
    So the whole of December is 3.00 on two invoices, as it is at noon, and no line reaches into November."""
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 12, 1))
    story.wish(ChooseTier("pro"))
    renewal, upgrade = story.documents()[-2:]
    assert (amounts(renewal), amounts(upgrade)) == (["1.00"], ["-1.00", "3.00"])
    assert renewal.net + upgrade.net == gbp("3.00") == sum_of((charge.amount for charge in story.wanted()[-2:]), "GBP")
    assert {(line.start, line.end) for line in (*renewal.lines, *upgrade.lines)} == {(date(2026, 12, 1), date(2027, 1, 1))}


def test_ec_15_one_second_before_the_boundary_is_one_day() -> None:
    assert upgraded("starter", "pro", date(2026, 11, 30)) == ["-0.03", "0.10"]


def test_ec_16_the_net_is_the_sum_of_rounded_lines() -> None:
    lines = upgraded("pro", "enterprise", date(2027, 2, 27), date(2027, 2, 1))
    assert lines == ["-0.21", "0.36"]
    assert part(gbp("2.00"), Fraction(2, 28)) == gbp("0.14")


def test_ec_16_of_all_days_and_months_thirty_differ_by_a_penny() -> None:
    differing = 0
    for length in (28, 29, 30, 31):
        for left in range(1, length + 1):
            share = Fraction(left, length)
            net = part(gbp("5.00"), share) - part(gbp("3.00"), share)
            difference = abs((net - part(gbp("2.00"), share)).minor)
            assert difference <= 1
            differing += difference
    assert differing == 30


def test_ec_17_half_a_penny_goes_away_from_zero_both_ways() -> None:
    piece, whole = Period(date(2027, 2, 22), date(2027, 3, 1)), Period(date(2027, 2, 1), date(2027, 3, 1))
    charge = charge_line("hibernation", "", 1, gbp("0.50"), piece, whole, room=gbp("0.50"), tax_bps=None)
    assert charge.amount == gbp("0.13")
    fee = charge_line("hibernation", "", 1, gbp("0.50"), whole, whole, room=gbp("0.50"), tax_bps=None)
    assert credit_line(Entry(fee, gbp("0.00"), 1, 1), 1, date(2027, 2, 22)).amount == gbp("-0.13")


def test_ec_18_two_upgrades_on_one_day_cost_what_the_direct_one_costs() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    story.wish(ChooseTier("enterprise"))
    first, second = story.documents()[-2:]
    assert (amounts(first), amounts(second)) == (["-0.67", "2.00"], ["-2.00", "3.33"])
    assert first.net + second.net == gbp("2.66")
    assert upgraded("starter", "enterprise", date(2026, 11, 11)) == ["-0.67", "3.33"]


def test_ec_19_up_down_and_up_again_credits_what_was_debited() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    assert (amounts(story.documents()[-1]), story.wanted()[-1].amount) == (["-0.67", "2.00"], gbp("1.33"))
    story.to(date(2026, 11, 21))
    story.wish(ChooseTier("starter", now=True))
    assert (amounts(story.documents()[-1]), story.state.balance) == (["-1.00", "0.33"], gbp("0.67"))
    story.to(date(2026, 11, 26))
    story.wish(ChooseTier("pro"))
    assert amounts(story.documents()[-1]) == ["-0.17", "0.50"]
    assert (story.state.balance, story.wanted(new=True)) == (gbp("0.34"), [])


def test_ec_20_three_stubs_of_a_month_are_a_penny_from_the_price_at_most() -> None:
    month, begins, paid = Period(date(2027, 1, 1), date(2027, 2, 1)), date(2027, 1, 1), []
    for days in (10, 10, 11):
        piece = Period(begins, begins + days * DAY)
        paid.append(charge_line("plan", "starter", 1, gbp("1.00"), piece, month, room=gbp("1.00"), tax_bps=None).amount.decimal_text)
        begins = piece.end
    assert paid == ["0.32", "0.32", "0.35"]


def test_ec_21_many_changes_stay_inside_half_a_penny_a_line_and_the_cap() -> None:
    story = Story("enterprise", date(2027, 2, 1))
    for day in range(1, 29):
        story.to(date(2027, 2, day))
        story.branches(1 if day % 2 else -1)
    story.to(date(2027, 3, 1))
    lines = [line for document in story.documents() for line in document.lines if line.item == "branch" and line.start < date(2027, 3, 1)]
    assert len(lines) == 28
    assert total(lines, "GBP") == gbp("0.53")


def test_ec_21_one_day_pieces_are_clipped_at_the_price_of_a_month() -> None:
    story = Story("enterprise", date(2027, 2, 1))
    story.change(terms=replace(POLICY, free_toggle_days=0))
    for day in range(1, 29):
        story.to(date(2027, 2, day))
        story.branches(1)
        story.branches(-1)
    story.to(date(2027, 3, 1))
    lines = [line for document in story.documents() for line in document.lines if line.item == "branch"]
    assert total(lines, "GBP") == gbp("1.00")
    assert [line.limited for line in lines[-1:]] == ["cap"]


def test_ec_22_a_credit_never_exceeds_what_is_left_of_its_line() -> None:
    month = Period(NOVEMBER, date(2026, 12, 1))
    line = charge_line("plan", "pro", 1, gbp("3.00"), month, month, room=gbp("3.00"), tax_bps=None)
    credit = credit_line(Entry(line, gbp("1.40"), 1, 1), 1, date(2026, 11, 11))
    assert (credit.exact, credit.amount, credit.limited) == (Fraction(-200), gbp("-1.60"), "remainder")


def test_ec_24_a_credit_is_worth_what_was_debited_not_todays_price() -> None:
    story = Story("starter", NOVEMBER)
    dearer = replace(POLICY, version=2, tiers=(Tier("starter", gbp("1.20"), 10), *POLICY.tiers[1:]))
    story.to(date(2026, 11, 10))
    story.offer = Offer(dearer)
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("pro"))
    assert amounts(story.documents()[-1]) == ["-0.50", "1.50"]
    story.wish(ChooseTier("starter"))
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["1.20"]


def test_ec_68_three_hibernations_in_a_period_cost_one_plan_at_most() -> None:
    story = Story("pro", NOVEMBER)
    for day in (4, 12, 20):
        story.to(date(2026, 11, day))
        story.wish(Hibernate(now=True))
        story.to(date(2026, 11, day + 3))
        assert story.state.status == "hibernating"
        story.wish(Resume())
        assert story.state.status == "active"
    lines = [line for document in story.documents() for line in document.lines]
    lines += [entry.line for entry in story.state.pending]
    assert gbp("0.00") <= total(lines, "GBP") <= gbp("3.00")


@pytest.mark.parametrize(
    ("price", "days", "of", "expected"),
    [
        (Money(190, "JPY"), 17, 30, 108), (Money(571, "JPY"), 17, 30, 324),
        (Money(585, "JPY"), 3, 30, 59),
        (Money(390, "KWD"), 17, 30, 220), (Money(1170, "KWD"), 17, 30, 660),
    ],
)  # fmt: skip
def test_ec_74_75_76_a_piece_is_rounded_to_what_a_card_can_carry(price: Money, days: int, of: int, expected: int) -> None:
    month = Period(NOVEMBER, NOVEMBER + timedelta(days=of))
    piece = month.rest(month.end - timedelta(days=days))
    assert charge_line("plan", "x", 1, price, piece, month, room=price, tax_bps=None).amount.minor == expected


def test_a_line_tells_its_whole_arithmetic() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 11))
    story.wish(AddBranches(2))
    story.wish(ChooseTier("pro"))
    for line in story.documents()[-1].lines:
        assert line.whole.minor * Fraction(line.quantity * line.days, line.of_quantity * line.of_days) == abs(line.exact)
        assert part(Money(1, "GBP"), abs(line.exact)) == (line.amount if line.corrects is None else -line.amount)
