"""A vendor's own invoices: listed by what they say, opened as the page that is also the paper, handed out as files, and nobody else's."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house, write_details
from core.accounts.models import Vendor
from core.billing.models import BillingDocument, PriceList
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, ChooseTier
from core.kernel.config import settings
from core.kernel.db import db
from core.subscriptions.documents import DocumentFilter, list_documents
from tests.browser import Browser
from tests.core.billing.kept import Kept
from tests.core.subscriptions.kinds import NOVEMBER, asked, begun, finish, newest, run_to
from tests.factories import Shop, make_colleague, make_shop, unit
from workers.invoices import make_invoice


@pytest.fixture(scope="module")
def the_house(app: Flask) -> Shop:
    """The house as a seller: only its vendor is asked for."""
    shop = make_shop(app)
    with unit(app):
        vendor: Vendor = house()
        if db.session.scalar(select(PriceList.version).where(PriceList.vendor_id == HOUSE, PriceList.mode == "test").limit(1)) is None:
            publish_terms(vendor, "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        write_details(HOUSE, legal_name="The House Ltd", street="1 Long Acre", postcode="WC2E 9LH", city="London", registration="01234567")
    return Shop(app, vendor, shop.user, shop.membership, shop.secret)


@pytest.fixture
def plan(the_house: Shop, shop: Shop) -> Kept:
    """The shop's own subscription, its first invoice printed."""
    kept = begun(the_house, shop.vendor)
    printed(kept, newest(kept, "start"))
    return kept


def printed(kept: Kept, document: BillingDocument) -> BillingDocument:
    asked(kept, document)
    with kept.app.app_context():
        make_invoice(document.vendor_id, mode=document.mode, document=str(document.id))
    return document


def test_with_no_plan_yet_the_page_says_what_will_stand_there(owner: Browser) -> None:
    page = owner.get("/portal/invoices")
    assert page.heading == "Invoices" and "No invoices yet" in page.text and "e-invoice for your accounting program" in page.text


def test_a_list_says_number_day_reason_state_and_sum(owner: Browser, plan: Kept) -> None:
    plan.wish(NOVEMBER, AddBranches(10))
    run_to(plan, date(2026, 11, 16))
    plan.wish(date(2026, 11, 16), AddBranches(-10))
    run_to(plan, date(2026, 11, 17))
    page = owner.get("/portal/invoices")
    first, note = newest(plan, "start"), newest(plan, "branches")
    assert note.kind == "credit_note"
    for part in (
        first.name or "",
        note.name or "",
        "Start of the subscription",
        "Change of branches",
        f"{first.issued_on:%-d %B %Y}",
        "Settled",
        "Credited",
        "£1.00",
    ):
        assert part in page.text, part
    assert f"−£{-note.gross_minor // 100}." in page.text, "a credit note takes off"
    assert f"/portal/invoices/{first.public_id}.pdf" in page.links() and "being printed" in page.text


def test_an_unpaid_one_says_what_is_open(owner: Browser, plan: Kept) -> None:
    plan.to(date(2026, 12, 1))
    plan.settle(date(2026, 12, 1), pays=False)
    finish(plan, date(2026, 12, 1))
    assert "To be paid" in owner.get("/portal/invoices").text
    page = owner.get(f"/portal/invoices/{newest(plan, 'renewal').public_id}")
    assert "Still to be paid £1.00" in page.text and "£1.00 will be charged to your card on 2 December 2026." in page.text


def test_a_draft_says_that_it_is_one_and_has_no_number_and_no_files(owner: Browser, plan: Kept) -> None:
    plan.wish(date(2026, 11, 5), ChooseTier("pro"))
    draft = plan.documents()[-1]
    assert draft.state == "draft" and draft.public_id in owner.get("/portal/invoices").html
    page = owner.get(f"/portal/invoices/{draft.public_id}")
    assert "This is a draft. It becomes an invoice, with a number, once it is paid." in page.text and "INV-" not in page.heading
    assert not [link for link in page.links() if link.endswith((".pdf", ".xml"))]
    for ending in ("pdf", "xml"):
        owner.get(f"/portal/invoices/{draft.public_id}.{ending}", status=404)


