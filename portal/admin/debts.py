"""What sellers owe, and writing it off: with a reason, above a limit by two people, and by a posting that stays."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.staff import staff_names
from core.disputes.everywhere import get_write_off, list_debts, list_write_offs
from core.disputes.write_off import LONGEST_REASON, approve_write_off, decline_write_off, request_write_off
from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.payments.refund_books import debt_of
from core.web.fields import Form, FormTokenField, LineField, MoneyField
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed


class WriteOffForm(Form):
    form_token = FormTokenField()
    amount = MoneyField(later("Amount"), required=later("Enter how much nobody asks for any more."))
    reason = LineField(later("Why"), most=LONGEST_REASON, required=later("Say why nobody asks for it any more."))


class DecideForm(Form):
    pass


@staff_door.get("/staff/debts")
@staff_may("debts.see")
def debts() -> Response:
    rows = [(vendor, mode, Money(minor, currency)) for vendor, mode, currency, minor in list_debts()]
    return page(
        "portal/admin/debts/index.html",
        debts=rows,
        waiting=list_write_offs(waiting=True),
        newest=list_write_offs(waiting=False),
        me=staff().public_id,
        names=staff_names(),
    )


@staff_door.get("/staff/debts/<vendor_id>/<mode>/<currency>")
@staff_may("debts.write_off")
def debt(vendor_id: str, mode: str, currency: str) -> Response:
    return _page(_owing(vendor_id, mode, currency), mode, currency, None)


@staff_door.post("/staff/debts/<vendor_id>/<mode>/<currency>")
@staff_may("debts.write_off")
@confirmed
def write_off(vendor_id: str, mode: str, currency: str) -> Response:
    """Sent twice, it is one."""
    vendor, form = _owing(vendor_id, mode, currency), WriteOffForm()
    form.amount.currency = currency
    if form.validate():
        with form.refusals():
            made = request_write_off(
                vendor, mode, amount=form.amount.data, reason=form.reason.data, by=staff().public_id, form_token=form.form_token.data
            )
            flash(
                _("Written off.") if made.state == "booked" else _("It is above the limit: a second person has to say so too."),
                "good" if made.state == "booked" else "warn",
            )
            return see_other(url_for(".debts"))
    return _page(vendor, mode, currency, form)


@staff_door.post("/staff/write-offs/<number>/approval")
@staff_may("debts.write_off")
@confirmed
def approve_write_off_of(number: str) -> Response:
    vendor, row = get_write_off(number)
    approve_write_off(vendor, row, by=staff().public_id)
    flash(_("Written off."), "good")
    return see_other(url_for(".debts"))


@staff_door.post("/staff/write-offs/<number>/refusal")
@staff_may("debts.write_off")
def decline_write_off_of(number: str) -> Response:
    vendor, row = get_write_off(number)
    decline_write_off(vendor, row, by=staff().public_id)
    flash(_("The debt stays as it is."), "good")
    return see_other(url_for(".debts"))


def _owing(vendor_id: str, mode: str, currency: str) -> Vendor:
    if mode not in ("test", "live") or not is_currency(currency):
        raise NotFound
    return get_vendor_everywhere(vendor_id)


def _page(vendor: Vendor, mode: str, currency: str, failed: WriteOffForm | None) -> Response:
    owed = debt_of(vendor.id, mode, currency)
    form = failed or WriteOffForm(formdata=None, amount=owed)
    form.amount.currency = currency
    return page(
        "portal/admin/debts/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        vendor=vendor,
        mode=mode,
        owed=owed,
        form=form,
        failed=failed,
    )
