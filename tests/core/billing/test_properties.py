"""What holds for every life of a subscription, however lively: hypothesis writes the lives, the acts have to bear them."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from core.billing.calendar import boundary
from core.billing.change import plan_lines
from core.billing.codec import decode, encode
from core.billing.effects import BalanceMoved, ChargeWanted, Notice, ProductsHidden, StateChanged
from core.billing.forecast import Intention, forecast
from core.billing.fx import Rate
from core.billing.lines import total
from core.billing.states import SUBSCRIPTION
from core.billing.subscription import Subscription
from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier, Wish
from core.kernel.errors import Refusal
from core.providers.exponents import charge_step, to_gateway
from tests.core.billing.lives import ANCHORS, ANSWERS, DAYS, ENDS, TIERS, WISHES, charged, live
from tests.core.billing.rules import (
    every_penny_is_accounted_for,
    no_more_tax_goes_back_than_was_taken,
    no_period_costs_more_than_its_highest_state,
)
from tests.core.billing.story import Story, gbp


@given(TIERS, st.lists(TIERS, min_size=1, max_size=6), ANCHORS, st.integers(0, 27))
def test_any_way_through_the_tiers_on_one_day_costs_what_the_direct_one_costs(first: str, way: list[str], begins: date, day: int) -> None:
    story = Story(first, begins)
    story.to(begins + timedelta(days=day))
    before = story.state
    direct = total(plan_lines(before, way[-1]), "GBP") if way[-1] != first else gbp("0.00")
    for tier in way:
        story.wish(ChooseTier(tier, now=True))
    made = [line for line in charged(story) if line.number >= before.next_line]
    assert total(made, "GBP") == direct
    assert story.state.tier == way[-1]


@given(ANCHORS, st.integers(0, 27), st.lists(st.integers(-2, 3), min_size=1, max_size=8))
def test_any_way_of_branches_on_one_day_costs_what_the_closing_count_costs(begins: date, day: int, way: list[int]) -> None:
    many, direct = Story("starter", begins, branches=2), Story("starter", begins, branches=2)
    for story in (many, direct):
        story.change(terms=replace(POLICY, free_toggle_days=99))
        story.to(begins + timedelta(days=day))
    for step in way:
        if many.state.branches.count + step >= 0:
            many.branches(step)
    direct.branches(many.state.branches.count - direct.state.branches.count)
    for story in (many, direct):
        story.to(begins + timedelta(days=day + 1))
    assert many.documents() == direct.documents()
    assert many.state.pending == direct.state.pending


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=60)
def test_a_period_costs_nothing_below_zero_and_no_more_than_its_highest_state(
    begins: date, days: list[tuple[int, Wish]], answers: list[str]
) -> None:
    no_period_costs_more_than_its_highest_state(live(begins, days, answers))


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=60)
def test_nothing_is_credited_beyond_its_line(begins: date, days: list[tuple[int, Wish]], answers: list[str]) -> None:
    lines = {line.number: line for line in charged(live(begins, days, answers))}
    given_back: dict[int, int] = defaultdict(int)
    for line in lines.values():
        if line.corrects is not None:
            assert line.amount.minor <= 0
            given_back[line.corrects] -= line.amount.minor
    for number, minor in given_back.items():
        assert minor <= lines[number].amount.minor


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=60)
def test_every_line_is_within_half_a_penny_of_its_exact_fraction(begins: date, days: list[tuple[int, Wish]], answers: list[str]) -> None:
    lines = [line for line in charged(live(begins, days, answers)) if not line.limited]
    assert all(abs(line.amount.minor - line.exact) <= Fraction(1, 2) for line in lines)
    exact = sum((line.exact for line in lines), Fraction(0))
    assert abs(total(lines, "GBP").minor - exact) <= Fraction(len(lines), 2)


@given(ANCHORS, DAYS, ANSWERS, st.sampled_from([None, 2000, 1750]))
@settings(max_examples=60)
def test_every_penny_is_accounted_for(begins: date, days: list[tuple[int, Wish]], answers: list[str], tax_bps: int | None) -> None:
    every_penny_is_accounted_for(live(begins, days, answers, tax_bps=tax_bps))


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=60)
def test_tax_that_is_credited_never_exceeds_tax_that_was_charged(begins: date, days: list[tuple[int, Wish]], answers: list[str]) -> None:
    no_more_tax_goes_back_than_was_taken(live(begins, days, answers, tax_bps=2000))


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=60)
def test_no_move_is_made_that_the_table_lacks_and_no_notice_is_skipped(
    begins: date, days: list[tuple[int, Wish]], answers: list[str]
) -> None:
    story = live(begins, days, answers)
    told: list[Notice] = []
    for effect in story.effects:
        if isinstance(effect, Notice):
            told.append(effect)
        if isinstance(effect, StateChanged):
            assert effect.new in SUBSCRIPTION[effect.old]
            if effect.new == "suspended":
                assert ("suspension_ahead", effect.on) in {(notice.kind, notice.on) for notice in told}
        if isinstance(effect, ProductsHidden) or (isinstance(effect, Notice) and effect.kind == "limit_enforced"):
            since = max(n for n, notice in enumerate(told) if notice.kind == "limit_breached")
            grace = [notice for notice in told[since:] if notice.kind in ("limit_breached", "grace_running")]
            assert [(notice.kind, notice.count) for notice in grace] == [
                ("limit_breached", None),
                ("grace_running", 3),
                ("grace_running", 1),
            ]
            assert grace[0].sent_on < grace[1].sent_on < grace[2].sent_on < story.effects_on(effect)
            assert (story.effects_on(effect) - grace[0].sent_on).days > 7


@given(ANCHORS, DAYS, ANSWERS)
@settings(max_examples=20)
def test_the_same_life_gives_the_same_documents(begins: date, days: list[tuple[int, Wish]], answers: list[str]) -> None:
    assert live(begins, days, answers).effects == live(begins, days, answers).effects


@given(ANCHORS, DAYS, ANSWERS, st.sampled_from([None, 2000]))
@settings(max_examples=40)
def test_what_is_stored_comes_back_as_it_was(begins: date, days: list[tuple[int, Wish]], answers: list[str], tax_bps: int | None) -> None:
    state = live(begins, days, answers, tax_bps=tax_bps, more=3).state
    assert decode(Subscription, json.loads(json.dumps(encode(state)))) == state


@given(ANCHORS, DAYS, ANSWERS, st.sampled_from([("JPY", "190.37"), ("KWD", "0.3907"), ("EUR", "1.1532")]), st.sampled_from([None, 2000]))
@settings(max_examples=40)
def test_in_every_currency_each_charge_is_a_sum_that_a_card_can_carry(
    begins: date, days: list[tuple[int, Wish]], answers: list[str], foreign: tuple[str, str], tax_bps: int | None
) -> None:
    story = live(begins, days, answers, tax_bps=tax_bps, rate=Rate(foreign[0], Fraction(foreign[1]), "ECB", begins))
    for charge in story.wanted():
        assert to_gateway(charge.amount) > 0
    for moved in story.of(BalanceMoved):
        assert moved.amount.minor % charge_step(foreign[0]) == 0


PLANS = st.lists(st.tuples(st.integers(0, 364), st.one_of(WISHES, WISHES, WISHES, WISHES, ENDS)), max_size=10)


@given(TIERS, ANCHORS, PLANS)
@settings(max_examples=15)
def test_a_forecast_is_what_the_days_bring_to_the_penny(tier: str, begins: date, plans: list[tuple[int, Wish]]) -> None:
    story = Story(tier, begins)
    told = forecast(story.state, [Intention(begins + timedelta(days=n), wish) for n, wish in plans], story.offer)
    before = len(story.effects)
    while True:
        for n, wish in plans:
            if begins + timedelta(days=n) == story.state.today:
                with suppress(Refusal):
                    story.wish(wish)
        if story.state.today == boundary(begins, 12):
            break
        story.to(story.state.today + timedelta(days=1))
    lived = story.effects[before:]
    assert [(charge.on, charge.amount) for charge in told.charges] == [(e.on, e.amount) for e in lived if isinstance(e, ChargeWanted)]
    assert list(told.documents) == story.documents()[1:]
    assert told.end == story.state
