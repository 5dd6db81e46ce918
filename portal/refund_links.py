"""Refund links: the payer of what cannot go back the way it came is asked for an account, and somebody looks at it before money moves."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import names_of
from core.payments.claim import (
    LIFE,
    LONGEST_REASON,
    approve_claim,
    find_stuck,
    get_claim,
    is_stuck,
    list_claims,
    make_claim,
    payment_of_claim,
    refuse_claim,
    revoke_claim,
    why_no_link,
)
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.queries import get_payment
from core.payments.refund_models import Refund
from core.web.fields import Form, LineField, MoneyField, ParagraphField
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed


class NewForm(Form):
    refund = LineField("", most=40)
    amount = MoneyField(later("Amount to refund"))

    def __init__(self, payment: Payment, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.amount.currency = payment.currency


class DecisionForm(Form):
    reason = ParagraphField(later("Reason"), most=LONGEST_REASON)


@portal.get("/portal/payments/<public_id>/refund-link")
@may("payments.refund")
def new_refund_link(public_id: str) -> Response:
    payment = _payment(public_id)
    refund = find_stuck(current().vendor, payment, request.args.get("refund", ""))
    form = NewForm(
        payment, formdata=None, refund=refund.public_id if refund else "", amount=refund.amount if refund else payment.refundable
    )
    return _ask(payment, refund, form)


@portal.post("/portal/payments/<public_id>/refund-link")
@may("payments.refund")
def send_refund_link(public_id: str) -> Response:
    """The payer is written to; no money moves."""
    me, payment = current(), _payment(public_id)
    form = NewForm(payment)
    good = form.validate()
    refund = find_stuck(me.vendor, payment, form.refund.data or "")
    if good:
        with form.refusals():
            made = make_claim(me.vendor, payment, refund, amount=form.amount.data, by=me.user.public_id)
            flash(_("The link is on its way to %(email)s.", email=payment.email), "good")
            return see_other(url_for(".refund_link", number=made.public_id))
    return _ask(payment, refund, form)


def _ask(payment: Payment, refund: Refund | None, form: NewForm) -> Response:
    stuck = is_stuck(payment, refund)
    problem = why_no_link(payment, refund, list_claims(current().vendor, payment)) if stuck else None
    why = _("This money can go back the way it came. Refund it on the payment’s page.") if not stuck else problem and written(problem)
    return page("portal/refund_links/new.html", status=form.status, payment=payment, refund=refund, form=form, why=why, days=LIFE.days)


def _payment(public_id: str) -> Payment:
    me = current()
    return get_payment(me.vendor, me.mode, public_id)


@portal.get("/portal/refund-links/<number>")
@may("payments.see")
def refund_link(number: str) -> Response:
    return _show(_claim(number), DecisionForm(formdata=None))


@portal.post("/portal/refund-links/<number>/approve")
@may("refunds.approve")
@confirmed
def approve_refund_link(number: str) -> Response:
    """From here on it is a refund like any other: it is written down, and a worker has the bank make the transfer."""
    me, claim, form = current(), _claim(number), DecisionForm()
    if form.validate():
        with form.refusals():
            approved = approve_claim(me.vendor, claim, by=me.user.public_id)
            flash(_("Approved. You see on the payment’s page when the money has left."), "good")
            return see_other(url_for(".payment", public_id=payment_of_claim(approved).public_id))
    return _show(claim, form)


@portal.post("/portal/refund-links/<number>/refuse")
@may("refunds.approve")
def refuse_refund_link(number: str) -> Response:
    me, claim, form = current(), _claim(number), DecisionForm()
    if form.validate():
        with form.refusals():
            refuse_claim(me.vendor, claim, reason=form.reason.data or "", by=me.user.public_id)
            flash(_("Not approved. The payer is told why; you can send a new link."), "good")
            return see_other(url_for(".refund_link", number=number))
    return _show(claim, form)


@portal.post("/portal/refund-links/<number>/withdraw")
@may("payments.refund")
def withdraw_refund_link(number: str) -> Response:
    me = current()
    revoke_claim(me.vendor, _claim(number), by=me.user.public_id)
    flash(_("The link is taken back. Whoever opens it reads that, and nothing else."), "good")
    return see_other(url_for(".refund_link", number=number))


def _claim(number: str) -> RefundClaim:
    me = current()
    return get_claim(me.vendor, me.mode, number)


def _show(claim: RefundClaim, form: DecisionForm) -> Response:
    me = current()
    return page(
        "portal/refund_links/show.html",
        status=409 if form.form_errors else form.status,
        claim=claim,
        payment=payment_of_claim(claim),
        form=form,
        names=names_of(me.vendor) | {me.user.public_id: _("You"), "system": _("Automatic")},
        may_decide=me.may("refunds.approve"),
        may_refund=me.may("payments.refund"),
    )
