"""Payouts as the staff see them: those that are held wait here for a second person, who lets them go or gives the money back."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext
from wtforms import HiddenField

from core.accounts.models import Vendor
from core.accounts.queries import people_named
from core.accounts.staff import staff_names
from core.admission.stops import find_stop, payout_hold
from core.kernel.money import Money
from core.payouts.approve import approve_many, approve_payout, cancel_payout, hold_payout, may_be_held, owed_since, waits_untold
from core.payouts.carry import find_carriage
from core.payouts.everywhere import Found, get_everywhere, list_held, list_newest
from core.payouts.held import on_hold
from core.payouts.models import Payout
from core.payouts.names import known_names
from core.payouts.queries import account_of, history_of, list_payouts
from core.payouts.reasons import reason_of
from core.payouts.statement import sums_of
from core.web.fields import Form, LineField
from core.web.filters import money
from core.web.languages import written
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.stops import HoldForm, hold_on
from portal.confirm import confirmed

APART = "hold-"  # two forms of one page ask why
MOST_AT_ONCE = 100  # as many as the list shows
EARLIER = 5  # payouts of the same vendor that help to judge this one


class ApproveForm(Form):
    pass


class ApproveManyForm(Form):
    total = HiddenField()


class CancelForm(Form):
    reason = LineField(later("Why it does not leave"), most=200, required=later("Say why: the seller reads it."))


@staff_door.get("/staff/payouts")
@staff_may("payouts.see")
def payouts() -> Response:
    held = list_held()
    return page(
        "portal/admin/payouts/index.html",
        held=held,
        kept_back=on_hold(held),
        newest=list_newest(),
        may_decide=staff().may("payouts.approve"),
    )


@staff_door.get("/staff/payouts/approvals")
@staff_may("payouts.approve")
def look_at_approvals() -> Response:
    """What would leave together, to whom, and how much in all. Nothing has happened yet."""
    return _approvals_page(_chosen(request.args.getlist("payouts")), ApproveManyForm(formdata=None))


@staff_door.post("/staff/payouts/approvals")
@staff_may("payouts.approve")
@confirmed
def approve_several() -> Response:
    """What was looked at is what leaves; when it has become another sum, it is looked at again."""
    form, chosen = ApproveManyForm(), _chosen(request.form.getlist("payouts"))
    leaving = [found for found in chosen if not _stays(*found)]
    if not form.validate() or not leaving or form.total.data != _total(leaving):
        return _approvals_page(chosen, form, changed=True)
    left = approve_many(leaving, by=staff().public_id)
    if gone := len(leaving) - len(left):
        flash(ngettext("%(num)s payout is let go.", "%(num)s payouts are let go.", gone), "good")
    for one in left:
        flash(f"{one.vendor.name}, {one.payout.public_id}: {written(one.why)}", "warn")
    return see_other(url_for(".payouts"))


def _chosen(numbers: list[str]) -> list[Found]:
    """Those of them that still wait, in the order in which they were asked for. Each box names one; the page with the total all in one field."""
    wanted = set(",".join(numbers).split(",")[:MOST_AT_ONCE])
    return [(vendor, payout) for vendor, payout in list_held() if payout.public_id in wanted]


def _stays(vendor: Vendor, payout: Payout) -> bool:
    """Whether it would be refused by now: it is held, its seller has come to owe something, or has replaced the account."""
    held = payout_hold(vendor, payout.mode, payout.public_id) is not None
    return held or bool(owed_since(payout)) or account_of(vendor, payout).replaced_at is not None


def _total(chosen: list[Found]) -> str:
    """In each currency and mode, in one line: what the button says and what the form carries."""
    sums: dict[tuple[str, str], Money] = {}
    for _vendor, payout in chosen:
        key = (payout.mode, payout.currency)
        sums[key] = sums[key] + payout.amount if key in sums else payout.amount
    return " + ".join(money(total) if mode == "live" else f"{money(total)} ({_('test')})" for (mode, _code), total in sorted(sums.items()))


def _approvals_page(chosen: list[Found], form: ApproveManyForm, *, changed: bool = False) -> Response:
    rows = [(vendor, payout, account_of(vendor, payout), _stays(vendor, payout)) for vendor, payout in chosen]
    leaving = [(vendor, payout) for vendor, payout, _account, stays in rows if not stays]
    return page(
        "portal/admin/payouts/approvals.html",
        status=409 if changed else 200,
        chosen=rows,
        leaving=[payout.public_id for _vendor, payout in leaving],
        total=_total(leaving),
        form=form,
        changed=changed,
    )


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


@staff_door.post("/staff/payouts/<number>/hold")
@staff_may("payouts.hold")
@confirmed
def hold_one(number: str) -> Response:
    """Keep this one back for a while: nobody lets it go before that is over or ended."""
    form = HoldForm(prefix=APART)
    if form.validate():
        with form.refusals():
            vendor, found = get_everywhere(number)
            hold_payout(vendor, found, reason=form.reason.data, days=form.days.data, by=staff().public_id)
            flash(_("Held. The vendor reads why, and until when."), "good")
            return see_other(url_for(".payout", number=number))
    return _page(number, holding=form)


def _page(
    number: str, *, approval: ApproveForm | None = None, cancellation: CancelForm | None = None, holding: HoldForm | None = None
) -> Response:
    vendor, found = get_everywhere(number)
    failed = approval or cancellation or holding
    waits = waits_untold(found)
    hold = payout_hold(vendor, found.mode, found.public_id) if may_be_held(found) else None
    earlier = [one for one in list_payouts(vendor, found.mode, limit=EARLIER + 1) if one.id != found.id][:EARLIER]
    return page(
        "portal/admin/payouts/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        vendor=vendor,
        payout=found,
        account=account_of(vendor, found),
        carriage=find_carriage(vendor, found),
        sums=sums_of(found),
        history=history_of(vendor, found),
        why_not=reason_of(found.failure_reason),
        earlier=earlier,
        failed=failed,
        approval=approval or ApproveForm(formdata=None),
        cancellation=cancellation or CancelForm(formdata=None),
        may_decide=staff().may("payouts.approve") and (found.state == "requested" or waits),
        hold=hold,
        owed=owed_since(found),
        known=[name for name in known_names(vendor) if name],
        people={**people_named({found.requested_by}), **staff_names()},
        hold_end=hold_on(vendor, hold),
        holding=(holding or HoldForm(formdata=None, prefix=APART)) if _may_hold(vendor, found) else None,
    )


def _may_hold(vendor: Vendor, found: Payout) -> bool:
    """Whether it can be kept back by itself: it waits here, and is not kept back by itself already."""
    alone = find_stop(vendor, found.mode, "payouts", about=found.public_id)
    return may_be_held(found) and alone is None and staff().may("payouts.hold")
