"""Paying the balance of a subscription back, by the staff: at any time, with the reason its vendor reads."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.house import house
from core.billing.lists import find_subscribed
from core.billing.queries import read
from core.subscriptions.pay_back import pay_back, payout_of
from core.web.fields import Form, LineField
from core.web.filters import money
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.plan_balance import parts_of


class PayBackForm(Form):
    reason = LineField(_l("Why it is paid back"), most=300, required=_l("Say in a few words why: the vendor reads it."))


@staff_door.get("/staff/subscriptions/<public_id>/balance")
@staff_may("plans.see")
def subscription_balance(public_id: str) -> Response:
    return _page(public_id, PayBackForm(formdata=None))


@staff_door.post("/staff/subscriptions/<public_id>/balance")
@staff_may("plans.manage")
@confirmed
def pay_subscription_back(public_id: str) -> Response:
    row, _vendor = find_subscribed(house(), public_id)
    form = PayBackForm()
    if form.validate():
        with form.refusals():
            amount = pay_back(row, expects=request.form.get("expects", ""), by=staff().public_id, why=form.reason.data)
            flash(_("%(amount)s is on its way back. The vendor is told.", amount=money(amount)), "good")
            return see_other(url_for(".subscription", public_id=public_id))
    return _page(public_id, form)


def _page(public_id: str, form: PayBackForm) -> Response:
    row, vendor = find_subscribed(house(), public_id)
    seen(vendor, row.public_id)
    return page(
        "portal/admin/subscriptions/balance.html",
        status=409 if form.form_errors else form.status,
        form=form,
        row=row,
        vendor=vendor,
        balance=read(row).balance,
        payout=(payout := payout_of(row)),
        parts=parts_of(payout),
        may_pay=staff().may("plans.manage"),
    )
