"""The documents of a membership for whoever pays for it: each as a page, as the PDF and as the e-invoice, good long after the membership has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, make_response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from checkout.blueprint import door
from core.accounts.models import Vendor
from core.billing.models import BillingDocument, KeptSubscription
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.memberships.join import find_subscription
from core.memberships.lists import document_of, documents_of
from core.memberships.models import Member
from core.memberships.page import open_member_token
from core.subscriptions.papers import find_paper, printed, printed_pdf, printed_xml
from core.subscriptions.sheet import sheet_of
from core.subscriptions.standing import standings
from core.web.guard import public
from core.web.invoice import invoice_html
from core.web.languages import language, language_choices, suggest
from core.web.page import see_other, send_kept

XML = "application/xml; charset=utf-8"
# How a document stands, as its payer reads it: the word and its tone.
STATES = {
    "draft": (_l("is being issued"), "quiet"),
    "open": (_l("To be paid"), "warn"),
    "carried": (_l("Goes with the next charge"), "info"),
    "settled": (_l("Paid"), "good"),
    "written_off": (_l("Not asked for any more"), "quiet"),
    "credited": (_l("Credited"), "good"),
}


@dataclass(frozen=True)
class Listed:
    """A document as the member's page shows it."""

    name: str
    is_credit: bool
    on: date
    gross: Money
    word: Any
    tone: str
    href: str
    pdf: str | None


def opened(token: str) -> tuple[Vendor, Member]:
    """Whose page it is. Raises TokenRefused for anything we did not issue, or have since taken back."""
    vendor, joined = open_member_token(token)
    suggest(joined.locale)
    return vendor, joined


def papers_of(vendor: Vendor, row: KeptSubscription, token: str) -> list[Listed]:
    """Its invoices and credit notes, newest first."""
    documents = documents_of(vendor, row)
    stand, papers = standings(documents), printed(documents)
    return [_listed(one, token, stand[one.id][0], one.id in papers) for one in documents]


def _listed(one: BillingDocument, token: str, standing: str, is_printed: bool) -> Listed:
    word, tone = STATES[standing]
    where = {"token": token, "public_id": one.public_id}
    pdf = url_for("checkout.member_invoice_pdf", **where) if is_printed else None
    href = url_for("checkout.member_invoice", **where)
    name = one.name or (_("Credit note") if one.kind == "credit_note" else _("Invoice"))
    return Listed(name, one.kind == "credit_note", one.issued_on or one.on_day, one.gross, word, tone, href, pdf)


@door.get("/m/<token>/invoices/<public_id>")
@public
def member_invoice(token: str, public_id: str) -> Response:
    """The document as it stands now, with the doors to its files once it is printed."""
    document = _theirs(token, public_id)
    paper = find_paper(document)
    where = {"token": token, "public_id": public_id}
    html = invoice_html(
        sheet_of(document),
        written_at=paper.asked_at if paper else document.made_at,
        locale=language(),
        pdf_address=url_for("checkout.member_invoice_pdf", **where) if paper and paper.printed_at else "",
        xml_address=url_for("checkout.member_invoice_xml", **where) if paper and paper.xml_sha256 else "",
        back=(url_for("checkout.member", token=token), _("Your membership")),
        languages=language_choices(),
    )
    return make_response(html)


@door.get("/m/<token>/invoices/<public_id>.pdf")
@public
def member_invoice_pdf(token: str, public_id: str) -> Response:
    """As it was printed; until then, its page."""
    return _file(token, public_id, printed_pdf, "application/pdf", "pdf", "inline")


@door.get("/m/<token>/invoices/<public_id>.xml")
@public
def member_invoice_xml(token: str, public_id: str) -> Response:
    return _file(token, public_id, printed_xml, XML, "xml", "attachment")


def _file(token: str, public_id: str, read: Callable[[BillingDocument], bytes | None], kind: str, ending: str, how: str) -> Response:
    """Exactly the bytes that were kept."""
    document = _theirs(token, public_id)
    kept = read(document)
    if kept is None:
        return see_other(url_for("checkout.member_invoice", token=token, public_id=public_id))
    return send_kept(kept, f"{document.name}.{ending}", kind=kind, how=how)


def _theirs(token: str, public_id: str) -> BillingDocument:
    vendor, joined = opened(token)
    row = find_subscription(joined)
    if row is None:
        raise NotFound("There is no such invoice.")
    return document_of(vendor, row, public_id)