def test_the_page_is_the_paper_with_doors_to_its_files(owner: Browser, plan: Kept) -> None:
    document = newest(plan, "start")
    page = owner.get(f"/portal/invoices/{document.public_id}")
    assert page.heading == "Invoice" and (document.name or "") in page.text and "The House Ltd" in page.text and "TEST MODE" in page.text
    assert {f"/portal/invoices/{document.public_id}.{ending}" for ending in ("pdf", "xml")} <= set(page.links())
    pdf, xml = (owner.client.get(f"/portal/invoices/{document.public_id}.{ending}") for ending in ("pdf", "xml"))
    assert pdf.content_type == "application/pdf" and pdf.data.startswith(b"%PDF-1.7")
    assert pdf.headers["Content-Disposition"] == f'inline; filename="{document.name}.pdf"'
    assert xml.headers["Content-Disposition"] == f'attachment; filename="{document.name}.xml"' and document.name.encode() in xml.data
    assert pdf.data == owner.client.get(f"/portal/invoices/{document.public_id}.pdf").data


def test_as_long_as_it_is_being_printed_the_page_says_so(owner: Browser, the_house: Shop, shop: Shop) -> None:
    kept = begun(the_house, shop.vendor)
    document = newest(kept, "start")
    assert "being printed" in owner.get(f"/portal/invoices/{document.public_id}").text
    owner.get(f"/portal/invoices/{document.public_id}.pdf", status=404)


def test_nobody_else_reads_it(owner: Browser, plan: Kept, app: Flask, shop: Shop, stranger: Browser) -> None:
    document = newest(plan, "start")
    other, support = make_shop(app).browser(), make_colleague(shop, "support").browser()
    accountant = make_colleague(shop, "accountant").browser()
    for ending in ("", ".pdf", ".xml"):
        path = f"/portal/invoices/{document.public_id}{ending}"
        other.get(path, status=404)
        support.get(path, status=403)
        assert stranger.client.get(path).status_code == 303
        assert accountant.client.get(path).status_code == 200
    assert document.name not in other.get("/portal/invoices").text


def test_live_and_test_stand_apart(owner: Browser, plan: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        settings().stripe, "live", dict.fromkeys(("secret_key", "publishable_key", "webhook_secret"), "sk_live_for_this_test")
    )
    owner.submit(owner.get("/portal/live").form("/portal/live"))
    document = newest(plan, "start")
    assert document.name not in owner.get("/portal/invoices").text
    owner.get(f"/portal/invoices/{document.public_id}", status=404)


@pytest.mark.parametrize("name", ["x", "doc_0000000000000000000000", "%00", "doc_x.pdf"])
def test_a_name_that_is_none_is_not_found(owner: Browser, name: str) -> None:
    owner.get(f"/portal/invoices/{name}", status=404)


def test_many_come_page_by_page(owner: Browser, plan: Kept, the_house: Shop, shop: Shop) -> None:
    for month in range(1, 28):
        run_to_month(plan, month)
    first = owner.get("/portal/invoices")
    older = next(link for link in first.links() if "after=" in link)
    second = owner.get(older)
    names = [[a.text for a in page.all("a") if a.text.startswith("TEST-INV-")] for page in (first, second)]
    assert len(names[0]) == 25 and names[1] and not set(names[0]) & set(names[1])
    with unit(shop.app):
        mine = list_documents(the_house.vendor, "test", buyer=shop.vendor, limit=100).rows
        sold = list_documents(the_house.vendor, "test", DocumentFilter(buyers=(shop.vendor.public_id,)), limit=100).rows
    assert [one.name for one in mine] == [one.name for one in sold] == [*names[0], *names[1]]


def run_to_month(plan: Kept, month: int) -> None:
    """To the next boundary, without a look at every day before it."""
    on = date(2026 + (10 + month) // 12, (10 + month) % 12 + 1, 1)
    plan.to(on)
    plan.settle(on)
    finish(plan, on)


def test_german_readers_read_german(owner: Browser, plan: Kept) -> None:
    document = newest(plan, "start")
    page = owner.get(f"/portal/invoices/{document.public_id}?lang=de")
    assert page.heading == "Rechnung" and "Noch zu zahlen" in page.text and "Ausgestellt am" in page.text
