"""Invoices and credit notes of the vendor's own subscription: the list, each as the page that is also its paper, and its files."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, make_response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.house import house
from core.billing.models import BillingDocument
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.subscriptions.documents import get_document, list_documents
from core.subscriptions.papers import find_paper, printed, printed_pdf, printed_xml
from core.subscriptions.reissued import may_ask_anew
from core.subscriptions.sheet import sheet_of
from core.subscriptions.standing import standings
from core.web.guard import current, may
from core.web.invoice import invoice_html, origin_of
from core.web.languages import language
from core.web.page import cursor, page, send_kept
from core.web.reader import Reader
from portal.blueprint import portal

# How a document stands: the word and its tone. What nobody owes any more is settled, whether it was paid or credited.
STATES = {
    "draft": (later("Draft"), "quiet"),
    "open": (later("To be paid"), "warn"),
    "carried": (later("Goes with the next"), "info"),
    "settled": (later("Settled"), "good"),
    "written_off": (later("Not asked for any more"), "quiet"),
    "credited": (later("Credited"), "good"),
}
XML = "application/xml; charset=utf-8"


@dataclass(frozen=True)
class Listed:
    """A document as a list shows it; a credit note's sum has a minus."""

    public_id: str
    name: str | None
    is_credit: bool
    buyer: str
    buyer_id: str
    mode: str
    what_for: str
    on: date
    state: Any
    tone: str
    due: Money | None
    gross: Money
    printed: bool


def listed(documents: list[BillingDocument]) -> list[Listed]:
    """The rows of a list, in the reader's language."""
    stand, papers, reader = standings(documents), printed(documents), Reader(language())
    rows = []
    for one in documents:
        state, due = stand[one.id]
        word, tone = STATES[state]
        rows.append(
            Listed(
                one.public_id, one.name, one.kind == "credit_note", one.buyer["name"], one.buyer["id"], one.mode,
                origin_of(one.origin, reader), one.issued_on or one.on_day, word, tone, due if due and due.minor != one.gross_minor else None,
                Money(one.gross_minor, one.currency), one.id in papers,
            )
        )  # fmt: skip
    return rows


def states_of(documents: list[BillingDocument]) -> dict[uuid.UUID, tuple[Any, str]]:
    """The word and the tone of each that has not been dropped."""
    return {row_id: STATES[state] for row_id, (state, _due) in standings([one for one in documents if one.state != "dropped"]).items()}


@portal.get("/portal/invoices")
@may("balance.see")
def invoices() -> Response:
    me, after = current(), cursor()
    found = list_documents(house(), me.mode, buyer=me.vendor, after=after)
    return page(
        "portal/invoices/index.html",
        fragment="portal/invoices/_table.html",
        documents=listed(found.rows),
        newest=url_for(".invoices") if after else None,
        older=url_for(".invoices", after=found.next) if found.next else None,
    )


def own_invoice(public_id: str) -> BillingDocument:
    """One that is made out to this vendor, in the mode it is looking at."""
    me = current()
    return get_document(house(), me.mode, public_id, buyer=me.vendor)


@portal.get("/portal/invoices/<public_id>")
@may("balance.see")
def invoice(public_id: str) -> Response:
    document = own_invoice(public_id)
    anew = url_for(".invoice_anew", public_id=public_id) if current().may("plan.manage") and may_ask_anew(document) else ""
    return as_page(document, "portal.invoices", _("Invoices"), "portal.invoice_pdf", "portal.invoice_xml", anew=anew)


@portal.get("/portal/invoices/<public_id>.pdf")
@may("balance.see")
def invoice_pdf(public_id: str) -> Response:
    return as_pdf(own_invoice(public_id))


@portal.get("/portal/invoices/<public_id>.xml")
@may("balance.see")
def invoice_xml(public_id: str) -> Response:
    return as_xml(own_invoice(public_id))


# --- for the staff's pages too ----------------------------------------------------------------------------------------------


def as_page(document: BillingDocument, back: str, back_text: str, pdf: str, xml: str, *, anew: str = "") -> Response:
    """The document as it stands now. The doors to its files are there once it is printed."""
    paper = find_paper(document)
    is_printed = paper is not None and paper.printed_at is not None
    with_xml = paper is not None and paper.xml_sha256 is not None
    html = invoice_html(
        sheet_of(document),
        written_at=paper.asked_at if paper else document.made_at,
        locale=language(),
        pdf_address=url_for(pdf, public_id=document.public_id) if is_printed else "",
        xml_address=url_for(xml, public_id=document.public_id) if with_xml else "",
        back=(url_for(back), back_text),
        anew_address=anew,
    )
    return make_response(html)


def as_pdf(document: BillingDocument) -> Response:
    return _file(document, printed_pdf(document), "application/pdf", "pdf", "inline", lambda: _("This document has not been printed yet."))


def as_xml(document: BillingDocument) -> Response:
    return _file(document, printed_xml(document), XML, "xml", "attachment", lambda: _("There is no e-invoice of this document."))


def _file(document: BillingDocument, data: bytes | None, kind: str, ending: str, how: str, missing: Callable[[], str]) -> Response:
    """Exactly the bytes that were kept."""
    if data is None:
        raise NotFound(missing())
    return send_kept(data, f"{document.name}.{ending}", kind=kind, how=how)
