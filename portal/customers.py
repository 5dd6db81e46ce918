"""Customers: the list, one of them with everything they paid, what the team decides about them, and their personal data."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, flash, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import names_of
from core.accounts.remarks import list_remarks, write_remark
from core.customers.block import allow_customer, block_customer
from core.customers.models import Customer
from core.customers.queries import any_customers, get_customer, list_customers
from core.disputes.personal_data import disputes_data, forget_disputes
from core.disputes.queries import disputes_of_payer
from core.hooks.prune import forget_told
from core.invoices.personal_data import invoices_of
from core.kernel import clock
from core.memberships.personal_data import forget_memberships, memberships_of
from core.notifications.mail_stops import find_stop, find_stops
from core.orders.personal_data import checkouts_of, forget_checkouts
from core.payments.customers import refunds_of_customer, totals_of
from core.payments.export import customers_sheet
from core.payments.lists import PaymentFilter, list_payments
from core.payments.long_export import is_long
from core.payments.personal_data import erase_person, personal_data
from core.payments.saved import list_saved
from core.web.dispute_words import REASONS as DISPUTE_REASONS
from core.web.fields import BooleanField, Form, LineField
from core.web.guard import current, may
from core.web.languages import language, reader
from core.web.page import cursor, page, see_other
from core.web.sheet import send_sheet, titles_for
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.disputes import left_of, stage_of
from portal.history import REASONS as REASON_WORDS
from portal.payments import RemarkForm, undo_asked


class FindForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Search"), most=254)
    blocked = BooleanField(later("Only refused ones"))


class BlockForm(Form):
    because = LineField(later("Reason"), most=300, required=later("Say why, so that your team knows later."))


class EraseForm(Form):
    pass


@portal.get("/portal/customers")
@may("customers.see")
def customers() -> Response:
    me, form, after = current(), FindForm(request.args), cursor()
    good = form.validate()
    text, blocked = (form.q.data or None, bool(form.blocked.data)) if good else (None, False)
    found = list_customers(me.vendor, me.mode, text=text, blocked=blocked, after=after)
    kept: dict[str, Any] = {name: value for name, value in (("q", text), ("blocked", "y" if blocked else None)) if value}
    return page(
        "portal/customers/index.html",
        fragment="portal/customers/_table.html",
        form=form,
        customers=found.rows,
        stops=find_stops(me.vendor, me.mode, [row.email for row in found.rows]),
        kept=kept,
        any=bool(found.rows) or any_customers(me.vendor, me.mode),
        newest=url_for(".customers", **kept) if after else None,
        older=url_for(".customers", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/customers.csv")
@may("payments.export")
def customers_file() -> Response:
    me = current()
    if is_long(me.vendor, me.mode, "customers", {}):
        return see_other(url_for(".new_export", subject="customers"))
    return send_sheet(customers_sheet(me.vendor, me.mode, titles=titles_for(language())), f"customers-{me.mode}-{clock.now():%Y-%m-%d}")


@portal.get("/portal/customers/<public_id>")
@may("customers.see")
def customer(public_id: str) -> Response:
    return _show(_get(public_id))


@portal.post("/portal/customers/<public_id>/block")
@may("customers.block")
def block(public_id: str) -> Response:
    me, customer, form = current(), _get(public_id), BlockForm()
    if form.validate():
        block_customer(me.vendor, customer, by=me.user.public_id, because=form.because.data)
        flash(_("From now on no new payment begins from this address."), "good")
        return see_other(url_for(".customer", public_id=customer.public_id))
    return _show(customer, blocking=form)


@portal.post("/portal/customers/<public_id>/allow")
@may("customers.block")
def allow(public_id: str) -> Response:
    me, customer = current(), _get(public_id)
    allow_customer(me.vendor, customer, by=me.user.public_id)
    flash(_("They may pay again."), "good")
    return see_other(url_for(".customer", public_id=customer.public_id))


@portal.post("/portal/customers/<public_id>/remarks")
@may("remarks.write")
def remark_on_customer(public_id: str) -> Response:
    me, customer, form = current(), _get(public_id), RemarkForm()
    if form.validate():
        write_remark(me.vendor, me.mode, about=customer.public_id, text=form.remark.data, by=me.user.public_id)
        flash(_("The note is kept. Only your team reads it."), "good")
        return see_other(url_for(".customer", public_id=customer.public_id))
    return _show(customer, remarking=form)


@portal.get("/portal/customers/<public_id>/personal-data.json")
@may("customers.personal_data")
def hand_out(public_id: str) -> Response:
    me, customer = current(), _get(public_id)
    held = personal_data(me.vendor, customer) | {
        "memberships": memberships_of(me.vendor, customer),
        "checkouts": checkouts_of(me.vendor, customer),
        "disputes": disputes_data(me.vendor, customer),
        "invoices": invoices_of(me.vendor, customer),
    }
    answer = make_response(json.dumps(held, indent=2, ensure_ascii=False))
    answer.content_type = "application/json; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="personal-data-{customer.public_id}.json"'
    return answer


@portal.get("/portal/customers/<public_id>/erase")
@may("customers.personal_data")
def ask_to_erase(public_id: str) -> Response:
    return _erasing(_get(public_id), EraseForm(formdata=None))


@portal.post("/portal/customers/<public_id>/erase")
@may("customers.personal_data")
@confirmed
def erase(public_id: str) -> Response:
    me, customer, form = current(), _get(public_id), EraseForm()
    if form.validate():
        with form.refusals():
            forget_memberships(me.vendor, customer)
            forget_checkouts(me.vendor, customer)
            forget_told(me.vendor, customer)
            forget_disputes(me.vendor, customer)
            erase_person(me.vendor, customer, by=me.user.public_id)
            flash(_("Their personal data is erased. The payments stay, under a pseudonym."), "good")
            return see_other(url_for(".customer", public_id=customer.public_id))
    return _erasing(customer, form)


def _erasing(customer: Customer, form: EraseForm) -> Response:
    return page("portal/customers/erase.html", status=form.status, customer=customer, form=form)


def _get(public_id: str) -> Customer:
    me = current()
    return get_customer(me.vendor, me.mode, public_id)


def _show(customer: Customer, *, blocking: BlockForm | None = None, remarking: RemarkForm | None = None) -> Response:
    me = current()
    block, remark = blocking or BlockForm(formdata=None), remarking or RemarkForm(formdata=None)
    return page(
        "portal/customers/show.html",
        status=max(block.status, remark.status),
        customer=customer,
        totals=totals_of(me.vendor, customer),
        payments=list_payments(me.vendor, me.mode, PaymentFilter(email=customer.email), limit=10).rows,
        refunds=refunds_of_customer(me.vendor, customer, limit=10),
        disputes=disputes_of_payer(me.vendor, me.mode, customer.email, limit=10),
        dispute_reasons=DISPUTE_REASONS,
        dispute_left=left_of,
        dispute_stage=stage_of,
        cards=[(card, reader().card_ending(card.brand, card.last4)) for card in list_saved(me.vendor, me.mode, customer.email)],
        reasons=REASON_WORDS,
        remarks=list_remarks(me.vendor, me.mode, customer.public_id),
        names=names_of(me.vendor) | {me.user.public_id: _("You")},
        block=block,
        opened=blocking is not None,
        remark_form=remark,
        undo=undo_asked(),
        stop=None if customer.erased_at else find_stop(me.vendor, me.mode, customer.email),
    )
