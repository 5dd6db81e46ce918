"""Marking a payment by hand: that it was paid elsewhere, or that it is not valid. With a reason, on a page that says what follows."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import lazy_gettext as later

from core.kernel.errors import NotFound
from core.payments.mark import LONGEST, mark_payment, marks_open_to
from core.payments.queries import get_payment
from core.web.fields import Form, ParagraphField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal

DONE = {
    "paid": later("Marked as paid. It is not in your balance, because the money did not come through us."),
    "invalid": later("Marked as not valid. Nobody can pay it any more."),
}


class MarkForm(Form):
    reason = ParagraphField(later("Reason"), most=LONGEST, required=later("Say why, so that whoever looks later knows."))


@portal.get("/portal/payments/<public_id>/mark/<what>")
@may("payments.mark")
def ask_to_mark(public_id: str, what: str) -> Response:
    return _ask(public_id, what, MarkForm(formdata=None))


@portal.post("/portal/payments/<public_id>/mark/<what>")
@may("payments.mark")
def mark(public_id: str, what: str) -> Response:
    me, form = current(), MarkForm()
    if what not in DONE:
        raise NotFound
    if form.validate():
        with form.refusals():
            payment = get_payment(me.vendor, me.mode, public_id)
            mark_payment(me.vendor, payment, what, reason=form.reason.data, by=me.user.public_id)
            flash(DONE[what], "good")
            return see_other(url_for(".payment", public_id=public_id))
    return _ask(public_id, what, form)


def _ask(public_id: str, what: str, form: MarkForm) -> Response:
    me = current()
    payment = get_payment(me.vendor, me.mode, public_id)
    if what not in DONE:
        raise NotFound
    if what not in marks_open_to(payment) and not form.errors:
        return see_other(url_for(".payment", public_id=public_id))  # it has moved on since that page was shown
    return page("portal/payments/mark.html", status=form.status, payment=payment, what=what, form=form)
