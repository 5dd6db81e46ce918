"""The staff's pages of prices: what counts and who made it, a new list that is looked at first, and what is said where something is wrong."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.house import house
from core.billing.price_list import list_price_lists, terms_of
from core.billing.store import Beginning, begin_subscription
from core.billing.terms import Terms
from core.kernel import clock
from core.kernel.clock import now
from core.kernel.money import Money
from tests.browser import Browser, Page
from tests.factories import Shop, make_shop, unit
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.valid_html import problems_of_html

# Far ahead, each test a day of its own: prices of today are other tests' prices too.
days = (date(2098, 1, 1) + timedelta(days=n) for n in itertools.count())


@pytest.fixture
def staff(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def latest(app: Flask, mode: str = "test") -> tuple[int, Terms]:
    with unit(app):
        kept = list_price_lists(house(), mode)[0]
        return kept.version, terms_of(kept)


def look(staff: Browser, day: date, *, status: int = 200, mode: str = "test", **changes: Any) -> Page:
    form = staff.get(f"/staff/plans/new?mode={mode}").form()
    return staff.submit(form, status=status, **{"valid_from": day.isoformat(), "go": "look", **changes})


def subscribe(app: Flask, tier: str = "pro") -> Shop:
    shop = make_shop(app)
    with unit(app):
        begin_subscription(house(), "test", subscriber=shop.vendor.public_id, wish=Beginning(tier, "Europe/London"), by=shop.user.public_id)
    return shop


@pytest.mark.parametrize("mode", ["live", "test"])
def test_what_is_in_force_stands_there_with_every_version_and_who_made_it(staff: Browser, mode: str) -> None:
    page = staff.get(f"/staff/plans?mode={mode}")
    assert page.heading == "Plans and prices" and re.search(r"In force: version \d+, since 1 January 2020", page.text)
    for words in ("Starter", "£3.00", "100 products", "no limit", "Hibernating, a month £0.50", "1, 3, 7, 15", "set up with the software"):
        assert words in page.text
    assert problems_of_html(page.html) == []
    shown = staff.get(f"/staff/plans/{mode}/1")
    assert "It is the first: there was none before it." in shown.text and problems_of_html(shown.html) == []


@pytest.mark.parametrize(
    "path", ["/staff/plans?mode=none", "/staff/plans/none/1", "/staff/plans/live/999999", "/staff/plans/live/99999999999"]
)
def test_there_is_no_page_of_a_list_that_is_none(staff: Browser, path: str) -> None:
    staff.get(path, status=404)


def test_a_new_list_is_looked_at_and_then_published(app: Flask, staff: Browser) -> None:
    subscribe(app)
    (before, terms), day = latest(app), next(days)
    price = terms.tier("pro").price + Money(50, "GBP")
    seen = look(staff, day, tier_1_price=price.decimal_text, tier_1_name="High street", tier_1_about="For shops that grow.", grace_days="9")
    assert seen.heading == "Before it is published" and f"from {day.day} January 2098 on" in seen.text
    assert (
        "High street pro" in seen.text
        and f"£{price.decimal_text} a month" in seen.text
        and "2098" in seen.text.partition("Whom it reaches")[2]
    )
    assert "9 days" in seen.text and latest(app)[0] == before and problems_of_html(seen.html) == []
    page = staff.submit(seen.form())
    assert page.notices[0].startswith(f"Published as version {before + 1}.") and "to come" in page.text
    version, made = latest(app)
    pro = made.tier("pro")
    assert (version, pro.price, pro.title, pro.about, made.grace_days) == (before + 1, price, "High street", "For shops that grow.", 9)
    assert {**vars_of(made), "tiers": 0, "version": 0, "grace_days": 0} == {**vars_of(terms), "tiers": 0, "version": 0, "grace_days": 0}
    index = staff.get("/staff/plans?mode=test")
    assert f"Version {version} counts from {day.day} January 2098" in index.text
    again = staff.submit(seen.form())  # the same press, sent twice
    assert again.heading == f"Version {version}" and latest(app)[0] == version


def vars_of(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__slots__}


def test_back_from_the_preview_nothing_is_lost_and_nothing_published(app: Flask, staff: Browser) -> None:
    before, day = latest(app)[0], next(days)
    form = look(staff, day, tier_0_about="Begin here.", export_days="91").form()
    form.action = "/staff/plans/new"
    back = staff.submit(form, go="edit")
    values = back.form().values
    assert (values["tier_0_about"], values["export_days"], values["valid_from"]) == ("Begin here.", "91", day.isoformat())
    assert latest(app)[0] == before


def test_a_row_that_is_cleared_takes_the_plan_off_and_its_subscribers_keep_their_list(app: Flask, staff: Browser) -> None:
    subscribe(app, "pro")
    gone = {f"tier_1_{part}": "" for part in ("code", "name", "price", "limit", "about")}
    seen = look(staff, next(days), **gone)
    assert "The plan is not on this list: they keep the list they have." in seen.text and "taken off" in seen.text
    staff.submit(seen.form())
    made = latest(app)[1]
    assert not made.lists("pro")
    put_back = look(staff, next(days), tier_2_code="pro", tier_2_price="3.00", tier_2_limit="100")
    staff.submit(put_back.form())
    assert [tier.code for tier in latest(app)[1].tiers] == ["starter", "pro", "enterprise"]  # in the order of the limits


def test_more_rows_are_given_and_what_was_typed_stays(staff: Browser) -> None:
    form = staff.get("/staff/plans/new?mode=test").form()
    more = staff.submit(form, go="more", tier_0_name="Corner", grace_days="what")
    values = more.form().values
    assert values["tier_0_name"] == "Corner" and values["grace_days"] == "what" and not more.errors
    assert sum(name.endswith("_code") for name in values) > sum(name.endswith("_code") for name in form.values)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"valid_from": ""}, "Choose the first day on which it counts."),
        ({"valid_from": "1.1.2030"}, "Write it like 2026-11-21."),
        ({"tier_0_code": ""}, "Give it a code."),
        ({"tier_0_code": "Größe"}, "Small letters, digits and hyphens, beginning with a letter, like pro or pro-plus."),
        ({"tier_1_code": "starter"}, "Another plan has this code already."),
        ({"tier_0_price": ""}, "Enter its price."),
        ({"tier_0_price": "0"}, "Enter an amount above zero."),
        ({"tier_0_price": "0.10"}, "At least £0.30: the card processor takes nothing below."),
        ({"tier_0_price": "3.5.0"}, "Write the amount with digits and a point, like 12.50."),
        ({"tier_0_price": "99"}, "A greater plan does not cost less than the one before it (£99.00)."),
        ({"tier_0_limit": "ten"}, "Write a whole number with digits only."),
        ({"tier_0_limit": "0"}, "Enter a number from 1 to 1000000."),
        ({"tier_0_limit": ""}, "Only the greatest plan may be without a limit: nobody would need one above it."),
        ({"tier_2_limit": "500"}, "Leave the limit of the greatest plan empty: whoever grows beyond it would have nowhere to go."),
        ({"tier_1_limit": "10"}, "More than the plan before it (10)."),
        ({"branch_price": ""}, "Enter an amount."),
        ({"retry_days": "1, 3, 16"}, "The last try comes before the service stops on day 16."),
        ({"retry_days": ""}, "At least one day, counted from the first decline: 1 is the day after it."),
        ({"retry_days": "one"}, "Write whole numbers with commas between, like 1, 3, 7; 10 at most."),
        ({"notice_days": "60"}, "Each at least 1 and fewer than the"),
        ({"suspend_after": "28"}, "Enter a number from 2 to 27."),
        ({"cancel_after": "16"}, "The end comes after the service has stopped on day 16."),
        ({"hibernation_notice_month": "12"}, "The notice comes before hibernating ends after 12 months."),
        ({"drift_bps": "0"}, "More than 0 % and at most 50 %."),
        ({"drift_bps": "five"}, "Write a percentage with digits only, like 20 or 5.5."),
        ({"minimums": "EUR"}, "Write one sum a line: the currency, a blank, the amount, like EUR 0.50."),
        ({"minimums": "XXQ 1.00"}, "Choose a currency from the list."),
        ({"minimums": "EUR 0.50\nEUR 0.60"}, "A currency stands there twice."),
        ({"minimums": "GBP 0.50"}, "The list is in GBP: its least stands above."),
        ({"tier_0_name": "\x00"}, "This contains a character that cannot be stored (NUL)."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_stays_typed(staff: Browser, typed: dict[str, str], told: str) -> None:
    page = look(staff, next(days), status=422, **typed)
    assert any(error.startswith(told) for error in page.errors), page.errors
    ((name, text),) = typed.items()
    assert page.form().values[name].replace("\r", "") == text or "\x00" in text


def test_no_list_counts_from_a_day_that_is_over(staff: Browser) -> None:
    page = look(staff, now().date() - timedelta(days=1), status=422)
    assert "Choose today or a later day: what is over was charged already." in page.errors


def test_without_any_plan_there_is_no_list(staff: Browser) -> None:
    nothing = {f"tier_{n}_{part}": "" for n in range(3) for part in ("code", "name", "price", "limit", "about")}
    assert "A price list has at least one plan." in look(staff, next(days), status=422, **nothing).errors


def test_who_was_overtaken_has_to_look_again_and_loses_nothing(app: Flask, staff: Browser) -> None:
    mine = look(staff, next(days), export_days="77")
    other = make_staff(app, "superuser").browser()
    other.submit(look(other, next(days), export_days="88").form())
    refused = staff.submit(mine.form(), status=409)
    assert any("was published meanwhile" in text for text in refused.error_summary)
    assert refused.form().values["export_days"] == "77" and latest(app)[1].export_days == 88


def test_publishing_asks_who_is_there_and_carries_the_whole_list_along(app: Flask) -> None:
    colleague = make_staff(app, "finance")
    staff, day = colleague.browser(), next(days)
    seen, before = look(staff, day, export_days="66", minimums="EUR 0.55\nJPY 60"), latest(app)[0]
    with clock.shifted(timedelta(minutes=11)):
        asked = staff.submit(seen.form())
        assert asked.heading == "Is it you?" and latest(app)[0] == before
        assert colleague.device
        staff.submit(asked.form(), confirm_password=STAFF_PASSWORD, confirm_code=colleague.device.code())
    version, made = latest(app)
    assert (version, made.export_days, made.minimums) == (before + 1, 66, (Money(55, "EUR"), Money(60, "JPY")))


def test_a_reviewer_reads_prices_and_publishes_none(app: Flask) -> None:
    reviewer, before = make_staff(app, "reviewer").browser(), latest(app)[0]
    page = reviewer.get("/staff/plans")
    assert not [link for link in page.links() if "/plans/new" in link]
    reviewer.get("/staff/plans/new", status=403)
    token = page.form("/staff/sign-out").values["csrf_token"]
    for path in ("/staff/plans", "/staff/plans/new"):
        reviewer.post(path, {"csrf_token": token, "mode": "test"}, status=403)
    assert latest(app)[0] == before


def test_the_form_is_in_german_too(staff: Browser) -> None:
    staff.get("/staff/plans?lang=de")
    page = staff.get("/staff/plans/new?mode=test")
    assert "Neue Preisliste" in page.heading and problems_of_html(page.html) == []
