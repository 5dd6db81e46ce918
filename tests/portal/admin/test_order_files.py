"""The staff's pages of files for the bank: one person makes it, another gives it away, and what goes wrong is said on the page."""

from __future__ import annotations

import pytest
from flask import Flask
from lxml import etree

from core.kernel.clock import shifted
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.models import Payout
from tests.browser import Browser, Page
from tests.core.payouts.sellers import THEIRS, Seller, send_waiting_orders
from tests.factories import make_shop, unit
from tests.portal.admin.people import make_staff


@pytest.fixture(autouse=True)
def nobody_elses(app: Flask) -> None:
    send_waiting_orders(app)


@pytest.fixture
def seller(app: Flask) -> Seller:
    made = Seller(make_shop(app, currency="EUR", country="DE"), "EUR")
    with unit(app):
        add_account(made.shop.vendor, "test", currency="EUR", holder="Harbour Kiosk", iban=THEIRS, by=made.shop.user.public_id)
    with shifted(-10 * COOLING_OFF):
        made.sells("100.00")
    made.release()
    return made


@pytest.fixture
def payout(seller: Seller) -> Payout:
    return seller.pays_out()


def finance(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def make(browser: Browser) -> Page:
    return browser.submit(browser.get("/staff/order-files").form("/staff/order-files/test"))


def test_from_what_waits_to_the_bank(app: Flask, seller: Seller, payout: Payout) -> None:
    maker, giver = finance(app), finance(app)
    assert "Files for the bank" in maker.get("/staff/payouts").text
    page = make(maker)
    assert "Somebody else looks at it" in page.text and "€98.50" in page.text and payout.public_id in page.text
    assert not [e for e in page.all("form") if e.attrs.get("action", "").endswith("/handed-over")], "whoever made it is not offered that"
    raw = maker.client.get(f"{page.address}.xml")
    assert raw.content_type == "application/xml" and "attachment" in raw.headers["Content-Disposition"]
    assert b"98.50" in etree.tostring(etree.fromstring(raw.data))
    theirs = giver.get(page.address)
    done = giver.submit(theirs.form(f"{page.address}/handed-over"))
    assert "Each transfer is believed when a statement shows it" in done.text and "With the bank" in done.text
    assert giver.submit(theirs.form(f"{page.address}/handed-over"), status=422).error_summary
    assert seller.as_it_is(payout).state == "in_transit"


def test_taking_it_back_wants_a_reason(app: Flask, payout: Payout) -> None:
    browser = finance(app)
    page = make(browser)
    form = page.form(f"{page.address}/taken-back")
    assert "Say why" in browser.submit(form, status=422).text
    assert "wait for another file" in browser.submit(form, reason="the bank was closed").text
    assert "Taken back" in browser.get(page.address).text


def test_pressed_twice_it_is_one_file(app: Flask, payout: Payout) -> None:
    browser = finance(app)
    form = browser.get("/staff/order-files").form("/staff/order-files/test")
    browser.submit(form)
    assert browser.submit(form, status=422).error_summary == ["No transfer waits to be made."]


def test_who_may_not_let_money_go_may_neither_make_nor_fetch(app: Flask, payout: Payout) -> None:
    address = make(finance(app)).address
    reviewer = make_staff(app, "reviewer").browser()
    for path in ("/staff/order-files", address, f"{address}.xml"):
        reviewer.get(path, status=403)
    finance(app).get("/staff/order-files/other/x", status=404)
