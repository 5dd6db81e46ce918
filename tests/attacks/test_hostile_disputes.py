"""Disputes against hostile words and strangers: nothing typed becomes markup in the pack or on a page, and nobody else reads or answers one."""

from __future__ import annotations

import pytest
from flask import Flask

from core.disputes.evidence import answers_of, save_draft
from core.disputes.files import add_file, list_files
from core.disputes.records import records_of
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.uploads import check_file
from core.payments.models import Payment
from core.web.dispute_pack import pack_html
from tests.core.disputes.cases import Case, case_of
from tests.core.disputes.test_answers import pdf
from tests.core.payouts.sellers import Seller
from tests.factories import make_colleague, make_shop, unit

EVIL = "<script>alert(1)</script>\"'><img src=//evil.example/x onerror=alert(2)>{{7*7}}"


@pytest.fixture(scope="module")
def seller(app: Flask) -> Seller:
    return Seller(make_shop(app))


@pytest.fixture
def case(seller: Seller) -> Case:
    payment = seller.sells("100.00")
    with unit(seller.shop.app):
        db.session.query(Payment).filter_by(id=payment.id).update({"payer_name": EVIL[:120], "description": EVIL[:120]})
    made = case_of(seller, payment)
    made.tell()
    with unit(seller.shop.app):
        save_draft(made.here, {"uncategorized_text": EVIL, "shipping_carrier": EVIL, "product_description": EVIL})
        add_file(made.here, "receipt", EVIL + ".pdf", check_file(pdf()), by="usr_owner")
    return made


def test_nothing_typed_is_markup(case: Case) -> None:
    seller = case.seller
    with unit(seller.shop.app):
        here, paid = case.here, case.paid
        html = pack_html(
            seller.shop.vendor,
            paid,
            here,
            records_of(seller.shop.vendor, paid),
            answers=answers_of(here),
            files=list_files(here),
            as_of=now(),
        )
    browser = seller.shop.browser()
    path = f"/portal/disputes/{case.here.public_id}"
    for text in (html, *(browser.client.get(path + end).get_data(as_text=True) for end in ("", "/review", "/pack", "/accept"))):
        assert "<script>alert" not in text and "<img src=//evil" not in text
        assert "&lt;script&gt;" in text or "alert(1)" not in text


def test_a_file_is_its_vendors_alone_and_a_browser_runs_nothing_of_it(case: Case) -> None:
    seller = case.seller
    with unit(seller.shop.app):
        (kept,) = list_files(case.here)
    path = f"/portal/disputes/{case.here.public_id}/files/{kept.public_id}"
    mine = seller.shop.browser().get(path).response
    assert mine.headers["Content-Type"] == "application/pdf" and mine.headers["X-Content-Type-Options"] == "nosniff"
    assert "script" not in mine.headers["Content-Disposition"] and "no-store" in mine.headers["Cache-Control"]
    stranger = make_shop(seller.shop.app).browser()
    assert stranger.get(path, status=404)
    other = case_of(seller, seller.sells("10.00"))
    other.tell()
    assert seller.shop.browser().get(f"/portal/disputes/{other.here.public_id}/files/{kept.public_id}", status=404)
    for odd in ("%00", "..%2f..%2fetc", "dfl_" + "x" * 22):
        assert seller.shop.browser().get(f"/portal/disputes/{case.here.public_id}/files/{odd}", status=404)


def test_a_stranger_and_a_viewer_answer_nothing(case: Case) -> None:
    shop = case.seller.shop
    path = f"/portal/disputes/{case.here.public_id}"
    for who, status in ((make_shop(shop.app).browser(), 404), (make_colleague(shop, "viewer").browser(), 403)):
        token = who.get("/portal/").form("/sign-out").values["csrf_token"]
        for end in ("/answer", "/draft", "/accept", "/files"):
            answer = who.post(path + end, {"csrf_token": token, "sure": "y", "uncategorized_text": "not mine"})
            assert answer.response.status_code in (status, 404, 403), (end, answer.response.status_code)
    here = case.here
    assert here.wish is None and here.draft["uncategorized_text"] == EVIL and here.state == "needs_response"


@pytest.mark.parametrize("number", ["%00", "dp_" + "x" * 22, "%ED%A0%80", "x" * 3000])
def test_odd_numbers_are_not_there(seller: Seller, number: str) -> None:
    browser = seller.shop.browser()
    for path in (f"/portal/disputes/{number}", f"/portal/orders/{number}", f"/portal/disputes/{number}/pack"):
        assert browser.get(path, status=404)
    token = browser.get("/portal/orders/selling").form("/portal/orders/selling").values["csrf_token"]
    assert browser.post(f"/portal/orders/selling/{number}/withdraw", {"csrf_token": token}, status=404)
    assert browser.post("/portal/orders/selling", {"csrf_token": token, "operator": number[:39] + "\0"}, status=422)
