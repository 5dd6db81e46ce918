"""Invoices and credit notes: printed once they are final, as a PDF with the e-invoice inside, kept for ever, and sent with their letter."""

from __future__ import annotations

import uuid
from typing import Any

import structlog

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.billing.models import BillingDocument
from core.kernel.db import db, unit_of_work
from core.notifications.models import Message
from core.subscriptions.documents import get_document
from core.subscriptions.e_invoice import e_invoice, lacking
from core.subscriptions.models import DocumentPaper
from core.subscriptions.papers import find_paper, keep_printed, printed_pdf, stood
from core.subscriptions.sheet import sheet_of
from core.web import addresses
from core.web.invoice import invoice_html, origin_of, outcome
from core.web.mail import Enclosure
from core.web.pdf import PaperNotPrinted, render_archive
from core.web.reader import Reader

log = structlog.get_logger("workers")


def make_invoice(vendor_id: uuid.UUID, *, mode: str, document: str) -> DocumentPaper | None:
    """Print it as it stood when its paper was asked for, so that a second try prints the same. None for what has no paper to come.

    Raises PaperNotPrinted when the press cannot: try again later.
    """
    key = (vendor_id, mode, uuid.UUID(document))
    with unit_of_work():
        row = db.session.get_one(BillingDocument, key)
        paper = find_paper(row)
        if paper is None or paper.printed_at is not None:
            return paper
        sheet = sheet_of(row, stood(paper))
        xml, name = e_invoice(sheet), row.public_id
        html = invoice_html(sheet, written_at=paper.asked_at, locale=paper.locale, carries_xml=xml is not None)
    if xml is None:
        log.warning("no_e_invoice", document=name, lacks=", ".join(lacking(sheet)))
    printed = render_archive(html, e_invoice=xml)
    if printed.refused:
        log.warning("paper_wanted_files", document=name, addresses=printed.refused)
    with unit_of_work():
        return keep_printed(db.session.get_one(BillingDocument, key), pdf=printed.data, xml=xml)


# --- the letter --------------------------------------------------------------------------------------------------------------


def invoice_facts(vendor: Vendor, message: Message) -> dict[str, Any]:
    """What the letter says: the document, and what became of its sum by now. A business is led to it; a customer has the PDF."""
    row = get_document(vendor, message.mode, message.params["document"])
    sheet, reader, paper = sheet_of(row), Reader(message.locale, vendor.time_zone), find_paper(row)
    business = find_vendor(str(row.buyer["id"]))
    return {
        "sheet": sheet,
        "practice": row.mode == "test",
        "origin": origin_of(sheet.origin, reader),
        "outcome": outcome(sheet, reader),
        "carries_xml": paper is not None and paper.xml_sha256 is not None,
        "action_url": addresses.portal_invoice(row.public_id, row.mode, business) if business else "",
    }


def invoice_enclosed(vendor: Vendor, message: Message) -> list[Enclosure]:
    """The document as a PDF, printed now should that not have happened. When it cannot be printed the letter goes without."""
    with unit_of_work():
        row = get_document(vendor, message.mode, message.params["document"])
        pdf, name = printed_pdf(row), row.name
    if pdf is None:
        try:
            paper = make_invoice(vendor.id, mode=message.mode, document=str(row.id))
        except PaperNotPrinted as problem:
            log.warning("letter_without_paper", id=message.public_id, reason=str(problem))
            return []
        pdf = paper.pdf if paper else None
    return [Enclosure(f"{name}.pdf", "application/pdf", pdf)] if pdf else []
