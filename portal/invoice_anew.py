"""An invoice of the plan issued anew with the vendor's present details: both documents before they are made, and the press that makes them."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.billing.models import BillingDocument
from core.kernel.errors import Refusal
from core.subscriptions.reissued import check_own, issue_own_anew, plan_of
from core.web.fields import Form
from core.web.guard import current, may
from core.web.invoice import party_lines
from core.web.languages import reader, written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.invoices import own_invoice


@portal.get("/portal/invoices/<public_id>/anew")
@may("plan.manage")
def invoice_anew(public_id: str) -> Response:
    return _page(own_invoice(public_id), Form(formdata=None))


@portal.post("/portal/invoices/<public_id>/anew")
@may("plan.manage")
def issue_invoice_anew(public_id: str) -> Response:
    """Only what was shown; sent twice it is done once."""
    document, form = own_invoice(public_id), Form()
    if form.validate():
        with form.refusals():
            issue_own_anew(plan_of(document), document, expects=request.form.get("expects", ""), by=current().user.public_id)
            flash(
                _("%(paper)s is issued anew. The credit note and the new invoice are on their way to you.", paper=document.name or ""),
                "good",
            )
            return see_other(url_for(".invoices"))
    return _page(document, form)


def _page(document: BillingDocument, form: Form) -> Response:
    anew, why_not = None, ""
    try:
        anew = check_own(plan_of(document), document)
    except Refusal as refusal:
        why_not = written(refusal.message)
    return page(
        "portal/invoices/anew.html",
        status=409 if form.form_errors else form.status,
        form=form,
        document=document,
        anew=anew,
        why_not=why_not,
        before=party_lines(document.buyer, reader()),
        now=party_lines(dict(anew.now), reader()) if anew else [],
    )
