"""A payer's own page: everything they paid one vendor, behind a key sent to their e-mail address. Receipts, details, problems, saved cards."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from checkout.blueprint import door
from checkout.payer_memberships import memberships_shown, pays_for
from checkout.places_form import PARTS, address_fields, read_address
from core.accounts.models import Vendor
from core.customers.keys import open_key
from core.customers.models import PayerKey
from core.kernel.errors import NotFound
from core.payments.models import Payment
from core.payments.payer_page import (
    LONGEST,
    change_details,
    may_edit,
    payment_of_payer,
    payments_of,
    report_problem,
    send_key,
)
from core.payments.queries import shown_state
from core.payments.sale import Details, find_details
from core.payments.saved import forget, get_saved, list_saved
from core.payments.start import open_payment_token, payment_token, receipt_token
from core.payments.tax import BadTaxId, read_tax_id
from core.web.face import face_of
from core.web.fields import Form, LineField, ParagraphField
from core.web.guard import public
from core.web.languages import language, reader, written
from core.web.page import cursor, page, see_other
from core.web.throttle import by_address, count_try


class KeyForm(Form):
    pass


class ProblemForm(Form):
    problem = ParagraphField(_l("What is wrong?"), most=LONGEST, required=_l("Say what is wrong, so that the seller can help."))


class CompanyForm(Form):
    company = LineField(_l("Company"), most=120)
    tax_id = LineField(_l("VAT or tax number"), most=40)

    def read(self) -> Details | None:
        """What was filled in; None after an error. A tax number belongs to a company."""
        if self.tax_id.data and not self.company.data:
            self.refuse(_("Enter the company's name."), "company")
        try:
            tax_id = read_tax_id(self.tax_id.data) if self.tax_id.data else ""
        except BadTaxId as refusal:
            self.refuse(written(refusal.message), "tax_id")
            return None
        billing = read_address(self, "billing", required=False)
        return None if self.errors else Details(company=self.company.data or "", tax_id=tax_id, billing=billing)


DetailsForm: Any = type("DetailsForm", (CompanyForm,), address_fields("billing"))


@door.get("/receipt/<token>/mine")
@public
def ask_for_key(token: str) -> Response:
    """The way in: whoever has a receipt may have the key sent to whom the receipt belongs, and to nobody else."""
    vendor, payment = _known_payer(token)
    return _asking(vendor, payment, token, KeyForm(formdata=None), sent=False)


@door.post("/receipt/<token>/mine")
@public
@by_address("10 per hour", scope="payer-key")
def send_key_to_payer(token: str) -> Response:
    vendor, payment = _known_payer(token)
    form = KeyForm()
    if not form.validate():
        return _asking(vendor, payment, token, form, sent=False)
    count_try("5 per hour", scope="payer-key", whose=f"{payment.vendor_id}:{payment.mode}:{payment.email}")
    send_key(vendor, payment.mode, payment.email, locale=language())
    return _asking(vendor, payment, token, form, sent=True)


def _known_payer(token: str) -> tuple[Vendor, Payment]:
    """Whose receipt it is. Who left no e-mail address has no page of their own: there is nowhere to send its key."""
    vendor, payment = open_payment_token(token, purpose="receipt")
    if not payment.email:
        raise NotFound("This payment was made without an e-mail address.")
    return vendor, payment


def _asking(vendor: Vendor, payment: Payment, token: str, form: KeyForm, *, sent: bool) -> Response:
    return page(
        "checkout/payer_key.html",
        status=form.status,
        face=face_of(vendor, payment.mode),
        form=form,
        sent=sent,
        address=_veiled(payment.email),
        action=url_for("checkout.send_key_to_payer", token=token),
        back=url_for("checkout.receipt", token=token),
    )


def _veiled(email: str) -> str:
    """Enough of an address to know one's own, for whoever holds the receipt of somebody else."""
    name, _at, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


@door.get("/mine/<token>")
@public
def my_payments(token: str) -> Response:
    vendor, key = open_key(token)
    after = cursor()
    found = payments_of(vendor, key.mode, key.email, after=after)
    return page(
        "checkout/payer.html",
        face=face_of(vendor, key.mode),
        email=key.email,
        token=token,
        until=key.expires_at,
        rows=[_row(vendor, payment, token) for payment in found.rows],
        memberships=memberships_shown(vendor, key, token),
        cards=[
            (card.public_id, reader().card_ending(card.brand, card.last4), pays_for(vendor, key, card))
            for card in list_saved(vendor, key.mode, key.email)
        ],
        newest=url_for("checkout.my_payments", token=token) if after else None,
        older=url_for("checkout.my_payments", token=token, after=found.next) if found.next else None,
    )


