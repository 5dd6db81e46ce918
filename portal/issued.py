"""Invoices and credit notes that the vendor issues for single payments: the list, each as the page that is also its paper, and the switch."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, flash, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.invoices.issue import issue_by_hand
from core.invoices.models import SaleDocument
from core.invoices.queries import (
    PAPER,
    IssuedFilter,
    corrected_by,
    documents_of,
    get_document,
    get_payment_of,
    list_issued,
    printed,
)
from core.invoices.switch import find_switch, switch_invoices, what_is_lacking
from core.kernel.errors import NotFound, Refusal
from core.notifications.papers import newest_paper
from core.payments.models import Payment
from core.payments.queries import get_payment
from core.web.fields import ChoiceField, Form, options
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other, send_kept
from core.web.reader import Reader, written_for
from core.web.sale_invoice import ORIGINS, sale_invoice_html
from portal.blueprint import portal
from portal.days import SpanForm

LACKING = {
    "support_email": later("an address for questions"),
    "legal_name": later("your name by law"),
    "street": later("street and number"),
    "postcode": later("postcode"),
    "city": later("town"),
    "vat_id": later("your VAT number"),
}


KINDS = {"": later("Invoices and credit notes"), "invoice": later("Invoices"), "credit_note": later("Credit notes")}


class IssuedForm(SpanForm):
    kind = ChoiceField(later("Kind"), choices=lambda: options(KINDS.items()), default="")

    def wanted(self) -> IssuedFilter:
        """The filters as the question takes them; the last day counts whole."""
        first, last = self.days
        return IssuedFilter(kind=self.kind.data or None, since=first, until=last)


class SwitchForm(Form):
    """Nothing but the token against forgery: the button says which."""


@dataclass(frozen=True)
class Issued:
    """A document as a list shows it."""

    document: SaleDocument
    payment: Payment
    what_for: str
    is_printed: bool


def issued_for(payment: Payment) -> list[Issued]:
    """What was issued for one payment, in the reader's words."""
    return _shown([(document, payment) for document in documents_of(current().vendor, payment)])


def _shown(rows: list[tuple[SaleDocument, Payment]]) -> list[Issued]:
    me, reader = current(), Reader(language())
    done = printed(me.vendor.id, me.mode, [document for document, _payment in rows])
    return [Issued(one, payment, written_for(reader, ORIGINS[one.origin]), one.public_id in done) for one, payment in rows]


@portal.get("/portal/issued")
@may("balance.see")
def issued() -> Response:
    me, after, form = current(), cursor(), IssuedForm(request.args)
    good = form.validate()
    found = list_issued(me.vendor, me.mode, form.wanted() if good else IssuedFilter(), after=after)
    kept = form.kept() if good else {}
    return page(
        "portal/issued/index.html",
        fragment="portal/issued/_table.html",
        form=form,
        documents=_shown(found.rows),
        switch=find_switch(me.vendor, me.mode),
        kept=kept,
        newest=url_for(".issued", **kept) if after else None,
        older=url_for(".issued", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/issued/<public_id>")
@may("balance.see")
def issued_document(public_id: str) -> Response:
    me = current()
    document = get_document(me.vendor, me.mode, public_id)
    is_printed = bool(printed(me.vendor.id, me.mode, [document]))
    html = sale_invoice_html(
        document,
        get_payment_of(document),
        corrected_by(document),
        locale=language(),
        pdf_address=url_for(".issued_pdf", public_id=public_id) if is_printed else "",
        back=(url_for(".issued"), _("Invoices you issue")),
    )
    return make_response(html)


@portal.get("/portal/issued/<public_id>.pdf")
@may("balance.see")
def issued_pdf(public_id: str) -> Response:
    me = current()
    document = get_document(me.vendor, me.mode, public_id)
    paper = newest_paper(me.vendor.id, me.mode, about=document.public_id, kind=PAPER)
    if paper is None:
        raise NotFound(_("This document has not been printed yet."))
    return send_kept(paper.pdf, f"{document.name}.pdf")


@portal.post("/portal/payments/<public_id>/invoice")
@may("messages.send")
def issue_invoice(public_id: str) -> Response:
    """An invoice for one payment, whatever the switch says."""
    me, form = current(), SwitchForm()
    payment = get_payment(me.vendor, me.mode, public_id)
    if form.validate():
        try:
            made = issue_by_hand(me.vendor, payment, by=me.user.public_id)
            flash(
                _("%(number)s is issued; its PDF is being printed.", number=made[0].name) if made else _("It has an invoice already."),
                "good",
            )
        except Refusal as refusal:
            flash(str(refusal.message), "bad")
    return see_other(url_for(".payment", public_id=payment.public_id))


@portal.get("/portal/settings/invoices")
@may("settings.see")
def invoice_settings() -> Response:
    return _settings(SwitchForm(formdata=None))


@portal.post("/portal/settings/invoices")
@may("settings.edit")
def change_invoice_settings() -> Response:
    me, form, on = current(), SwitchForm(), request.form.get("issue") == "on"
    if form.validate():
        with form.refusals():
            switch_invoices(me.vendor, me.mode, on=on, by=me.user.public_id)
            flash(_("Every payment from now on gets an invoice.") if on else _("No more invoices are issued by themselves."), "good")
            return see_other(url_for(".invoice_settings"))
    return _settings(form)


def _settings(form: SwitchForm) -> Response:
    me = current()
    lacking = [str(LACKING[name]) for name in what_is_lacking(me.vendor)]
    return page("portal/issued/settings.html", status=form.status, form=form, switch=find_switch(me.vendor, me.mode), lacking=lacking)
