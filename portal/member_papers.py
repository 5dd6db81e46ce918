"""What members were invoiced and credited, for the vendor who sells to them: each document as the page that is also its paper, and its files."""

from __future__ import annotations

from flask import Response
from flask_babel import gettext as _

from core.billing.models import BillingDocument
from core.kernel.errors import NotFound
from core.subscriptions.documents import get_document
from core.web.guard import current, may
from portal.blueprint import portal
from portal.invoices import as_page, as_pdf, as_xml


@portal.get("/portal/memberships/invoices/<public_id>")
@may("memberships.see")
def member_invoice(public_id: str) -> Response:
    return as_page(_mine(public_id), "portal.memberships", _("Memberships"), "portal.member_invoice_pdf", "portal.member_invoice_xml")


@portal.get("/portal/memberships/invoices/<public_id>.pdf")
@may("memberships.see")
def member_invoice_pdf(public_id: str) -> Response:
    return as_pdf(_mine(public_id))


@portal.get("/portal/memberships/invoices/<public_id>.xml")
@may("memberships.see")
def member_invoice_xml(public_id: str) -> Response:
    return as_xml(_mine(public_id))


def _mine(public_id: str) -> BillingDocument:
    """One that this vendor has issued to a customer, in the mode it is looking at."""
    me = current()
    document = get_document(me.vendor, me.mode, public_id)
    if str(document.buyer["id"]).startswith("vnd_"):
        raise NotFound("There is no such invoice.")
    return document