def _row(vendor: Vendor, payment: Payment, token: str) -> dict[str, Any]:
    paid = payment.captured_at is not None
    return {
        "payment": payment,
        "state": shown_state(payment),
        "href": url_for("checkout.receipt", token=receipt_token(vendor, payment))
        if paid
        else url_for("checkout.show", token=payment_token(vendor, payment)),
        "pdf": url_for("checkout.receipt_pdf", token=receipt_token(vendor, payment)) if paid else None,
        "details": url_for("checkout.my_details", token=token, public_id=payment.public_id) if may_edit(payment) else None,
        "problem": url_for("checkout.my_problem", token=token, public_id=payment.public_id),
    }


@door.get("/mine/<token>/<public_id>/details")
@public
def my_details(token: str, public_id: str) -> Response:
    vendor, key = open_key(token)
    payment = payment_of_payer(vendor, key.mode, key.email, public_id)
    kept = find_details(vendor, payment)
    values = {"company": kept.company, "tax_id": kept.tax_id} if kept else {}
    if kept and kept.billing:
        values |= {f"billing_{name}": kept.billing.get(name, "") for name in PARTS}
    return _editing(vendor, key, payment, token, DetailsForm(formdata=None, **values))


@door.post("/mine/<token>/<public_id>/details")
@public
@by_address("30 per hour", scope="payer-details")
def change_my_details(token: str, public_id: str) -> Response:
    vendor, key = open_key(token)
    payment = payment_of_payer(vendor, key.mode, key.email, public_id)
    form = DetailsForm()
    if form.validate() and (details := form.read()):
        with form.refusals():
            change_details(vendor, payment, details)
            flash(_("Kept. The receipt is being printed anew with these details."), "good")
            return see_other(url_for("checkout.my_payments", token=token))
    elif not form.errors:
        form.refuse(_("Enter the company or the address that the receipt is to be made out to."), "company")
    return _editing(vendor, key, payment, token, form)


def _editing(vendor: Vendor, key: PayerKey, payment: Payment, token: str, form: CompanyForm) -> Response:
    return page(
        "checkout/payer_details.html",
        status=form.status,
        face=face_of(vendor, key.mode, payment.reference),
        payment=payment,
        form=form,
        address_parts=PARTS,
        editable=may_edit(payment),
        action=url_for("checkout.change_my_details", token=token, public_id=payment.public_id),
        back=url_for("checkout.my_payments", token=token),
    )


@door.get("/mine/<token>/<public_id>/problem")
@public
def my_problem(token: str, public_id: str) -> Response:
    vendor, key = open_key(token)
    return _telling(vendor, key, payment_of_payer(vendor, key.mode, key.email, public_id), token, ProblemForm(formdata=None))


@door.post("/mine/<token>/<public_id>/problem")
@public
@by_address("10 per hour", scope="payer-problem")
def tell_my_problem(token: str, public_id: str) -> Response:
    vendor, key = open_key(token)
    payment, form = payment_of_payer(vendor, key.mode, key.email, public_id), ProblemForm()
    if form.validate():
        with form.refusals():
            report_problem(vendor, payment, form.problem.data)
            flash(_("%(seller)s has been told, and answers to your e-mail address.", seller=vendor.name), "good")
            return see_other(url_for("checkout.my_payments", token=token))
    return _telling(vendor, key, payment, token, form)


def _telling(vendor: Vendor, key: PayerKey, payment: Payment, token: str, form: ProblemForm) -> Response:
    return page(
        "checkout/payer_problem.html",
        status=form.status,
        face=face_of(vendor, key.mode, payment.reference),
        payment=payment,
        form=form,
        action=url_for("checkout.tell_my_problem", token=token, public_id=payment.public_id),
        back=url_for("checkout.my_payments", token=token),
    )


@door.post("/mine/<token>/cards/forget")
@public
def forget_my_card(token: str) -> Response:
    """Nothing can be charged to it any more, and the processor is asked to forget it."""
    vendor, key = open_key(token)
    card = get_saved(vendor, key.mode, request.form.get("card", ""))
    if card.email == key.email:
        forget(card)
        flash(_("The card is removed. Nothing can be charged to it any more."), "good")
    return see_other(url_for("checkout.my_payments", token=token))
