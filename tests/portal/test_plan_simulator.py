"""The simulator's page: wishes in the address, the year they make, and every mistake said at its row with nothing lost."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from flask import Flask

from core.accounts.house import house
from core.billing.price_list import publish_terms
from core.billing.queries import find_subscription_of
from core.billing.store import Beginning, begin_subscription
from core.billing.terms import POLICY
from core.kernel.clock import now
from portal.wish_rows import MOST_PLAYED
from tests.browser import Page
from tests.factories import Shop, make_shop, unit

PLACE = "/portal/plan/simulator"


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    with unit(app):
        publish_terms(house(), "test", POLICY, valid_from=date(2020, 1, 1), by="system")
    return make_shop(app, business="Wishful Bakery")


@pytest.fixture(scope="module")
def subscriber(app: Flask, shop: Shop) -> Shop:
    """A business that has the small plan."""
    made = make_shop(app, business="Harbour Bakery")
    with unit(app):
        begin_subscription(house(), "test", subscriber=made.vendor.public_id, wish=Beginning("starter", "Europe/London"), by="usr_test")
    return made


def soon(days: int) -> str:
    return (now().date() + timedelta(days=days)).isoformat()


def asked(shop: Shop, *rows: tuple[str, str, str, str], sheet: bool = False, status: int = 200, **more: str) -> Page:
    said = [*more.items(), *(pair for row in rows for pair in zip(("on", "do", "n", "tier"), row, strict=True))]
    return shop.browser().get(f"{PLACE}{'.csv' if sheet else ''}?{urlencode(said)}", status=status)


def test_without_a_plan_it_says_what_one_would_cost(shop: Shop) -> None:
    page = asked(shop, plan="pro", start=soon(3))
    assert page.status == 200 and "£36.00" in page.text, "twelve months of three pounds"
    assert "Invoice of" in page.text and "For a whole period" in page.text


def test_wishes_make_a_difference_and_unfold_their_arithmetic(subscriber: Shop) -> None:
    page = asked(subscriber, (soon(40), "more_branches", "3", ""), (soon(41), "more_products", "40", ""))
    assert page.status == 200 and "more in the year" in page.text
    assert "3 additional branches" in page.text and "Exactly" in page.text
    assert "More products than the plan holds" in page.text, "what would be told"
    assert [e.attrs["value"] for e in page.all("input", name_="n")][:2] == ["3", "40"]


def test_nothing_is_kept_of_it(app: Flask, subscriber: Shop) -> None:
    with unit(app):
        before = find_subscription_of(house(), "test", subscriber.vendor.public_id)
        assert before
        state, events = before.state, before.events
    asked(subscriber, (soon(0), "cancel_now", "", ""))
    with unit(app):
        after = find_subscription_of(house(), "test", subscriber.vendor.public_id)
        assert after and (after.state, after.events) == (state, events)


def test_a_wish_that_cannot_be_granted_is_refused_with_its_sentence(subscriber: Shop) -> None:
    page = asked(subscriber, (soon(5), "resume", "", ""), (soon(6), "fewer_branches", "1", ""))
    assert page.status == 200
    assert "The subscription is not hibernating." in page.text and "The first branch belongs to your plan and stays." in page.text


def test_a_month_is_its_first_day(subscriber: Shop) -> None:
    month = (now().date().replace(day=1) + timedelta(days=100)).replace(day=1)
    page = asked(subscriber, (f"{month:%Y-%m}", "hibernate", "", ""))
    assert page.status == 200 and not page.errors
    assert page.text.count("Hibernation") > 3 and "less in the year" in page.text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("", "resume", "", ""), "Enter a day"),
        (("yesterday", "resume", "", ""), "Write the day like"),
        (("2020-01-01", "resume", "", ""), "This day has passed"),
        (("2026-13-45", "resume", "", ""), "Write the day like"),
        (("20261-1-1", "resume", "", ""), "Write the day like"),
        ((soon(400), "resume", "", ""), "Twelve months are played"),
        ((soon(4), "", "3", ""), "Choose what should happen"),
        ((soon(4), "explode", "", ""), "Choose what should happen"),
        ((soon(4), "more_branches", "", ""), "Enter how many"),
        ((soon(4), "more_branches", "1e400", ""), "digits only"),
        ((soon(4), "more_branches", "-3", ""), "digits only"),
        ((soon(4), "more_branches", "0", ""), "Enter a number from 1"),
        ((soon(4), "more_branches", "9" * 12, ""), "Enter a number from 1"),
        ((soon(4), "more_branches", "٣", ""), "digits only"),
        ((soon(4), "more_branches", "1\x00", ""), "NUL"),
        ((soon(4), "tier", "", ""), "Choose a plan from the list"),
        ((soon(4), "tier", "", "golden"), "Choose a plan from the list"),
        (("9" * 5000, "resume", "", ""), "Write the day like"),
    ],
)
def test_what_is_wrong_is_said_at_its_row_and_nothing_is_lost(subscriber: Shop, row: tuple[str, str, str, str], words: str) -> None:
    page = asked(subscriber, (soon(7), "more_products", "4", ""), row, status=422)
    assert any(words in error for error in page.errors), page.errors
    assert page.error_summary and all(line.startswith("Wish 2") for line in page.error_summary)
    assert next(e.attrs["value"] for e in page.all("input", name_="n")) == "4", "the other row is there and played"
    shown = [e.attrs.get("value", "") for e in page.all("input", name_="on")]
    assert shown[1] == row[0][:40]


def test_five_hundred_rows_are_shown_again_and_the_first_ones_played(subscriber: Shop) -> None:
    page = asked(subscriber, *[(soon(3), "more_products", "1", "")] * 500, status=422)
    assert len(page.all("input", name_="on")) == 501
    assert len(page.errors) == 500 - MOST_PLAYED and "£" in page.text


def test_rows_are_added_and_taken_out_without_scripts(subscriber: Shop) -> None:
    browser = subscriber.browser()
    page = browser.get(f"{PLACE}?on={soon(9)}&do=resume&n=&tier=&on=&do=&n=&tier=&on={soon(8)}&do=keep&n=&tier=&remove=2")
    kept = [e.attrs.get("value", "") for e in page.all("input", name_="on")]
    assert kept == [soon(9), ""] and "remove" not in page.address
    page = browser.get(f"{PLACE}?on={soon(9)}&do=resume&n=&tier=&more=1")
    assert [e.attrs.get("value", "") for e in page.all("input", name_="on")] == [soon(9), "", ""]


def test_wrong_settings_of_a_plan_that_is_not_there_yet(shop: Shop) -> None:
    for wrong in (
        {"plan": "golden"},
        {"start": "2020-01-01"},
        {"start": "1e400"},
        {"plan": "\x00"},
        {"start": soon(900)},
    ):
        page = asked(shop, (soon(9), "more_branches", "2", ""), status=422, **wrong)
        assert page.errors, wrong
        assert "2" in [e.attrs.get("value", "") for e in page.all("input", name_="n")]


def test_the_year_as_a_file(subscriber: Shop) -> None:
    page = asked(subscriber, (soon(40), "more_branches", "3", ""), sheet=True)
    assert page.response.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(page.response.get_data(as_text=True))))
    charges = [row for row in rows if row["what"] == "Charge to the card"]
    lines = [row for row in rows if row["what"] == "Line"]
    assert len(charges) == 12 and sum(int(row["amount"].replace(".", "")) for row in lines) == sum(
        int(row["amount"].replace(".", "")) for row in charges
    )
    assert {row["currency"] for row in rows} == {"GBP"}


def test_a_file_of_wrong_wishes_leads_back_to_the_page(subscriber: Shop) -> None:
    page = asked(subscriber, ("never", "resume", "", ""), sheet=True, status=422)
    assert page.heading == "Plan simulator"
