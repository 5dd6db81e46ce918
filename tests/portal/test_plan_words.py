"""The trail of a subscription in words: nothing that can happen is without them, and a real life reads as it was lived."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import get_args

import pytest
from flask import Flask

from core.billing.effects import NOTICES, Effect, Notice
from core.billing.lists import list_documents
from core.billing.price_list import list_price_lists, terms_of
from core.billing.queries import list_events, read
from core.billing.terms import Terms
from core.billing.terms_check import BOUNDS
from core.billing.wishes import (
    AddBranches,
    AddProducts,
    Cancel,
    ChooseTier,
    ConfirmResume,
    Hibernate,
    Keep,
    Reactivate,
    Resume,
    WakeOn,
    Wish,
)
from portal.billing_words import NOTICES as WORDS_OF_NOTICES
from portal.plan_facts import ahead_of, facts_of
from portal.plan_names import Known, known_of
from portal.plan_words import SAYINGS, Happened, say_effect, say_wish, tell_events
from portal.term_words import GROUPS, LABELS
from tests.core.billing.kept import Kept, make_seller
from tests.core.billing.story import gbp
from tests.factories import again, make_shop, unit

NOVEMBER = date(2026, 11, 1)


def test_whatever_an_act_can_want_has_words() -> None:
    assert set(SAYINGS) == set(get_args(Effect)) and set(WORDS_OF_NOTICES) >= NOTICES


def test_every_term_has_a_name_a_place_and_its_bounds() -> None:
    plain = {field.name for field in fields(Terms)} - {"version", "tiers"}
    assert set(LABELS) == plain == {name for _key, _title, names in GROUPS for name in names}
    counted = {field.name for field in fields(Terms) if field.type == "int"} - {"version", "drift_bps"}
    assert counted == set(BOUNDS)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (ChooseTier("pro"), "Chose Pro"), (ChooseTier("pro-plus", now=True), "Chose Pro Plus, at once"),
        (AddBranches(1), "1 branch more"), (AddBranches(-2), "2 branches fewer"), (AddProducts(3), "3 products more"),
        (AddProducts(-1), "1 product fewer"), (Hibernate(), "Asked to hibernate from the next period on"),
        (Hibernate(now=True), "Asked to hibernate from tomorrow on"), (WakeOn(None), "Took back the day of waking up"),
        (Hibernate(until=date(2027, 1, 15)), "Asked to hibernate from the next period on, until 15 January 2027"),
        (Hibernate(now=True, until=date(2027, 1, 15)), "Asked to hibernate from tomorrow on, until 15 January 2027"),
        (WakeOn(date(2027, 1, 15)), "Asked to wake up on 15 January 2027"), (Resume(), "Asked to wake up"),
        (ConfirmResume(), "Said to go on after hibernating"), (Reactivate(), "Asked to come back"), (Cancel(), "Asked to end with the period"),
        (Cancel(now=True), "Asked to end tomorrow"), (Keep(), "Took back what was planned"),
    ],
)  # fmt: skip
def test_every_wish_has_words(app: Flask, wish: Wish, words: str) -> None:
    with app.test_request_context():
        assert say_wish(wish, Known()) == words


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (Notice("suspended", NOVEMBER, date(2026, 12, 16), gbp("1.60")),
         "Told: Suspended: out of the directory. £1.60 is owed; on 16 December 2026 the subscription ends."),
        (Notice("suspended", NOVEMBER, date(2026, 12, 16), gbp("0.00")),
         "Told: Suspended: out of the directory. Nothing is owed; on 16 December 2026 the subscription ends."),
        (Notice("payment_failed", NOVEMBER, date(2026, 11, 16), gbp("3.00"), "last"),
         "Told: The card was declined for £3.00 once more. That was the last try; on 16 November 2026 it is suspended."),
        (Notice("trial_ends", NOVEMBER, date(2026, 11, 4), gbp("3.00"), "no card"),
         "Told: The trial ends on 4 November 2026, and there is no card. Without one it is suspended on that day."),
        (Notice("change_planned", NOVEMBER, date(2026, 12, 1), gbp("9.00"), "pro-plus"),
         "Told: From 1 December 2026 on the plan is Atelier for £9.00 a month."),
        (Notice("hibernation_planned", NOVEMBER, date(2026, 12, 1), gbp("0.50"), wakes_on=date(2027, 1, 15), wakes_for=gbp("2.48")),
         "Told: From 1 December 2026 on it hibernates for £0.50 a month. On 15 January 2027 it wakes up for £2.48."),
        (Notice("wake_withdrawn", NOVEMBER, date(2027, 1, 15), gbp("0.50")),
         "Told: It was to wake up on 15 January 2027, and goes on hibernating for £0.50 a month."),
        (Notice("limit_enforced", NOVEMBER, NOVEMBER, gbp("9.00"), "gone-plan"), "Told: The plan becomes Gone Plan, the smallest one that fits."),
    ],
)  # fmt: skip
def test_a_notice_tells_its_day_its_sum_and_its_plan_by_name(app: Flask, notice: Notice, words: str) -> None:
    with app.test_request_context():
        assert say_effect(notice, Known(plans={"pro-plus": "Atelier"})) == words


def trail_of(kept: Kept) -> tuple[list[Happened], dict[str, str]]:
    with kept.app.test_request_context(), unit(kept.app):
        seller, row = kept.seller.vendor, again(kept.row)
        known = known_of([terms_of(each) for each in list_price_lists(seller, "test")], list_documents(seller, row), {"usr_test": "Mo"})
        state = read(row)
        return tell_events(list_events(seller, row), known), dict([*facts_of(state), *ahead_of(state, known, row.lapse_at)])


def test_a_life_reads_as_it_was_lived(app: Flask) -> None:
    kept = Kept(make_seller(app), make_shop(app).vendor, NOVEMBER)
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 5), AddProducts(11))
    kept.wish(date(2026, 11, 11), ChooseTier("pro"))
    trail, facts = trail_of(kept)
    assert [step.title for step in reversed(trail)][:3] == ["Subscribed to Starter", "Paid: £1.00", "11 products more"]
    assert trail[0].title == "Chose Pro" and trail[0].who == "Mo" and any("as a draft" in line for line in trail[0].lines)
    assert facts["Waits for its payment"].startswith("Pro for £1.33") and "Greater plan by itself" in facts
    kept.settle(date(2026, 11, 11), pays=False)
    kept.wish(date(2026, 11, 12), Cancel())
    trail, facts = trail_of(kept)
    assert facts["Planned"] == "it ends on 1 December 2026"
    declined = next(step for step in trail if step.title == "The card was declined")
    assert declined.tone == "bad" and declined.who == "Automatic"


def test_what_is_overdue_says_every_date_that_lies_ahead(app: Flask) -> None:
    kept = Kept(make_seller(app), make_shop(app).vendor, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    kept.to(date(2026, 12, 1))
    kept.settle(date(2026, 12, 1), pays=False)
    kept.to(date(2026, 12, 3))
    trail, facts = trail_of(kept)
    assert facts["Owed"] == "£3.00" and facts["Declined since"] == "1 December 2026"
    assert facts["Tried again"] == "4 December 2026, 8 December 2026, 16 December 2026"
    assert (facts["Service stops"], facts["Ends for good"]) == ("17 December 2026", "15 January 2027")
    assert any("Running → Payment overdue" in step.lines for step in trail)
    kept.to(date(2026, 12, 17))
    _, facts = trail_of(kept)
    assert "Service stops" not in facts and facts["Ends for good"] == "15 January 2027"


def test_who_hibernates_says_since_when(app: Flask) -> None:
    kept = Kept(make_seller(app), make_shop(app).vendor, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 10), Hibernate())
    _, facts = trail_of(kept)
    assert facts["Planned"] == "it hibernates from 1 December 2026 on"
    kept.wish(date(2026, 11, 11), WakeOn(date(2026, 12, 3)))
    _, facts = trail_of(kept)
    assert facts["Planned"] == "it hibernates from 1 December 2026 on and wakes up on 3 December 2026"
    kept.to(date(2026, 12, 1))
    _, facts = trail_of(kept)
    assert (facts["Hibernates since"], facts["Wakes up by itself"]) == ("1 December 2026", "on 3 December 2026")
    kept.settle(date(2026, 12, 1), pays=False)
    kept.to(date(2026, 12, 4))
    _, facts = trail_of(kept)
    assert facts["Wakes up by itself"] == "as soon as the open invoice is paid; it was to be on 3 December 2026"
