"""The staff's pages of reserves, and what the seller reads of it: in words and dates, on the balance, beside payouts, in a letter and over the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.reserve_rules import rule_of
from tests.browser import Browser, Page
from tests.core.payouts.sellers import Seller
from tests.factories import make_shop, unit
from tests.portal.admin.people import make_staff
from tests.portal.test_api import Caller
from tests.valid_html import problems_of_html


@pytest.fixture
def seller(app: Flask) -> Seller:
    return Seller(make_shop(app, currency="EUR", country="DE"), "EUR")


def finance(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def address(seller: Seller) -> str:
    return f"/staff/reserves/{seller.shop.vendor.public_id}/test"


@pytest.fixture
def kept(app: Flask, seller: Seller) -> Seller:
    """Ten percent of a sale is in reserve."""
    browser = finance(app)
    page = browser.submit(browser.get(address(seller)).form(address(seller)), bps="10", days="90", reason="Many late refunds")
    assert "It counts for everything that is released from now on." in page.text
    with shifted(timedelta(days=-20)):
        seller.sells("100.00")
    seller.release()
    return seller


def test_a_rule_is_set_with_a_reason_and_made_easier_by_two(app: Flask, seller: Seller) -> None:
    first, second = finance(app), finance(app)
    page = first.get(address(seller))
    assert problems_of_html(page.html) == []
    wrong = first.submit(page.form(address(seller)), bps="200", days="999", reason="", status=422)
    assert len(wrong.error_summary) == 3 and wrong.form(address(seller)).values["bps"] == "200"
    first.submit(wrong.form(address(seller)), bps="10", days="90", reason="Many late refunds")
    page = first.submit(first.get(address(seller)).form(address(seller)), bps="2.5", days="30", reason="A good year")
    assert "a second person has to say so too" in page.text and "You asked for it" in page.text
    assert not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/approval")], "whoever asked is not offered that"
    listed = second.get("/staff/reserves")
    assert "10% for 90 days" in listed.text and "2.5% for 30 days" in listed.text and problems_of_html(listed.html) == []
    theirs = second.get(address(seller))
    done = second.submit(theirs.form(_ending(theirs, "/approval")))
    assert "Put in force" in done.text
    with unit(app):
        assert (rule_of(seller.shop.vendor.id, "test").bps, rule_of(seller.shop.vendor.id, "live").bps) == (250, 0)


def _ending(page: Page, end: str) -> str:
    return next(form.attrs["action"] for form in page.all("form") if form.attrs.get("action", "").endswith(end))


def test_the_seller_reads_what_is_kept_until_when_and_why(app: Flask, kept: Seller) -> None:
    browser = kept.shop.browser()
    balance = browser.get("/portal/balance")
    assert "€9.85" in balance.text and "10% of what each sale leaves you is kept in reserve for 90 days." in balance.text
    page = browser.get("/portal/balance/reserve/held?currency=EUR")
    assert re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page.text) and " pay_" not in page.text
    assert "Held until" in page.text and "€9.85" in page.text and "Many late refunds" in page.text and problems_of_html(page.html) == []
    why = browser.get("/portal/balance/reserve?currency=EUR")
    assert "Kept in reserve" in why.text and "€9.85" in why.text
    assert "€0.00" in browser.get("/portal/balance/held?currency=EUR").text, "what disputes hold stands beside it"
    payouts = browser.get("/portal/payouts")
    assert "In reserve" in payouts.text and "held until" in payouts.text and "€88.65" in payouts.text
    (purse,) = Caller(kept.shop).get("/api/v1/wallet").get_json()["balances"]
    assert {name: purse[name]["amount"] for name in ("pending", "available", "reserved", "disputed", "owed")} == {
        "pending": 0, "available": 8865, "reserved": 985, "disputed": 0, "owed": 0,
    }  # fmt: skip
    assert "kept in reserve of your sales has changed" in browser.get("/portal/notices").text
    with unit(app):
        letters = db.session.query(Message).filter_by(vendor_id=kept.shop.vendor.id, kind="reserve_changed")
        assert letters.count() == 1


def test_a_seller_of_whom_nothing_is_kept_reads_so(seller: Seller) -> None:
    page = seller.shop.browser().get("/portal/balance/reserve/held")
    assert "Nothing is in reserve" in page.text and "Nothing is kept of new sales" in page.text
    seller.shop.browser().get("/portal/balance/reserve/held?currency=XXX", status=404)
    seller.shop.browser().get("/portal/balance/reserve/held?after=x", status=404)
