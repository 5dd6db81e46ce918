"""Names and addresses of buyers with whatever they hold: refused at the field, or printed as they are, in a paper and an XML that are valid."""

from __future__ import annotations

import secrets
from datetime import date

import pytest
from flask import Flask
from lxml import etree

from core.accounts.billing_details import change_details
from core.billing.models import BillingDocument
from core.kernel.clock import now
from core.kernel.db import db
from core.subscriptions.e_invoice import e_invoice
from core.subscriptions.sheet import sheet_of
from core.web.invoice import invoice_html
from tests.attacks.test_hostile_words import HOSTILE
from tests.core.subscriptions.plans import Life, publish
from tests.factories import make_shop, unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


@pytest.mark.parametrize("code", ["\x00", "\x08", "\x0b", "\x1f", "\x7f", "\x85", "\ufffe", "\uffff"])
def test_what_no_xml_may_hold_is_refused_at_its_field(app: Flask, code: str) -> None:
    browser = make_shop(app).browser()
    form = browser.get("/portal/plan/details").form("/portal/plan/details")
    page = browser.submit(form, status=422, legal_name=f"Evil{code}Ltd", street="1 Road", city="Bristol")
    assert any("character" in error for error in page.errors)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_details_are_text_in_every_form_of_an_invoice(app: Flask, words: str) -> None:
    shop = make_shop(app, business=f"Words {secrets.token_hex(4)}")
    with unit(app):
        change_details(
            shop.vendor,
            by="usr_test",
            legal_name=words[:119],
            street=words[:119],
            postcode="]]>&lt;",
            city="<b>Bristol",
            registration="&amp;",
            vat_id="",
        )
    life = Life(app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    with unit(app):
        document = db.session.get_one(BillingDocument, tuple(getattr(life.documents()[0], k) for k in ("vendor_id", "mode", "id")))
        sheet = sheet_of(document)
        xml = e_invoice(sheet)
        html = invoice_html(sheet, written_at=now(), locale="en", carries_xml=True)
    assert xml is not None
    names = [element.text for element in etree.fromstring(xml).iter("{*}BuyerTradeParty") for element in element.iter("{*}Name")]
    assert names == [words[:119]]
    assert "<script>" not in html and "<iframe" not in html and "<img src=x" not in html and "<base" not in html
