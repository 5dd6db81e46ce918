"""Payouts as the staff see them: those that are held wait here for a second person, who lets them go or gives the money back."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.payouts.approve import approve_payout, cancel_payout
from core.payouts.carry import find_carriage
from core.payouts.everywhere import get_everywhere, list_held, list_newest
from core.payouts.queries import account_of, history_of, list_payouts
from core.payouts.reasons import reason_of
from core.payouts.statement import prove
from core.web.fields import Form, LineField
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed

EARLIER = 5  # payouts of the same vendor that help to judge this one


class ApproveForm(Form):
    pass


class CancelForm(Form):
    reason = LineField(later("Why it does not leave"), most=200, required=later("Say why: the seller reads it."))


@staff_door.get("/staff/payouts")
@staff_may("payouts.see")
def payouts() -> Response:
    return page("portal/admin/payouts/index.html", held=list_held(), newest=list_newest())


@staff_door.get("/staff/payouts/<number>")
@staff_may("payouts.see")
def payout(number: str) -> Response:
    return _page(number)


@staff_door.post("/staff/payouts/<number>/approval")
@staff_may("payouts.approve")
@confirmed
def approve(number: str) -> Response:
    """It is proved once more before it leaves."""
    form = ApproveForm()
    if form.validate():
        with form.refusals():
            vendor, found = get_everywhere(number)
            approve_payout(vendor, found, by=staff().public_id)
            by_bank = account_of(vendor, found).rail == "bank"
            flash(
                _("Approved: the order for the bank is written.") if by_bank else _("Approved: the processor is asked to move it."), "good"
            )
            return see_other(url_for(".payouts"))
    return _page(number, approval=form)


@staff_door.post("/staff/payouts/<number>/cancellation")
@staff_may("payouts.approve")
def cancel(number: str) -> Response:
    form = CancelForm()
    if form.validate():
        with form.refusals():
            vendor, found = get_everywhere(number)
            cancel_payout(vendor, found, by=staff().public_id, reason=form.reason.data)
            flash(_("Called off: the money is in the seller’s balance again."), "good")
            return see_other(url_for(".payouts"))
    return _page(number, cancellation=form)


def _page(number: str, *, approval: ApproveForm | None = None, cancellation: CancelForm | None = None) -> Response:
    vendor, found = get_everywhere(number)
    failed = approval or cancellation
    earlier = [one for one in list_payouts(vendor, found.mode, limit=EARLIER + 1) if one.id != found.id][:EARLIER]
    return page(
        "portal/admin/payouts/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        vendor=vendor,
        payout=found,
        account=account_of(vendor, found),
        carriage=find_carriage(vendor, found),
        sums=prove(found),
        history=history_of(vendor, found),
        why_not=reason_of(found.failure_reason),
        earlier=earlier,
        failed=failed,
        approval=approval or ApproveForm(formdata=None),
        cancellation=cancellation or CancelForm(formdata=None),
        may_decide=staff().may("payouts.approve") and found.state == "requested",
    )
