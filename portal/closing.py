"""Closing the business's account: what stands in the way, what happens, the confirmation; and for some days the way back."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.queries import list_memberships
from core.closing.close import (
    GRACE,
    LIVE,
    ask_to_close,
    expects_of,
    find_last,
    find_open,
    open_closing_token,
    take_back,
)
from core.closing.obstacles import Obstacle, left_on_plans, obstacles
from core.kernel.errors import NotAllowed
from core.web.fields import Form, LineField
from core.web.filters import money
from core.web.guard import current, leave_seat, may, public
from core.web.page import page, see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed


class CloseForm(Form):
    name = LineField(_l("Name of the business"), most=120, required=_l("Type the name of the business."))


@portal.get("/portal/settings/close")
@may("business.close")
def close_account() -> Response:
    return _page(CloseForm(formdata=None))


@portal.post("/portal/settings/close")
@may("business.close")
@by_address("20 per hour", scope="close-account")
@confirmed
def confirm_close_account() -> Response:
    """Only what was shown. When nothing has to go back first, it stops at once and this browser is signed out with all others."""
    me, form = current(), CloseForm()
    if form.validate():
        with form.refusals():
            row = ask_to_close(me.vendor, me.user, name=form.name.data, expects=request.form.get("expects", ""), mode=LIVE)
            if row.state == "paying_back":
                flash(_("Asked for. The balance of your plan goes back first."), "good")
                return see_other(url_for(".close_account"))
            response = leave_seat(see_other(url_for(".sign_in")))
            flash(_("The account is being closed, and every device is signed out. The way back is in our letter to you."), "good")
            return response
    return _page(form)


def _page(form: CloseForm) -> Response:
    vendor = current().vendor
    left = left_on_plans(vendor, LIVE)
    return page(
        "portal/closing/close.html",
        status=form.status,
        form=form,
        closing=find_open(vendor),
        last=find_last(vendor),
        obstacles=[said_of(each) for each in obstacles(vendor, LIVE)],
        back=[each.back for each in left if each.back],
        lapses=[each.lapses for each in left if each.lapses],
        expects=expects_of(left),
        days=GRACE.days,
    )


@portal.get("/portal/closing")
@may("account.own")
def closing_now() -> Response:
    """What stands in the place of every page while the account is being closed."""
    row = find_open(current().vendor)
    if row is None or row.stopped_at is None:
        return see_other(url_for(".home"))
    me = current()
    return page(
        "portal/closing/now.html",
        vendor=me.vendor,
        row=row,
        action=url_for(".keep_account"),
        may_act=me.may("business.close"),
        elsewhere=[vendor for _membership, vendor in list_memberships(me.user) if vendor.id != me.vendor.id],
    )


@portal.post("/portal/closing")
@may("account.own")
def keep_account() -> Response:
    """By whoever is signed in as the owner."""
    me, row = current(), find_open(current().vendor)
    if not me.may("business.close"):
        raise NotAllowed(_("Only the owner can take this back."))
    if row is None:
        return see_other(url_for(".closing_now"))
    take_back(me.vendor, row, by=me.user.public_id)
    flash(_("Taken back: the account stays, and everything is open again."), "good")
    return see_other(url_for(".settings_page"))


@portal.get("/closing/<token>")
@public
def closing_by_letter(token: str) -> Response:
    """Looking takes nothing back: mail scanners open links too, so a person presses the button."""
    vendor, row = open_closing_token(token)
    return page(
        "portal/closing/now.html", vendor=vendor, row=row, action=url_for(".keep_by_letter", token=token), may_act=True, elsewhere=[]
    )


@portal.post("/closing/<token>")
@public
@by_address("20 per hour", scope="keep-account")
def keep_by_letter(token: str) -> Response:
    vendor, row = open_closing_token(token)
    take_back(vendor, row, by=row.asked_by)
    flash(_("Taken back: the account stays, and everything is open again. Please sign in."), "good")
    return see_other(url_for(".sign_in"))


def said_of(obstacle: Obstacle) -> tuple[str, str, str]:
    """What it is, what to do, and where."""
    amount = money(obstacle.amount) if obstacle.amount is not None else ""
    count = obstacle.count
    return {
        "available": lambda: (_("%(amount)s is yours and not paid out", amount=amount), _("Ask for a payout first."), url_for("portal.payouts")),
        "pending": lambda: (_("%(amount)s becomes yours in some days", amount=amount), _("Wait until it is available, then have it paid out."), url_for("portal.balance_page")),
        "debt": lambda: (_("%(amount)s is owed to the platform", amount=amount), _("It is made up from your next payments; or write to us."), url_for("portal.balance_page")),
        "unassigned": lambda: (_("%(amount)s came and belongs to no payment yet", amount=amount), _("Decide what becomes of it."), url_for("portal.transfers")),
        "wallet": lambda: (_("%(amount)s is stored for your customers", amount=amount), _("It has to be given back to them."), url_for("portal.customers")),
        "payments": lambda: (ngettext("%(num)s payment is under way", "%(num)s payments are under way", count), _("Wait until it is known how they end."), url_for("portal.payments")),
        "refunds": lambda: (ngettext("%(num)s refund is under way", "%(num)s refunds are under way", count), _("Wait until they have arrived, or call off those that wait."), url_for("portal.payments")),
        "refund_links": lambda: (ngettext("%(num)s refund link waits", "%(num)s refund links wait", count), _("Take back those that are open, and decide about the accounts that were named."), url_for("portal.refund_link_list")),
        "payouts": lambda: (ngettext("%(num)s payout is under way", "%(num)s payouts are under way", count), _("Wait until they have arrived."), url_for("portal.payouts")),
        "returns": lambda: (ngettext("%(num)s transfer is on its way back", "%(num)s transfers are on their way back", count), _("Wait until the bank has sent them."), url_for("portal.transfers")),
        "cases": lambda: (ngettext("%(num)s bank transfer waits for a decision", "%(num)s bank transfers wait for a decision", count), _("Decide what becomes of it."), url_for("portal.transfers")),
        "plan": lambda: (_("Your plan runs"), _("Cancel it now; it ends tonight."), url_for("portal.plan_page")),
        "plan_debt": lambda: (_("Your last plan still owes %(amount)s", amount=amount), _("Pay it first."), url_for("portal.plan_page")),
        "plan_lost": lambda: (_("An invoice of your plan was never paid"), _("Write to us, and we look at the balance together."), url_for("portal.plan_page")),
        "memberships": lambda: (ngettext("%(num)s membership runs", "%(num)s memberships run", count), _("End what your customers have joined first."), url_for("portal.memberships")),
    }[obstacle.kind]()  # fmt: skip
