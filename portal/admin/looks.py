"""Seeing a vendor's own pages as its owner does: begun with a reason, switched between test and live, and ended. The pages: portal/seen_as_owner.py."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.staff_looks import MAY, Look, begin_look, end_look, find_look, show_mode
from core.accounts.staff_visits import LONGEST_REASON
from core.web.fields import ChoiceField, Form, LineField, options
from core.web.looking import leave_look, look_secret, take_look
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.visits import visit_of


class LookForm(Form):
    reason = LineField(later("Why do you look?"), most=LONGEST_REASON, required=later("Say why in a few words: the vendor will read it."))
    mode = ChoiceField(later("Which money"), choices=[])

    def for_vendor(self, vendor: Vendor) -> LookForm:
        live = [("live", _("Live"))] if vendor.live_enabled else []
        self.mode.choices = options([*live, ("test", _("Test"))])
        return self


@staff_door.get("/staff/vendors/<public_id>/looks/new")
@staff_may(MAY)
def new_look(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    visit = visit_of(vendor)
    form = LookForm(formdata=None, reason=visit.reason if visit else "").for_vendor(vendor)
    return page("portal/admin/looks/new.html", vendor=vendor, form=form)


@staff_door.post("/staff/vendors/<public_id>/looks")
@staff_may(MAY)
def start_look(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    form = LookForm().for_vendor(vendor)
    if form.validate():
        with form.refusals():
            secret = begin_look(vendor, staff(), mode=form.mode.data, reason=form.reason.data)
            return take_look(see_other(url_for("portal.home")), secret)
    return page("portal/admin/looks/new.html", status=form.status, vendor=vendor, form=form)


@staff_door.post("/staff/looks/mode")
@staff_may(MAY)
def switch_look() -> Response:
    look = _own_look()
    if look is None:
        return _nothing_left()
    show_mode(look, staff(), request.form.get("mode", ""))
    return see_other(url_for("portal.home"))


@staff_door.post("/staff/looks/end")
@staff_may(MAY)
def stop_look() -> Response:
    look = _own_look()
    if look is None:
        return _nothing_left()
    end_look(look, staff())
    flash(_("You no longer look at the pages of %(vendor)s.", vendor=look.vendor.name), "good")
    return leave_look(see_other(url_for("staff.vendor", public_id=look.vendor.public_id)))


def _own_look() -> Look | None:
    secret = look_secret()
    return find_look(secret, staff()) if secret else None


def _nothing_left() -> Response:
    """Ended already, or its time is over: pressing the button twice is no mistake."""
    flash(_("Looking at the business’s pages is over."), "info")
    return leave_look(see_other(url_for("staff.home")))
