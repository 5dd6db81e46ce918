"""Foreign prices: rounded to what a card can carry, locked for a period, old rates and large moves by the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from core.billing.effects import BalanceConverted, Notice, Written
from core.billing.fx import Rate, announce, drifted, in_base, is_stale, local, lock, working_days_old
from core.billing.renew import Offer, ask_currency
from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.providers.exponents import charge_step, from_gateway, to_gateway
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def rate(value: str, currency: str = "EUR", on: date = date(2026, 10, 30)) -> Rate:
    return Rate(currency, Fraction(value), "ECB", on)


@pytest.mark.parametrize(
    ("currency", "value", "expected"), [("EUR", "1.1532", "3.46"), ("JPY", "190.37", "571"), ("KWD", "0.3907", "1.170")]
)
def test_ec_73_a_local_price_is_what_a_card_can_carry(currency: str, value: str, expected: str) -> None:
    price = local(gbp("3.00"), rate(value, currency))
    assert price == Money.of(expected, currency)
    assert from_gateway(to_gateway(price), currency) == price


def test_ec_77_a_credit_of_the_period_is_worth_its_locked_rate() -> None:
    story = Story("pro", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.20", on=date(2026, 11, 16)),))
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))
    assert amounts(story.documents()[-1]) == ["-1.73", "0.58"]
    assert story.state.balance == Money.of("1.15", "EUR")


def test_ec_74_a_currency_without_decimals_through_a_whole_upgrade() -> None:
    story = Story("starter", NOVEMBER, rate=rate("190.37", "JPY"))
    story.offer = Offer(POLICY, (rate("190.37", "JPY"),))
    story.to(date(2026, 11, 14))
    story.wish(ChooseTier("pro"))
    assert (amounts(story.documents()[-1]), story.documents()[-1].net) == (["-108", "324"], Money(216, "JPY"))


def test_ec_76_a_currency_with_three_decimals_through_a_whole_upgrade() -> None:
    story = Story("starter", NOVEMBER, rate=rate("0.3907", "KWD"))
    story.offer = Offer(POLICY, (rate("0.3907", "KWD"),))
    story.to(date(2026, 11, 14))
    story.wish(ChooseTier("pro"))
    assert (amounts(story.documents()[-1]), story.documents()[-1].net) == (["-0.220", "0.660"], Money(440, "KWD"))


def test_ec_78_a_rate_of_four_working_days_warns_and_is_used() -> None:
    old = rate("1.16", on=date(2026, 11, 24))  # a Tuesday; the boundary is the next Tuesday's eve
    assert working_days_old(old, date(2026, 11, 30)) == 4
    locking = lock(rate("1.1532"), old, None, POLICY, on=date(2026, 11, 30))
    assert (locking.rate, locking.why, locking.warn) == (old, "latest", True)


def test_ec_78_a_rate_of_eight_days_locks_nothing_new() -> None:
    locked, old = rate("1.1532"), rate("1.16", on=date(2026, 11, 23))
    assert (is_stale(old, date(2026, 11, 30)), is_stale(old, date(2026, 12, 1))) == (False, True)
    locking = lock(locked, old, None, POLICY, on=date(2026, 12, 1))
    assert (locking.rate, locking.why, locking.warn) == (locked, "kept_stale", True)
    with pytest.raises(ValueError):
        lock(None, old, None, POLICY, on=date(2026, 12, 1))


def test_ec_79_a_large_move_is_told_seven_days_before_it_counts() -> None:
    locked, latest = rate("1.1532"), rate("1.2200", on=date(2026, 11, 24))
    assert round_percent(locked, latest) == 579
    assert drifted(locked, latest, POLICY.drift_bps)
    assert announce(locked, latest, POLICY, today=date(2026, 11, 25), boundary=date(2026, 12, 1)) is None  # six days are too few
    story = Story("pro", NOVEMBER, rate=locked)
    story.offer = Offer(POLICY, (latest,))
    story.to(date(2026, 12, 1))
    told = story.notice("price_moves")
    assert (told.sent_on, told.on, told.amount) == (date(2026, 11, 24), date(2026, 12, 1), Money.of("3.66", "EUR"))
    assert amounts(story.documents()[-1]) == ["3.66"]


def round_percent(old: Rate, new: Rate) -> int:
    """The move in hundredths of a percent, cut."""
    return int((new.value - old.value) / old.value * 10_000)


def test_ec_79_a_move_after_the_day_of_notice_waits_for_the_boundary_after() -> None:
    story = Story("pro", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.1600", on=date(2026, 11, 24)),))
    story.to(date(2026, 11, 28))
    story.offer = Offer(POLICY, (rate("1.2200", on=date(2026, 11, 27)),))
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["3.46"]  # nobody was told: the old price
    story.offer = Offer(POLICY, (rate("1.2200", on=date(2026, 12, 24)),))
    story.to(date(2027, 1, 1))
    assert amounts(story.documents()[-1]) == ["3.66"]
    assert [notice.sent_on for notice in story.of(Notice) if notice.kind == "price_moves"] == [date(2026, 12, 25)]


def test_a_small_move_counts_from_the_boundary_without_notice() -> None:
    story = Story("pro", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.1600", on=date(2026, 11, 30)),))
    story.to(date(2026, 12, 1))
    assert amounts(story.documents()[-1]) == ["3.48"]
    assert {notice.kind for notice in story.of(Notice)} == {"renewal_ahead"}


def test_ec_80_a_currency_changes_at_the_boundary_and_takes_the_balance_along() -> None:
    story = Story("pro", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.1532", on=date(2026, 11, 30)), rate("1.2500", "USD", on=date(2026, 11, 30))))
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))
    assert story.state.balance == Money.of("1.15", "EUR")
    story.take(ask_currency(story.state, "USD", story.offer))
    story.to(date(2026, 11, 30))
    assert story.state.currency == "EUR"
    story.to(date(2026, 12, 1))
    (moved,) = story.of(BalanceConverted)
    assert (moved.taken, moved.given, moved.rate) == (
        Money.of("1.15", "EUR"),
        Money.of("1.25", "USD"),
        Fraction("1.25") / Fraction("1.1532"),
    )
    assert (amounts(story.documents()[-1]), story.wanted(new=True)) == (["1.25"], [])


def test_ec_80_a_currency_change_is_refused_while_an_invoice_is_open() -> None:
    story = Story("pro", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.1532", on=date(2026, 11, 30)), rate("1.2500", "USD", on=date(2026, 11, 30))))
    story.pays = False
    story.to(date(2026, 12, 1))
    with pytest.raises(Conflict):
        ask_currency(story.state, "USD", story.offer)


def test_dust_that_waits_in_the_old_currency_is_waived_not_converted() -> None:
    story = Story("starter", NOVEMBER, rate=rate("1.1532"))
    story.offer = Offer(POLICY, (rate("1.1532", on=date(2026, 11, 30)), rate("1.2500", "USD", on=date(2026, 11, 30))))
    story.to(date(2026, 11, 30))
    story.take(ask_currency(story.state, "GBP", story.offer))
    story.branches(1)
    story.to(date(2026, 12, 1))
    assert story.of(Written) == [Written("waived", Money.of("0.04", "EUR"))]
    assert (story.state.currency, amounts(story.documents()[-1])) == ("GBP", ["1.00", "1.00"])


def test_who_keeps_an_old_price_list_keeps_its_currency() -> None:
    """A list without the plan leaves the old one in force; a change of currency took the new one, and no midnight could be run again."""
    story = Story("pro", NOVEMBER)
    rates = (rate("1.1532", on=date(2026, 11, 30)),)
    story.offer = Offer(replace(POLICY, tiers=(POLICY.tiers[0], POLICY.tiers[2])), rates)
    story.take(ask_currency(story.state, "EUR", story.offer))
    story.to(date(2026, 12, 2))
    assert (story.state.currency, amounts(story.documents()[-1])) == ("GBP", ["3.00"])
    assert "currency_kept" in [notice.kind for notice in story.of(Notice)]
    story.offer = Offer(POLICY, (rate("1.1532", on=date(2026, 12, 31)),))
    story.to(date(2027, 1, 2))
    assert (story.state.currency, amounts(story.documents()[-1])) == ("EUR", ["3.46"])


def test_a_change_of_currency_without_a_rate_is_refused() -> None:
    story = Story("pro", NOVEMBER)
    with pytest.raises(Conflict):
        ask_currency(story.state, "USD", story.offer)


@pytest.mark.parametrize(
    ("amount", "units"), [(Money(7, "UGX"), 700), (Money(7, "ISK"), 700), (Money(700, "HUF"), 700), (Money(700, "TWD"), 700)]
)
def test_ec_81_the_gateway_counts_by_its_own_table(amount: Money, units: int) -> None:
    assert to_gateway(amount) == units


@pytest.mark.parametrize(("currency", "step"), [("GBP", 1), ("JPY", 1), ("UGX", 1), ("KWD", 10), ("BHD", 10), ("MGA", 100)])
def test_ec_81_every_price_is_a_whole_number_of_the_gateways_steps(currency: str, step: int) -> None:
    assert charge_step(currency) == step
    assert to_gateway(Money(step * 7, currency)) > 0


def test_ec_98_the_tax_of_a_foreign_invoice_is_told_in_sterling() -> None:
    assert in_base(Money.of("0.69", "EUR"), rate("1.1532"), "GBP") == gbp("0.60")


def test_weekends_do_not_age_a_rate() -> None:
    friday = rate("1.16", on=date(2026, 11, 27))
    assert [working_days_old(friday, date(2026, 11, 27) + timedelta(n)) for n in range(5)] == [0, 0, 0, 1, 2]
