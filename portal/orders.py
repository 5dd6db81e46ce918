"""Orders that were paid at a checkout with several sellers: delivered here, given back line by line, and who may sell for us."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import get_vendor
from core.accounts.security import is_large
from core.kernel import clock
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.orders.consent import let_sell, list_marketplaces, withdraw
from core.orders.deliver import deliver_order, earliest
from core.orders.models import Order
from core.orders.pay import payment_of
from core.orders.queries import VIEWS, Sold, checkout_of, get_order, history_of, lines_of, list_orders
from core.orders.refund import refund_lines
from core.payments.refund import REASONS
from core.web.fields import ChoiceField, Form, FormTokenField, LineField, MoneyField, ParagraphField, options
from core.web.filters import day
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.history import REASONS as REASON_WORDS
from portal.refunds import say_asked_for

ON_A_PAGE = 25
# What a line of an order's history is called.
KINDS: dict[str, Any] = {
    "order.created": later("Ordered"),
    "order.paying": later("Payment begun"),
    "order.action": later("The payer’s bank wants to hear from them"),
    "order.declined": later("Declined; the payer may try again"),
    "order.paid": later("Paid"),
    "order.over": later("Not paid"),
    "order.ending": later("The checkout ends without it"),
    "order.given_back": later("Given back: the checkout was all or nothing"),
    "order.delivered": later("Delivered"),
    "order.refund_requested": later("Lines given back"),
}


class LinesForm(Form):
    """One amount for each line, `line_<place>`; put together for the order at hand."""

    form_token = FormTokenField()
    reason = ChoiceField(later("Reason"), choices=options((reason, REASON_WORDS[reason]) for reason in REASONS))
    note = ParagraphField(later("Note for your team"), most=300)

    @property
    def amounts(self) -> dict[int, Money]:
        """What was entered, by the line's place; empty fields are lines that stay."""
        return {
            int(name.removeprefix("line_")): field.data for name, field in self._fields.items() if name.startswith("line_") and field.data
        }


class MarketplaceForm(Form):
    operator = LineField(
        later("Number of the business"), most=40, required=later("Enter the number of the business that may sell for you.")
    )


@portal.get("/portal/orders")
@may("payments.see")
def orders() -> Response:
    me, after, view = current(), cursor(), request.args.get("view", "")
    view = view if view in VIEWS else ""
    found = list_orders(me.vendor, me.mode, view=view, after=_key(after) if after else None, limit=ON_A_PAGE + 1)
    more = len(found) > ON_A_PAGE
    return page(
        "portal/orders/index.html",
        orders=found[:ON_A_PAGE],
        view=view,
        newest=url_for(".orders", view=view or None) if after else None,
        older=url_for(".orders", view=view or None, after=str(found[ON_A_PAGE - 1].id)) if more else None,
    )


@portal.get("/portal/orders/selling")
@may("settings.see")
def marketplaces() -> Response:
    return _marketplaces(MarketplaceForm(formdata=None))


@portal.post("/portal/orders/selling")
@may("settings.edit")
def allow_marketplace() -> Response:
    me, form = current(), MarketplaceForm()
    if form.validate():
        with form.refusals():
            allowed = let_sell(me.vendor, me.mode, form.operator.data, by=me.user.public_id)
            flash(_("%(name)s may sell for you from now on.", name=get_vendor(allowed.operator_id).name), "good")
            return see_other(url_for(".marketplaces"))
    return _marketplaces(form)


@portal.post("/portal/orders/selling/<public_id>/withdraw")
@may("settings.edit")
def withdraw_marketplace(public_id: str) -> Response:
    """Orders that exist stay what they are."""
    me = current()
    withdraw(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("From now on nothing of yours is sold there. Orders that exist are carried out."), "good")
    return see_other(url_for(".marketplaces"))


def _marketplaces(form: MarketplaceForm) -> Response:
    me = current()
    return page("portal/orders/selling.html", status=form.status, form=form, allowed=list_marketplaces(me.vendor, me.mode))


@portal.get("/portal/orders/<public_id>")
@may("payments.see")
def order(public_id: str) -> Response:
    return _show(_get(public_id))


@portal.post("/portal/orders/<public_id>/delivery")
@may("orders.deliver")
def deliver(public_id: str) -> Response:
    """Said twice, the first time counts."""
    me, found = current(), _get(public_id)
    deliver_order(me.vendor, found, by=me.user.public_id)
    payment, at = payment_of(found), clock.now()
    later_on = payment.available_at if payment is not None and payment.available_at is not None and payment.available_at > at else None
    flash(
        _("Delivered. The money becomes available on %(day)s.", day=day(later_on))
        if later_on
        else _("Delivered. The money becomes available within minutes."),
        "good",
    )
    return see_other(url_for(".order", public_id=public_id))


def is_large_line_refund(public_id: str) -> bool:
    """Whether what stands in the form, with what went back before, is more than the business lets go without asking who it is."""
    me, found = current(), _get(public_id)
    form, payment = _form(found, filled=True), payment_of(found)
    if payment is None or not form.validate():
        return False
    so_far = payment.refunded + payment.refunding + payment.queued
    return is_large(me.vendor, sum(form.amounts.values(), so_far))


@portal.post("/portal/orders/<public_id>/refunds")
@may("payments.refund")
@confirmed(when=is_large_line_refund)
def refund_order(public_id: str) -> Response:
    """The wish is written down here; a worker sends it, and only the processor's word makes it a refund."""
    me, found = current(), _get(public_id)
    form = _form(found, filled=True)
    if form.validate():
        with form.refusals():
            made = refund_lines(
                me.vendor, found, form.amounts, reason=form.reason.data, by=me.user.public_id, form_token=form.form_token.data,
                note_text=form.note.data or "",
            )  # fmt: skip
            say_asked_for(made)
            return see_other(url_for(".order", public_id=public_id))
    return _show(found, refunding=form)


def _show(found: Order, *, refunding: LinesForm | None = None) -> Response:
    me = current()
    checkout, payment = checkout_of(found), payment_of(found)
    form = refunding or _form(found, filled=False)
    return page(
        "portal/orders/show.html",
        status=form.status,
        order=found,
        lines=lines_of(me.vendor, found),
        payment=payment,
        earliest=soonest if payment is not None and (soonest := earliest(found, payment)) > clock.now() else None,
        seller_of=get_vendor(checkout.vendor_id),
        checkout_id=checkout.checkout_id if checkout.vendor_id == me.vendor.id else None,
        payer=f"{checkout.payer_name} · {checkout.email}" if checkout.payer_name else checkout.email,
        form=form,
        refundable=payment is not None and payment.refundable.minor > 0,
        opened=refunding is not None,
        history=history_of(me.vendor.id, me.mode, found.id),
        kinds=KINDS,
    )


def _form(found: Order, *, filled: bool) -> LinesForm:
    sold = lines_of(current().vendor, found)
    fields = {f"line_{one.line.place}": MoneyField(_label(one), currency=found.currency) for one in sold if one.left.minor > 0}
    made = type("OrderLinesForm", (LinesForm,), fields)
    form: LinesForm = made() if filled else made(formdata=None, form_token=uuid.uuid4().hex)
    return form


def _label(sold: Sold) -> str:
    line = sold.line
    return f"{line.name} × {line.quantity}" if line.quantity > 1 else line.name


def _get(public_id: str) -> Order:
    me = current()
    return get_order(me.vendor, me.mode, public_id)


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of orders does not exist.")) from None
