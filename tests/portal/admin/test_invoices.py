"""Staff find what the house has invoiced: by number, by whom, by kind; and see the very page the buyer sees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.house import HOUSE
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from tests.browser import Browser
from tests.core.billing.kept import Kept
from tests.core.subscriptions.kinds import NOVEMBER, begun, make_seller, newest
from tests.factories import Shop, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.portal.test_invoices import plan, printed, the_house  # noqa: F401


@pytest.fixture
def finance(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def test_a_document_is_found_by_its_number_and_its_buyer(finance: Browser, plan: Kept, shop: Shop) -> None:  # noqa: F811
    document = newest(plan, "start")
    for query in (
        f"q={document.name}",
        f"q={document.number}&vendor={shop.vendor.public_id}",
        f"vendor={shop.vendor.public_id}&kind=invoice&since={document.issued_on}&until={document.issued_on}",
    ):
        page = finance.get(f"/staff/invoices?mode=test&{query}")
        assert f"/staff/invoices/{document.public_id}" in page.links(), query
    for query in (
        f"vendor={shop.vendor.public_id}&kind=credit_note",
        f"vendor={shop.vendor.public_id}&until={(document.issued_on or NOVEMBER) - timedelta(days=1)}",
        "q=999999999",
    ):
        assert "No invoice fits" in finance.get(f"/staff/invoices?mode=test&{query}").text, query


@pytest.mark.parametrize("query", ["q=abc", "vendor=nobody-of-that-name", "since=yesterday", "mode=both", "q=%00"])
def test_a_filter_that_cannot_be_used_says_so_at_its_field(finance: Browser, query: str) -> None:
    assert finance.get(f"/staff/invoices?{query}").error_summary


def test_live_documents_are_shown_unless_test_is_asked_for(finance: Browser, plan: Kept) -> None:  # noqa: F811
    assert f"/staff/invoices/{newest(plan, 'start').public_id}" not in finance.get("/staff/invoices").links()


def test_staff_see_the_buyers_page_and_the_log_says_so(finance: Browser, plan: Kept, shop: Shop) -> None:  # noqa: F811
    document = newest(plan, "start")
    page = finance.get(f"/staff/invoices/{document.public_id}")
    assert page.heading == "Invoice" and (document.name or "") in page.text and "/staff/invoices" in page.links()
    theirs = shop.browser()
    for ending in ("pdf", "xml"):
        mine = finance.client.get(f"/staff/invoices/{document.public_id}.{ending}")
        assert mine.status_code == 200 and mine.data == theirs.client.get(f"/portal/invoices/{document.public_id}.{ending}").data
    with unit(shop.app):
        looked = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, subject=document.public_id).count()
    assert looked == 3


def test_a_reviewer_opens_none(app: Flask, plan: Kept) -> None:  # noqa: F811
    browser = make_staff(app, "reviewer").browser()
    browser.get("/staff/invoices", status=403)
    browser.get(f"/staff/invoices/{newest(plan, 'start').public_id}", status=403)


def test_a_document_of_another_seller_is_not_the_houses(app: Flask, finance: Browser) -> None:
    kept = begun(make_seller(app), make_shop(app).vendor)
    document = newest(kept, "start")
    assert document.vendor_id != HOUSE and document.on_day == NOVEMBER
    finance.get(f"/staff/invoices/{document.public_id}", status=404)
