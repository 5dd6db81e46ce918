"""P23: a vendor whose details were wrong sees both documents before they are made, has them made once, and nobody else may."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from core.accounts.billing_details import change_details
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from tests.browser import Browser
from tests.core.subscriptions.plans import Life, publish
from tests.factories import make_colleague, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

DETAILS = {
    "legal_name": "Lively Holdings Ltd",
    "street": "7 Mill Lane",
    "postcode": "BS1 4ND",
    "city": "Bristol",
    "registration": "",
    "vat_id": "",
}
OFFER = "Issue it anew with my present details"


def days_ago(days: int) -> date:
    return now().date() - timedelta(days=days)


@pytest.fixture
def life(app: Flask) -> Life:
    publish(app)
    begun = Life(app, days_ago(5), "pro")
    begun.answer(days_ago(5))
    begun.to(days_ago(0))
    return begun


def moves(life: Life) -> None:
    with unit(life.app):
        change_details(db.session.get_one(Vendor, life.shop.vendor.id), by=life.shop.user.public_id, **DETAILS)


def test_ec_96_the_page_offers_it_once_something_would_change(life: Life) -> None:
    browser, path = life.shop.browser(), f"/portal/invoices/{life.documents()[0].public_id}"
    assert OFFER not in browser.get(path).text
    assert "nothing on it would change" in browser.get(f"{path}/anew").text
    moves(life)
    assert OFFER in browser.get(path).text and f"{path}/anew" in browser.get(path).links()


def test_ec_96_both_documents_are_shown_and_made_once(life: Life) -> None:
    moves(life)
    browser, path = life.shop.browser(), f"/portal/invoices/{life.documents()[0].public_id}"
    page = browser.get(f"{path}/anew")
    assert problems_of_html(page.html) == []
    assert "Lively Holdings Ltd" in page.text and "−£3.00" in page.text and "Lively and Sons" in page.text
    form = page.form(f"{path}/anew")
    wrong = browser.submit(form, status=409, expects="other")
    assert "Look at it once more" in wrong.text and len(life.documents()) == 1
    done = browser.submit(form)
    assert "is issued anew" in done.text
    assert [(one.kind, one.gross_minor) for one in life.documents()] == [("invoice", 300), ("credit_note", -300), ("invoice", 300)]
    twice = browser.submit(form, status=409)
    assert "credited already" in twice.text and len(life.documents()) == 3
    note, new = (browser.get(f"/portal/invoices/{one.public_id}").text for one in life.documents()[1:])
    assert (
        "Corrects" in note
        and "Unused days" not in note
        and "An invoice issued anew with other details" in note
        and "Lively Holdings Ltd" in new
    )
    assert "was issued anew" in browser.get("/portal/plan").text


def test_ec_96_only_who_manages_the_plan_and_only_its_own(app: Flask, life: Life) -> None:
    moves(life)
    path = f"/portal/invoices/{life.documents()[0].public_id}"
    accountant = make_colleague(life.shop, "accountant").browser()
    assert OFFER not in accountant.get(path).text
    accountant.get(f"{path}/anew", status=403)
    make_shop(app).browser().get(f"{path}/anew", status=404)


def test_ec_96_staff_do_it_with_a_reason_that_the_trail_keeps(app: Flask, life: Life) -> None:
    staff: Browser = make_staff(app, "finance").browser()
    path = f"/staff/subscriptions/{life.row.public_id}/documents/{life.documents()[0].public_id}"
    page = staff.get(path)
    assert problems_of_html(page.html) == [] and "a credit note of £3.00, and an invoice of £3.00" in page.text
    form = page.form(f"{path}/anew")
    assert "Say in a few words why: it stays with both documents." in staff.submit(form, status=422).errors
    refused = staff.submit(form, status=422, why="bad")
    assert refused.form(f"{path}/anew").values["why"] == "bad" and problems_of_html(refused.html) == []
    done = staff.submit(form, why="Made out to the wrong company")
    assert "Why: Made out to the wrong company" in done.text and "was issued anew" in done.text
    assert "credited already" in staff.submit(form, status=409, why="Made out to the wrong company").text
    assert len(life.documents()) == 3
