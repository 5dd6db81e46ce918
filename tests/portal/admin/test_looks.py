"""Seeing a vendor's own pages as its owner: begun with a reason, in test or live, ended by a button, and read by the vendor afterwards."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask

from core.accounts.audit_log import list_own_entries
from core.accounts.staff_looks import looks_of
from core.accounts.staff_visits import list_visits
from core.kernel.clock import now, shifted
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.factories import Shop, make_paid, make_shop, unit
from tests.portal.admin.people import WHY, Colleague, look_into, make_staff
from tests.valid_html import problems_of_html


@pytest.fixture
def colleague(app: Flask) -> Colleague:
    return make_staff(app, "finance")


def path_of(shop: Shop) -> str:
    return f"/staff/vendors/{shop.vendor.public_id}"


def begin(browser: Browser, shop: Shop, **said: str) -> Page:
    return browser.submit(browser.get(f"{path_of(shop)}/looks/new").form(), **{"reason": WHY, "mode": "test", **said})


def band(page: Page) -> str:
    return next((e.text for e in page.all("aside", class_="look-band")), "")


def go_live(shop: Shop) -> None:
    with unit(shop.app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).live_enabled = True


def test_from_the_vendors_page_to_its_own_pages_and_back(app: Flask, shop: Shop, colleague: Colleague) -> None:
    paid, browser = make_paid(shop), colleague.browser()
    page = look_into(browser, path_of(shop))
    assert f"{path_of(shop)}/looks/new" in [urlsplit(link).path for link in page.links()]
    form = browser.get(f"{path_of(shop)}/looks/new").form()
    assert form.values["reason"] == WHY, "what was said for the visit is not typed again"
    home = browser.submit(form, mode="test")
    assert home.address.endswith("/portal/") and "Only looking" in band(home) and "30 minutes left" in band(home)
    payment = browser.get(f"/portal/payments/{paid.public_id}")
    assert "Sourdough course" in payment.text and shop.vendor.name in band(payment)
    assert problems_of_html(payment.html) == []
    assert not [form for form in payment.all("form") if form.attrs.get("action") == "/sign-out"], "nobody is signed in who could sign out"
    back = browser.submit(payment.form("/staff/looks/end"))
    assert urlsplit(back.address).path == path_of(shop) and f"You no longer look at the pages of {shop.vendor.name}." in back.notices
    assert browser.get("/portal/").heading == "Sign in"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"reason": ""}, "Say why in a few words: the vendor will read it."),
        ({"reason": "hm"}, "Say why in a few words: the vendor will read it. A case number alone is fine if it is long enough to find."),
        ({"reason": "x" * 301}, ""),
        ({"mode": "live"}, "Choose one from the list."),
        ({"mode": "both"}, "Choose one from the list."),
    ],
)
def test_without_a_reason_or_with_money_the_vendor_does_not_take_nothing_begins(
    app: Flask, shop: Shop, colleague: Colleague, said: dict[str, str], error: str
) -> None:
    browser = colleague.browser()
    form = browser.get(f"{path_of(shop)}/looks/new").form()
    page = browser.submit(form, status=422, **{"reason": WHY, "mode": "test", **said})
    assert page.errors and (not error or error in page.errors), page.errors
    assert page.form().values["reason"] == said.get("reason", WHY), "nothing typed is lost"
    assert browser.client.get_cookie("look") is None and browser.get("/portal/").heading == "Sign in"
    with app.app_context():
        assert list_visits(shop.vendor) == []


def test_an_account_that_is_closed_has_no_pages_to_look_at(app: Flask, shop: Shop, colleague: Colleague) -> None:
    with unit(app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).stopped_at = now()
    browser = colleague.browser()
    assert "looks/new" not in "".join(look_into(browser, path_of(shop)).links())
    page = browser.submit(browser.get(f"{path_of(shop)}/looks/new").form(), status=422, reason=WHY, mode="test")
    assert any("closed" in error for error in page.errors)


def test_test_and_live_are_switched_where_the_owner_switches_them(app: Flask, shop: Shop, colleague: Colleague) -> None:
    browser = colleague.browser()
    page = begin(browser, shop)
    assert page.all("html")[0].attrs["class"] == "mode-test"
    refused = browser.post("/staff/looks/mode", {**page.form("/staff/looks/mode").values, "mode": "live"})
    assert refused.status == 422 and "takes test payments only" in refused.text
    go_live(shop)
    for mode in ("live", "test"):
        switched = browser.submit(browser.get("/portal/payments").form("/staff/looks/mode"), mode=mode)
        assert switched.all("html")[0].attrs["class"] == f"mode-{mode}"
    assert begin(browser, shop, mode="live").all("html")[0].attrs["class"] == "mode-live"
    bad = browser.submit(browser.get("/portal/").form("/staff/looks/mode"), status=422, mode="both")
    assert bad.status == 422


def test_the_owner_reads_who_looked_why_and_at_which_pages(app: Flask, shop: Shop, colleague: Colleague) -> None:
    paid, browser = make_paid(shop), colleague.browser()
    begin(browser, shop)
    with shifted(timedelta(minutes=5)):
        page = browser.get(f"/portal/payments/{paid.public_id}")
        assert "25 minutes left" in band(page)
        browser.submit(page.form("/staff/looks/end"))
    read = shop.browser().get("/portal/settings/staff-visits")
    assert WHY in read.text and colleague.member.public_id in read.text
    assert "Saw 2 of your own pages as the owner sees them" in read.text and f"/portal/payments/{paid.public_id}" in read.text
    assert problems_of_html(read.html) == []
    log = shop.browser().get("/portal/settings/audit-log")
    for words in (
        "Began to see these pages as the owner does",
        "Saw a page as the owner does",
        "Stopped seeing these pages as the owner does",
    ):
        assert words in log.text, words
    with app.app_context():
        entries = list_own_entries(shop.vendor).rows
        assert {entry.actor for entry in entries if entry.action.startswith("staff.look")} == {colleague.member.public_id}
    other = make_shop(app)
    assert "Nobody has looked" in other.browser().get("/portal/settings/staff-visits").text


def test_two_looks_of_one_colleague_are_kept_apart(app: Flask, shop: Shop, colleague: Colleague) -> None:
    browser = colleague.browser()
    begin(browser, shop)
    browser.get("/portal/payments")
    with shifted(timedelta(minutes=1)):
        begin(browser, shop, reason="And once more about the payout")
    with app.app_context():
        visits = list_visits(shop.vendor)
        seen = looks_of(shop.vendor, visits)
        assert [seen[visit.id].count for visit in visits] == [1, 2]
        assert [path for path, _ in seen[visits[1].id].pages] == ["/portal/payments", "/portal/"]
        assert looks_of(shop.vendor, []) == {}


def test_a_reviewer_sees_no_balances_and_so_no_pages_with_them(app: Flask, shop: Shop) -> None:
    browser = make_staff(app, "reviewer").browser()
    assert "looks/new" not in "".join(look_into(browser, path_of(shop)).links())
    assert browser.get(f"{path_of(shop)}/looks/new", status=403).status == 403


def test_the_button_pressed_twice_is_no_mistake(app: Flask, shop: Shop, colleague: Colleague) -> None:
    browser = colleague.browser()
    form = begin(browser, shop).form("/staff/looks/end")
    browser.submit(form)
    again = browser.submit(form)
    assert urlsplit(again.address).path == "/staff/" and any("is over" in words for words in again.notices)
    assert urlsplit(browser.submit(form).address).path == "/staff/"


def test_the_words_are_the_lookers_and_the_hours_the_vendors(app: Flask, shop: Shop, colleague: Colleague) -> None:
    with unit(app):
        person = db.session.get_one(type(shop.user), colleague.member.user_id)
        person.language = "de"
    assert begin(colleague.browser(), shop).all("html")[0].attrs["lang"] == "de"
    assert shop.browser().get("/portal/").all("html")[0].attrs["lang"] == "en"
