"""Addresses of a link with answers filled in for good: making one for an invoice or a member, and taking it back."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.kernel.money import Money
from core.payments.basket import offer_of
from core.payments.models import PaymentLink
from core.payments.prefill import Answers, get_prefill, list_prefills, make_prefill, prefill_token, withdraw_prefill
from core.payments.queries import get_link
from core.payments.sharing_models import LinkPrefill
from core.web import addresses
from core.web.fields import AddressField, LineField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.filled_form import FilledForm


class PrefillForm(FilledForm):
    email = AddressField(_l("E-mail address"), required=None)
    name = LineField(_l("Name"), most=120)


@portal.get("/portal/links/<public_id>/filled")
@may("links.edit")
def filled(public_id: str) -> Response:
    link = _get(public_id)
    return _show(link, PrefillForm.of(link)(formdata=None).fit(link))


@portal.post("/portal/links/<public_id>/filled")
@may("links.edit")
def fill(public_id: str) -> Response:
    me, link = current(), _get(public_id)
    form = PrefillForm.of(link)().fit(link)
    if form.validate():
        answers = Answers(
            email=form.email.data or "",
            name=form.name.data or "",
            reference=form.reference.data or "",
            amount=form.amount.data,
            locale=form.locale.data or "",
            quantities=form.quantities(),
        )
        with form.refusals():
            make_prefill(me.vendor, link, by=me.user.public_id, answers=answers, form_token=form.form_token.data)
            flash(_("The address is ready. It stands at the top of the list."), "good")
            return see_other(url_for(".filled", public_id=link.public_id))
    return _show(link, form)


@portal.post("/portal/filled/<public_id>/withdraw")
@may("links.edit")
def withdraw(public_id: str) -> Response:
    me = current()
    link, prefill = get_prefill(me.vendor, me.mode, public_id)
    withdraw_prefill(prefill, by=me.user.public_id)
    flash(_("That address opens nothing any more."), "good")
    return see_other(url_for(".filled", public_id=link.public_id))


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _show(link: PaymentLink, form: PrefillForm) -> Response:
    me = current()
    titles = {item.id: item.title for item in offer_of(link).items}
    rows = [(prefill, _url(link, prefill), _amount(link, prefill)) for prefill in list_prefills(me.vendor, link)]
    return page("portal/links/filled.html", status=form.status, link=link, form=form, rows=rows, titles=titles)


def _url(link: PaymentLink, prefill: LinkPrefill) -> str:
    return addresses.payment_link(prefill_token(current().vendor, link, prefill), current().vendor)


def _amount(link: PaymentLink, prefill: LinkPrefill) -> Money | None:
    return Money(prefill.amount_minor, link.currency) if prefill.amount_minor else None
