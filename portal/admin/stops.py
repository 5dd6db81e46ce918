"""What is stopped for a vendor, or will be: payments, payouts for a while, the directory, forms elsewhere, the API. With a reason that it reads."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.staff import staff_names
from core.admission.models import Stop
from core.admission.states import STOPPABLE
from core.admission.stops import (
    FURTHEST,
    LONGEST_DAYS,
    LONGEST_REASON,
    active_stops,
    announced_stops,
    get_stop,
    is_active,
    is_announced,
    let_go_on,
    list_stops,
    stop,
)
from core.kernel.errors import NotFound
from core.web.day_fields import DayField
from core.web.fields import CountField, Form, ParagraphField
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from core.web.stop_words import names
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed

WORLDS = ("live", "test")


class StopForm(Form):
    reason = ParagraphField(later("Why"), most=LONGEST_REASON, required=later("Say why: the vendor reads it."))
    starts_on = DayField(later("From which day on"))


class HoldForm(StopForm):
    days = CountField(later("For how many days"), most=LONGEST_DAYS, required=later("Say for how many days."))


@staff_door.get("/staff/vendors/<public_id>/stops/<world>")
@staff_may("stops.see")
def stops(public_id: str, world: str) -> Response:
    vendor = _vendor(public_id, world)
    seen(vendor, vendor.public_id)
    holding = {row.what: row for row in active_stops(vendor, world) if not row.about}
    coming = {row.what: row for row in announced_stops(vendor, world)}
    one_by_one = [row for row in active_stops(vendor, world) if row.about]
    return page(
        "portal/admin/stops/index.html",
        vendor=vendor,
        world=world,
        names=names(),
        holding=holding,
        coming=coming,
        one_by_one=one_by_one,
        over=[row for row in list_stops(vendor, world) if not is_active(row) and not is_announced(row)],
        people=staff_names(),
        may_hold=staff().may("payouts.hold"),
        may_stop=staff().may("stops.set"),
    )


@staff_door.get("/staff/vendors/<public_id>/stops/<world>/<what>")
@staff_may("stops.set")
def new_stop(public_id: str, world: str, what: str) -> Response:
    return _form_page(_vendor(public_id, world), world, _stoppable(what), StopForm(formdata=None))


@staff_door.post("/staff/vendors/<public_id>/stops/<world>/<what>")
@staff_may("stops.set")
@confirmed
def begin_stop(public_id: str, world: str, what: str) -> Response:
    vendor, form = _vendor(public_id, world), StopForm()
    if form.validate():
        with form.refusals():
            stop(vendor, world, _stoppable(what), reason=form.reason.data, starts_at=form.starts_on.data, by=staff().public_id)
            flash(
                _("Announced. The vendor reads why, and from when.") if form.starts_on.data else _("Stopped. The vendor reads why."), "good"
            )
            return _back(vendor, world)
    return _form_page(vendor, world, _stoppable(what), form)


@staff_door.get("/staff/vendors/<public_id>/holds/<world>")
@staff_may("payouts.hold")
def new_hold(public_id: str, world: str) -> Response:
    return _form_page(_vendor(public_id, world), world, "payouts", HoldForm(formdata=None))


@staff_door.post("/staff/vendors/<public_id>/holds/<world>")
@staff_may("payouts.hold")
@confirmed
def begin_hold(public_id: str, world: str) -> Response:
    """Of all its payouts; one alone is held on its own page."""
    vendor, form = _vendor(public_id, world), HoldForm()
    if form.validate():
        with form.refusals():
            stop(
                vendor, world, "payouts", reason=form.reason.data, days=form.days.data, starts_at=form.starts_on.data, by=staff().public_id
            )
            flash(
                _("Announced. The vendor reads why, and from when.")
                if form.starts_on.data
                else _("Held. The vendor reads why, and until when."),
                "good",
            )
            return _back(vendor, world)
    return _form_page(vendor, world, "payouts", form)


@staff_door.post("/staff/vendors/<public_id>/stops/<world>/<number>/end")
@staff_may("stops.set")
def end_stop(public_id: str, world: str, number: str) -> Response:
    return _end(_vendor(public_id, world), world, number, payouts=False)


@staff_door.post("/staff/vendors/<public_id>/holds/<world>/<number>/end")
@staff_may("payouts.hold")
@confirmed
def end_hold(public_id: str, world: str, number: str) -> Response:
    return _end(_vendor(public_id, world), world, number, payouts=True)


def _end(vendor: Vendor, world: str, number: str, *, payouts: bool) -> Response:
    row = get_stop(vendor, world, number)
    if (row.what == "payouts") != payouts:
        raise NotFound
    came = not is_announced(row)
    let_go_on(vendor, row, by=staff().public_id)
    flash(_("It goes on. The vendor is told.") if came else _("It does not come. The vendor is told."), "good")
    return see_other(url_for("staff.payout", number=row.about)) if row.about else _back(vendor, world)


def _back(vendor: Vendor, world: str) -> Response:
    return see_other(url_for(".stops", public_id=vendor.public_id, world=world))


def _vendor(public_id: str, world: str) -> Vendor:
    if world not in WORLDS:
        raise NotFound
    return get_vendor_everywhere(public_id)


def _stoppable(what: str) -> str:
    if what not in STOPPABLE or what == "payouts":
        raise NotFound
    return what


def _form_page(vendor: Vendor, world: str, what: str, form: StopForm) -> Response:
    seen(vendor, vendor.public_id)
    return page(
        "portal/admin/stops/new.html",
        status=form.status,
        vendor=vendor,
        world=world,
        what=what,
        name=names()[what],
        form=form,
        most_days=FURTHEST.days,
    )


def hold_on(vendor: Vendor, hold: Stop | None) -> str | None:
    """Where a hold is ended, for whoever may."""
    if hold is None or not staff().may("payouts.hold"):
        return None
    return url_for(".end_hold", public_id=vendor.public_id, world=hold.mode, number=hold.public_id)
