"""Invoices on paper: printed once and then the same for ever, an archive PDF with the e-invoice inside, and a letter that tells the truth."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from lxml import etree
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from core.accounts.house import write_details
from core.billing.models import BillingCharge, BillingDocument
from core.billing.wishes import AddBranches, ChooseTier
from core.customers.models import Customer
from core.kernel.clock import shifted
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.notifications.models import Message
from core.payments.charge import charge_saved
from core.payments.saved import keep_card
from core.providers.saved import SavedMethod
from core.subscriptions.models import DocumentPaper
from core.subscriptions.papers import document_final, printed_pdf, printed_xml
from core.web.pdf import PaperNotPrinted
from tests.core.billing.kept import Kept
from tests.core.subscriptions.kinds import NOVEMBER, VAT, asked, begun, finish, key, make_buyer, make_seller, newest, run_to
from tests.factories import Shop, make_payment, unit
from tests.pdf_a import faults_of_pdf_a_3
from workers import invoices
from workers.invoices import make_invoice
from workers.messages import send_message
from workers.payments import payment_settled
from workers.task import Task

FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"


@pytest.fixture(scope="module")
def seller(app: Flask) -> Shop:
    return make_seller(app, tax_bps=2000, vat_id=VAT)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Shop:
    return make_buyer(app)


@pytest.fixture
def kept(seller: Shop, buyer: Shop) -> Kept:
    return begun(seller, buyer.vendor, tax_bps=2000)


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def made(kept: Kept, document: BillingDocument) -> DocumentPaper:
    """The paper, asked for and printed."""
    asked(kept, document)
    with kept.app.app_context():
        paper = make_invoice(document.vendor_id, mode=document.mode, document=str(document.id))
    assert paper is not None
    return paper


def files(kept: Kept, document: BillingDocument) -> tuple[bytes, bytes]:
    with unit(kept.app):
        pdf, xml = printed_pdf(document), printed_xml(document)
    assert pdf and xml
    return pdf, xml


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def first_font(page: Any) -> Any:
    """As it stands below the name by which a page calls it."""
    return next(iter(page["/Resources"]["/Font"].values())).get_object()["/DescendantFonts"][0].get_object()


def widen(font: Any) -> None:
    """The first glyph that is listed claims to be wider than it is."""
    listed = font["/W"].get_object()
    if isinstance(listed[1], ArrayObject):
        listed[1][0] = NumberObject(int(listed[1][0]) + 50)
    else:
        listed[2] = NumberObject(int(listed[2]) + 50)


SPOILED: tuple[tuple[str, Callable[[Any, Any], object]], ...] = (
    ("6.1.7.1", lambda root, page: page["/Contents"].get_object().update({NameObject("/F"): TextStringObject("elsewhere.bin")})),
    ("6.2.3", lambda root, page: root["/OutputIntents"][0].get_object().pop("/DestOutputProfile")),
    ("6.2.4.3", lambda root, page: root.pop("/OutputIntents")),
    ("6.2.11.4.1", lambda root, page: first_font(page)["/FontDescriptor"].get_object().pop("/FontFile2")),
    ("6.2.11.5", lambda root, page: widen(first_font(page))),
    ("6.5.1", lambda root, page: root.update({NameObject("/OpenAction"): DictionaryObject({NameObject("/S"): NameObject("/JavaScript")})})),
    ("6.6.2.1", lambda root, page: root.pop("/Metadata")),
    ("6.8", lambda root, page: root.pop("/AF")),
)  # fmt: skip


# --- the PDF -----------------------------------------------------------------------------------------------------------------


def test_it_is_a_pdf_a_3_that_says_so_once_and_carries_the_very_xml(kept: Kept) -> None:
    document = newest(kept, "start")
    made(kept, document)
    pdf, xml = files(kept, document)
    reader = PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    described = etree.fromstring(root["/Metadata"].get_object().get_data())
    texts = etree.tostring(described).decode()
    (identified,) = [element for element in described.iter() if f"{PDFA}part" in element.attrib]
    assert (identified.get(f"{PDFA}part"), identified.get(f"{PDFA}conformance")) == ("3", "B")
    assert texts.count("<rdf:RDF") == 1
    told = {name: described.findtext(f".//{FX}{name}") for name in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")}
    assert told == {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0", "ConformanceLevel": "EN 16931"}
    assert [intent.get_object()["/S"] for intent in root["/OutputIntents"]] == ["/GTS_PDFA1"]
    (carried,) = root["/AF"]
    file = carried.get_object()
    assert (file["/UF"], file["/AFRelationship"]) == ("factur-x.xml", "/Alternative")
    assert file["/EF"]["/F"].get_object()["/Subtype"] == "/text/xml"
    assert reader.attachments == {"factur-x.xml": [xml]}
    assert "/ID" in reader.trailer and "/MarkInfo" in root


def test_it_keeps_what_iso_19005_3_asks_for_and_what_breaks_it_is_seen(kept: Kept) -> None:
    document = newest(kept, "start")
    made(kept, document)
    pdf, _ = files(kept, document)
    assert faults_of_pdf_a_3(pdf) == []
    for clause, spoil in SPOILED:
        spoiled, out = PdfWriter(clone_from=io.BytesIO(pdf)), io.BytesIO()
        spoil(spoiled.root_object, spoiled.pages[0])
        spoiled.write(out)
        assert clause in " ".join(faults_of_pdf_a_3(out.getvalue()))


def test_it_says_who_what_how_and_how_much(kept: Kept, buyer: Shop) -> None:
    run_to(kept, date(2026, 11, 16))
    kept.wish(date(2026, 11, 16), ChooseTier("pro"))
    kept.settle(date(2026, 11, 16))
    first, document = newest(kept, "start"), newest(kept, "upgrade")
    made(kept, document)
    text = words(files(kept, document)[0])
    for part in (
        document.name or "", "Plans and Co Ltd", "1 Long Acre", "London WC2E 9LH", "Company number 01234567", f"VAT number {VAT}",
        "Blue Door Bakery & Sons Ltd", "7 Mill Lane", "16 November 2026", f"Corrects {first.name} of 1 November 2026",
        "£1.00 × 15/30 days −£0.50", "£3.00 × 15/30 days £1.50", "Net £1.00", "VAT 20% on £1.00 £0.20", "Total £1.20",
        "£1.20 was paid with your card on 16 November 2026.", "Still to be paid £0.00", "TEST MODE",
    ):  # fmt: skip
        assert part in text, part


def test_a_credit_note_names_the_invoice_and_where_the_money_is(kept: Kept) -> None:
    kept.wish(NOVEMBER, AddBranches(10))
    run_to(kept, date(2026, 11, 12))
    kept.wish(date(2026, 11, 12), AddBranches(-10))
    run_to(kept, date(2026, 11, 13))
    document = newest(kept, "branches")
    assert document.kind == "credit_note"
    made(kept, document)
    text = words(files(kept, document)[0])
    branches = next(d for d in kept.documents() if d.origin == "branches" and d.kind == "invoice")
    assert f"Corrects {branches.name}" in text and "was added to your balance" in text and "Credit note" in text and "−£" not in text


# --- once, and then for ever --------------------------------------------------------------------------------------------------


def test_printed_again_it_is_the_same_to_the_byte(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    document = newest(kept, "start")
    paper = made(kept, document)
    first, xml = files(kept, document)
    assert (paper.pdf_sha256, paper.xml_sha256) == (sha256(first).hexdigest(), sha256(xml).hexdigest())
    printed: list[bytes] = []
    real = invoices.render_archive

    def watched(html: str, **more: bytes | None) -> object:
        answer = real(html, **more)
        printed.append(answer.data)
        return answer

    monkeypatch.setattr(invoices, "render_archive", watched)
    monkeypatch.setattr(invoices, "find_paper", lambda row: DocumentPaper(locale="en", settled=paper.settled, asked_at=paper.asked_at))
    with shifted(timedelta(days=40)), kept.app.app_context():
        make_invoice(document.vendor_id, mode=document.mode, document=str(document.id))
    assert printed == [first] and files(kept, document) == (first, xml)


def test_ec_91_the_seller_moves_and_the_old_paper_stays(app: Flask, buyer: Shop) -> None:
    seller = make_seller(app)
    kept = begun(seller, buyer.vendor)
    document = newest(kept, "start")
    made(kept, document)
    before = files(kept, document)
    with unit(app):
        write_details(seller.vendor.id, legal_name="Plans and Co Ltd", street="99 New Road", postcode="M1 1AA", city="Manchester")
    made(kept, document)
    assert files(kept, document) == before and "1 Long Acre" in words(before[0])
    run_to(kept, date(2026, 12, 1))
    later = newest(kept, "renewal")
    made(kept, later)
    assert "99 New Road" in words(files(kept, later)[0])


@pytest.mark.parametrize("change", ["UPDATE document_papers SET pdf = ''", "DELETE FROM document_papers"])
def test_postgresql_itself_keeps_what_was_printed(kept: Kept, change: str) -> None:
    document = newest(kept, "start")
    made(kept, document)
    with pytest.raises(DBAPIError, match="append-only"), unit(kept.app):
        db.session.connection().exec_driver_sql(f"{change} WHERE document_id = %s", (document.id,))


def test_asked_for_twice_there_is_one_paper_one_job_and_one_letter(kept: Kept) -> None:
    document = newest(kept, "start")
    for _ in range(2):
        asked(kept, document)
    with unit(kept.app):
        letters = db.session.scalars(select(Message).where(Message.about == document.public_id)).all()
        jobs = db.session.scalars(
            select(OutboxTask).where(OutboxTask.job == "make_invoice", OutboxTask.args["document"].astext == str(document.id))
        ).all()
    assert len(letters) == len(jobs) == 1


def test_what_could_not_be_printed_is_printed_later(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    document = newest(kept, "start")
    asked(kept, document)

    def jammed(_html: str, **_more: object) -> None:
        raise PaperNotPrinted("no paper")

    with monkeypatch.context() as patch, kept.app.app_context():
        patch.setattr(invoices, "render_archive", jammed)
        with pytest.raises(PaperNotPrinted):
            make_invoice(document.vendor_id, mode=document.mode, document=str(document.id))
    assert made(kept, document).printed_at is not None


def test_a_draft_has_no_paper(seller: Shop, buyer: Shop) -> None:
    kept = Kept(seller, buyer.vendor, NOVEMBER)
    (draft,) = kept.documents()
    assert draft.state == "draft"
    with kept.app.app_context():
        assert make_invoice(draft.vendor_id, mode=draft.mode, document=str(draft.id)) is None


def test_a_customer_without_a_country_gets_a_pdf_that_claims_no_more_than_it_holds(app: Flask, buyer: Shop, seller: Shop) -> None:
    make_payment(seller, email="ada@example.com", name="Ada")
    with unit(app):
        customer = db.session.scalars(select(Customer).where(Customer.vendor_id == seller.vendor.id)).one()
    kept = begun(seller, customer, tax_bps=2000)
    document = newest(kept, "start")
    made(kept, document)
    with unit(app):
        pdf, xml = printed_pdf(document), printed_xml(document)
    assert pdf and xml is None and b"factur-x" not in PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Metadata"].get_object().get_data()


# --- the letter ---------------------------------------------------------------------------------------------------------------


def letter(kept: Kept, document: BillingDocument) -> Message:
    asked(kept, document)
    with kept.app.app_context():
        with unit_of_work():
            message = db.session.scalars(select(Message).where(Message.about == document.public_id)).one()
        send_message(message.vendor_id, mode=message.mode, message=str(message.id))
        with unit_of_work():
            return db.session.get_one(Message, (message.vendor_id, message.mode, message.id), populate_existing=True)


def test_the_letter_goes_to_the_business_and_says_what_was_paid(kept: Kept, buyer: Shop) -> None:
    document = newest(kept, "start")
    sent = letter(kept, document)
    assert sent.recipient == buyer.vendor.support_email and sent.state == "kept"
    assert sent.subject == f"[Test] Invoice {document.name} from Plans and Co Ltd: £1.20"
    assert "£1.20 was paid with your card on 1 November 2026." in (sent.text or "")
    assert f"/portal/invoices/{document.public_id}" in (sent.text or "") and "attached as a PDF" in (sent.text or "")
    assert files(kept, document), "the letter did not wait for the press to be asked"


def test_what_is_still_to_be_charged_is_said_with_its_day(kept: Kept) -> None:
    kept.to(date(2026, 12, 1))
    finish(kept, date(2026, 12, 1))
    assert "£1.20 will be charged to your card on 1 December 2026." in (letter(kept, newest(kept, "renewal")).text or "")


def test_the_card_is_named_once_a_payment_is_known(kept: Kept, seller: Shop) -> None:
    with unit(kept.app):
        card = keep_card(
            seller.vendor.id, "test", "sandbox", SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034),
            email=f"bob-{secrets.token_hex(4)}@example.com", name="Bob",
        )  # fmt: skip
        payment = charge_saved(seller.vendor, card, amount=Money(120, "GBP"), description="Plan", reference=secrets.token_hex(8))
        (charge,) = kept.charges()
        db.session.get_one(BillingCharge, (charge.vendor_id, charge.mode, charge.id)).payment_id = payment.id
    assert "£1.20 was paid with Visa ending in 4242 on 1 November 2026." in (letter(kept, newest(kept, "start")).text or "")


def test_a_payment_for_documents_is_followed_by_no_receipt(kept: Kept, seller: Shop, context: None) -> None:
    (charge,) = kept.charges()
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034)
    with unit_of_work():
        card = keep_card(seller.vendor.id, "test", "sandbox", method, email=f"ada-{secrets.token_hex(4)}@example.com", name="Ada")
        charged, other = (
            charge_saved(seller.vendor, card, amount=Money(120, "GBP"), description="Plan", reference=secrets.token_hex(8))
            for _ in range(2)
        )
        db.session.get_one(BillingCharge, (charge.vendor_id, charge.mode, charge.id)).payment_id = charged.id
    with unit_of_work():
        payment_settled([Task(seller.vendor.id, {"mode": "test", "payment": str(one.id)}) for one in (charged, other)])
    with unit_of_work():
        mine = select(Message.about).where(Message.vendor_id == seller.vendor.id, Message.kind == "receipt")
        sent = set(db.session.scalars(mine)) & {charged.public_id, other.public_id}
    assert sent == {other.public_id}


def test_nothing_is_asked_for_a_document_of_another_seller(kept: Kept, app: Flask) -> None:
    with unit(app):
        document_final(db.session.get_one(BillingDocument, key(newest(kept, "start"))))
    with app.app_context(), pytest.raises(Exception, match="No row"):
        make_invoice(make_seller(app).vendor.id, mode="test", document=str(newest(kept, "start").id))
