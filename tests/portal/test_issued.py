"""Invoices for payments: switched on in the settings, listed, printed, found beside the receipt, and refused where nobody may see them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from core.payments.payer_page import change_details
from core.payments.start import receipt_token
from tests.browser import Browser
from tests.core.invoices.conftest import with_details
from tests.core.invoices.test_issue import COMPANY
from tests.factories import Shop, again, ask_refund, make_colleague, make_paid, make_shop, out_of_sight, tell_refund, unit
from tests.pdf_a import faults_of_pdf_a_3
from tests.portal.test_statement_pdf import words

Work = Callable[[], int]
SETTINGS = "/portal/settings/invoices"


@pytest.fixture
def shop(app: Flask) -> Shop:
    made = make_shop(app)
    with unit(app):
        out_of_sight()
    return made


def receipt(shop: Shop, payment: object) -> str:
    with shop.app.app_context():
        return f"/receipt/{receipt_token(shop.vendor, payment)}"


def found(owner: Browser) -> str:
    """Where the first one stands."""
    (href,) = [e.attrs["href"] for e in owner.get("/portal/issued").all("a") if e.text == "TEST-INV-000001"]
    return href


def test_switching_them_on_takes_a_name_and_an_address(shop: Shop) -> None:
    owner = shop.browser()
    page = owner.get(SETTINGS)
    assert "write down: your name by law, street and number, postcode, town." in page.text
    refused = owner.submit(page.form(SETTINGS), status=422, issue="on")
    assert "an invoice has to say who issues it" in refused.text
    with_details(shop)
    assert "Every payment from now on gets an invoice" in owner.submit(owner.get(SETTINGS).form(SETTINGS), issue="on").text
    assert "On since" in owner.get(SETTINGS).text and "Switched invoices for payments" in owner.get("/portal/settings/audit-log").text
    assert "No more invoices" in owner.submit(owner.get(SETTINGS).form(SETTINGS), issue="off").text


def test_from_the_payment_to_the_paper_and_the_payer(shop: Shop, stranger: Browser, work: Work) -> None:
    owner = with_details(shop).browser()
    owner.submit(owner.get(SETTINGS).form(SETTINGS), issue="on")
    payment = make_paid(shop)
    work()
    listed = owner.get("/portal/issued")
    assert "TEST-INV-000001" in listed.text and "Ada Payer" in listed.text and payment.reference in listed.text
    (href,) = {e.attrs["href"] for e in listed.all("a") if e.attrs["href"].endswith(".pdf")}
    paper = owner.client.get(href)
    text = words(bytes(paper.data))
    assert paper.content_type == "application/pdf" and owner.client.get(href).data == paper.data, "the same bytes, whenever"
    assert faults_of_pdf_a_3(paper.data) == []
    for said in (
        "TEST MODE",
        "TEST-INV-000001",
        "Blue Door Bakery Ltd",
        "7 Mill Lane",
        "GB123456789",
        "Sourdough course",
        "£25.00",
        "Ada Payer",
    ):
        assert said in text, said
    refund = ask_refund(shop, payment, "5.00", reason="not_delivered")
    tell_refund(shop, refund, "succeeded")
    with unit(shop.app):
        change_details(shop.vendor, again(payment), COMPANY)
    work()
    shown = owner.get(f"/portal/payments/{payment.public_id}")
    assert [e.text for e in shown.all("a") if "TEST-" in e.text and e.attrs["href"].endswith(".pdf") is False] == [
        "TEST-INV-000001", "TEST-CN-000001", "TEST-CN-000002", "TEST-INV-000002",
    ]  # fmt: skip
    assert "Invoice TEST-INV-000002 issued" in shown.text
    theirs = stranger.get(receipt(shop, payment))
    links = [(e.text, e.attrs["href"]) for e in theirs.all("a") if "TEST-" in e.text]
    assert [name for name, _ in links][1:3] == ["Credit note TEST-CN-000001 (PDF)", "Credit note TEST-CN-000002 (PDF)"]
    note, anew = (words(bytes(stranger.client.get(links[at][1]).data)) for at in (1, 3))
    assert "It was not delivered" in note and "TEST-INV-000001" in note and "£5.00" in note
    assert "Ada & Co GmbH" in anew and "DE136695976" in anew and "10115 Berlin" in anew


def test_one_is_issued_by_hand_and_only_once(shop: Shop, work: Work) -> None:
    payment, owner = make_paid(with_details(shop)), shop.browser()
    path = f"/portal/payments/{payment.public_id}"
    form = owner.get(path).form(f"{path}/invoice")
    assert "TEST-INV-000001 is issued" in owner.submit(form).text
    assert "It has an invoice already" in owner.submit(form).text
    page = owner.get(found(owner))
    assert page.heading == "Invoice" and "The PDF is being printed" in page.text
    assert make_colleague(shop, "viewer").browser().client.post(f"{path}/invoice").status_code in (400, 403)


def test_nobody_elses_is_shown(app: Flask, shop: Shop, stranger: Browser, work: Work) -> None:
    payment, owner = make_paid(with_details(shop)), shop.browser()
    path = f"/portal/payments/{payment.public_id}"
    owner.submit(owner.get(path).form(f"{path}/invoice"))
    work()
    href = found(owner)
    other = make_shop(app)
    assert other.browser().client.get(href).status_code == 404
    number = href.rpartition("/")[2]
    assert stranger.client.get(f"{receipt(other, make_paid(other))}/documents/{number}.pdf").status_code in (404, 410)
    assert stranger.client.get(f"{receipt(shop, make_paid(shop))}/documents/{number}.pdf").status_code in (404, 410)


def test_a_month_or_a_kind_narrows_the_list_and_nonsense_is_said_at_its_field(shop: Shop) -> None:
    payment, owner = make_paid(with_details(shop)), shop.browser()
    path = f"/portal/payments/{payment.public_id}"
    owner.submit(owner.get(path).form(f"{path}/invoice"))
    assert "TEST-INV-000001" in owner.get("/portal/issued?span=month&kind=invoice").text
    for query in ("kind=credit_note", "until=2020-01-31"):
        page = owner.get(f"/portal/issued?{query}")
        assert "Nothing was issued that fits" in page.text and "TEST-INV-000001" not in page.text
    refused = owner.get("/portal/issued?since=2026-13-01", status=None)
    assert refused.error_summary and "These filters cannot be used" in refused.text


def test_what_is_held_of_a_payer_has_their_invoices(shop: Shop) -> None:
    payment, owner = make_paid(with_details(shop), email="one.buyer@example.com"), shop.browser()
    path = f"/portal/payments/{payment.public_id}"
    owner.submit(owner.get(path).form(f"{path}/invoice"))
    (customer,) = {e.attrs["href"] for e in owner.get(path).all("a") if e.attrs.get("href", "").startswith("/portal/customers/cus_")}
    held = json.loads(owner.client.get(f"{customer}/personal-data.json").get_data(as_text=True))
    (invoice,) = held["invoices"]
    assert (invoice["number"], invoice["amount"]) == ("TEST-INV-000001", "GBP 25.00")
    assert invoice["made_out_to"]["email"] == "one.buyer@example.com"


@pytest.mark.parametrize(
    "query", ["kind=x", "since=2026-13-01", "until=%00", "after=inv_x", "kind=credit_note&until=2020-01-31", "span=x", "since=99999-1-1"]
)
def test_any_question_is_answered(shop: Shop, query: str) -> None:
    assert shop.browser().client.get(f"/portal/issued?{query}").status_code in (200, 404, 422)
