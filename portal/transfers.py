"""Bank transfers that do not simply pay: the vendor's open cases, and the two ways to decide each with one press."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from core.accounts.models import Vendor
from core.notifications.notices import read_about
from core.payments.bank_terms import LONGEST_DAYS, MOST_MINOR, Terms, change_terms, terms_of
from core.payments.models import Payment
from core.payments.queries import get_payment
from core.payments.transfer_cases import accept_transfer, give_back_transfer
from core.payments.transfer_models import Transfer, TransferCase, TransferReturn
from core.payments.transfer_queries import find_open_case, list_open_cases, list_returns, list_transfers
from core.web.fields import ChoiceField, CountField, Form, LineField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed, names_an_account


class DecisionForm(Form):
    reason = LineField(lazy_gettext("Reason"), most=300)
    iban = LineField(lazy_gettext("Send it to this IBAN instead"), most=42)


class TermsForm(Form):
    days = CountField(lazy_gettext("Days to wait for a transfer"), most=LONGEST_DAYS, required=lazy_gettext("Enter how many days."))
    tolerance_minor = CountField(lazy_gettext("So many cents may be missing"), least=0, most=MOST_MINOR)
    tolerance_bps = ChoiceField(
        lazy_gettext("Or so much of the amount"),
        choices=lambda: options([("0", _("Nothing")), ("50", "0.5 %"), ("100", "1 %"), ("200", "2 %"), ("500", "5 %")]),
    )


@portal.get("/portal/transfers")
@may("payments.see")
def transfers() -> Response:
    """What waits for a decision, and what waits for the payer."""
    me = current()
    cases = list_open_cases(me.vendor, me.mode)
    return page(
        "portal/transfers/index.html",
        fragment="portal/transfers/_cases.html",
        to_decide=[one for one in cases if one.case.kind != "partial"],
        to_wait=[one for one in cases if one.case.kind == "partial"],
        may_resolve=me.may("transfers.resolve"),
        form=DecisionForm(formdata=None),
    )


@portal.post("/portal/payments/<public_id>/transfer/accept")
@may("transfers.resolve")
def accept(public_id: str) -> Response:
    """What came is taken as it is."""
    me, payment, form = current(), _payment(public_id), DecisionForm()
    if not form.validate():
        return _case_page(payment, form)
    with form.refusals():
        paid = accept_transfer(me.vendor, payment, by=me.user.public_id, reason=form.reason.data or "")
        read_about(me.vendor, me.mode, me.user, "transfer_decision", payment.public_id)
        flash(_("Accepted. %(reference)s is paid.", reference=paid.reference), "good")
        return see_other(url_for(".payment", public_id=payment.public_id))
    return _case_page(payment, form)


@portal.post("/portal/payments/<public_id>/transfer/give-back")
@may("transfers.resolve")
@confirmed(when=names_an_account)
def give_back(public_id: str) -> Response:
    """What does not pay for anything goes back. It is written down here; the bank makes the transfer, and its statement shows it."""
    me, payment, form = current(), _payment(public_id), DecisionForm()
    if not form.validate():
        return _case_page(payment, form)
    with form.refusals():
        give_back_transfer(me.vendor, payment, by=me.user.public_id, reason=form.reason.data or "", iban=form.iban.data or "")
        read_about(me.vendor, me.mode, me.user, "transfer_decision", payment.public_id)
        flash(_("The money is to go back. You see here when the bank has sent it."), "good")
        return see_other(url_for(".payment", public_id=payment.public_id))
    return _case_page(payment, form)


@portal.get("/portal/payments/<public_id>/transfer")
@may("payments.see")
def transfer_case(public_id: str) -> Response:
    """The open case of one payment, with all it can be told."""
    payment = _payment(public_id)
    return _case_page(payment, DecisionForm(formdata=None))


def _payment(public_id: str) -> Payment:
    me = current()
    return get_payment(me.vendor, me.mode, public_id)


def _case_page(payment: Payment, form: DecisionForm) -> Response:
    me = current()
    case = find_open_case(me.vendor, payment)
    if case is None and not form.errors:
        return see_other(url_for(".payment", public_id=payment.public_id))
    return page(
        "portal/transfers/show.html",
        status=409 if form.form_errors else form.status,
        payment=payment,
        form=form,
        may_resolve=me.may("transfers.resolve"),
        **facts_of(me.vendor, payment),
    )


def facts_of(vendor: Vendor, payment: Payment) -> dict[str, list[Transfer] | list[TransferReturn] | TransferCase | None]:
    """What a page shows of a payment's transfers."""
    if not payment.received_minor:
        return {"transfers": [], "returns": [], "case": None}
    return {
        "transfers": list_transfers(vendor, payment),
        "returns": list_returns(vendor, payment),
        "case": find_open_case(vendor, payment),
    }


# --- the vendor's terms ----------------------------------------------------------------------------------------------


@portal.get("/portal/settings/bank-transfers")
@may("settings.see")
def bank_terms() -> Response:
    me = current()
    terms = terms_of(me.vendor, me.mode)
    kept = {"days": terms.days, "tolerance_minor": terms.tolerance_minor, "tolerance_bps": str(terms.tolerance_bps)}
    return _terms_page(TermsForm(formdata=None, **kept))


@portal.post("/portal/settings/bank-transfers")
@may("settings.edit")
def change_bank_terms() -> Response:
    me, form = current(), TermsForm()
    if form.validate():
        with form.refusals():
            terms = Terms(form.days.data, form.tolerance_minor.data or 0, int(form.tolerance_bps.data))
            change_terms(me.vendor, me.mode, by=me.user.public_id, terms=terms)
            flash(_("Saved."), "good")
            return see_other(url_for(".bank_terms"))
    return _terms_page(form)


def _terms_page(form: TermsForm) -> Response:
    return page("portal/settings/bank_transfers.html", status=form.status, form=form, may_edit=current().may("settings.edit"))
