"""What the house has invoiced and credited to its vendors: found by number, buyer, kind and day, and shown as the buyer sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import StopValidation

from core.accounts.everywhere import get_vendor_everywhere, vendors_meant
from core.accounts.house import house
from core.billing.models import BillingDocument
from core.kernel.errors import NotFound
from core.subscriptions.documents import EVERYTHING, DocumentFilter, get_document, is_number, list_documents
from core.web.day_fields import DayField
from core.web.fields import ChoiceField, Form, LineField, options, plain_text
from core.web.page import cursor, page
from core.web.staff_guard import seen, staff_may
from portal.admin.blueprint import staff_door
from portal.invoices import as_page, as_pdf, as_xml, listed


class NumberField(LineField):
    """A document's number, as it stands on it or its figures alone."""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not is_number(self.data):
            raise StopValidation(_("Write the number as it stands on the document, like INV-000042, or its figures."))


class BuyerField(LineField):
    """A vendor's number or a piece of its name; `buyers` are those it stands for."""

    buyers: tuple[str, ...] | None = None

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not plain_text(self.data):
            found = vendors_meant(self.data)
            if not found:
                raise StopValidation(_("No vendor has this number or name."))
            self.buyers = tuple(vendor.public_id for vendor in found)


class InvoiceForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = NumberField(later("Number"), most=40)
    vendor = BuyerField(later("Vendor"), most=120)
    mode = ChoiceField(later("Mode"), choices=lambda: options([("live", _("Live")), ("test", _("Test"))]), default="live")
    kind = ChoiceField(
        later("Kind"),
        choices=lambda: options([("", _("All")), ("invoice", _("Invoices")), ("credit_note", _("Credit notes"))]),
        default="",
    )
    since = DayField(later("From"))
    until = DayField(later("Until"))

    def wanted(self) -> DocumentFilter:
        """The last day counts whole."""
        last = self.until.day
        return DocumentFilter(
            kind=self.kind.data or None, number=self.q.data or None, buyers=self.vendor.buyers, since=self.since.day,
            until=last + timedelta(days=1) if last else None,
        )  # fmt: skip

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.raw_data[0] for name, field in self._fields.items() if field.data and field.raw_data}


@staff_door.get("/staff/invoices")
@staff_may("invoices.see")
def invoices() -> Response:
    form = InvoiceForm(request.args)
    good, after = form.validate(), cursor()
    mode = form.mode.data if good else "live"
    found = list_documents(house(), mode, form.wanted() if good else EVERYTHING, after=after)
    kept = form.kept() if good else {}
    return page(
        "portal/admin/invoices/index.html",
        fragment="portal/admin/invoices/_table.html",
        form=form,
        documents=listed(found.rows),
        kept=kept,
        mode=mode,
        newest=url_for(".invoices", **kept) if after else None,
        older=url_for(".invoices", after=found.next, **kept) if found.next else None,
    )


def _issued(public_id: str) -> BillingDocument:
    """One of the house's documents, live or test. The log says whose business was looked at."""
    try:
        document = get_document(house(), "live", public_id)
    except NotFound:
        document = get_document(house(), "test", public_id)
    seen(get_vendor_everywhere(document.buyer["id"]), document.public_id)
    return document


@staff_door.get("/staff/invoices/<public_id>")
@staff_may("invoices.see")
def invoice(public_id: str) -> Response:
    """The very page the buyer sees."""
    return as_page(_issued(public_id), "staff.invoices", _("Invoices"), "staff.invoice_pdf", "staff.invoice_xml")


@staff_door.get("/staff/invoices/<public_id>.pdf")
@staff_may("invoices.see")
def invoice_pdf(public_id: str) -> Response:
    return as_pdf(_issued(public_id))


@staff_door.get("/staff/invoices/<public_id>.xml")
@staff_may("invoices.see")
def invoice_xml(public_id: str) -> Response:
    return as_xml(_issued(public_id))
