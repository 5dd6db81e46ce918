"""Saying why, before a vendor's rows are looked into; the vendor reads it on a page of its own."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.staff_models import StaffVisit
from core.accounts.staff_visits import LONGEST_REASON, begin_visit, find_visit
from core.web.fields import Form, LineField
from core.web.guard import safe_path
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door


class VisitForm(Form):
    reason = LineField(later("Why do you look?"), most=LONGEST_REASON, required=later("Say why in a few words: the vendor will read it."))


def visit_of(vendor: Vendor) -> StaffVisit | None:
    """The visit that is going on, or None: then the view asks why first (`ask_why`)."""
    return find_visit(vendor, by=staff().public_id)


def ask_why(vendor: Vendor) -> Response:
    """To the page that asks, which leads back."""
    return see_other(url_for("staff.new_visit", public_id=vendor.public_id, next=request.path))


def _goal(vendor: Vendor) -> str:
    path = safe_path(request.args.get("next"))
    return path if path and path.startswith("/staff/") else url_for("staff.vendor", public_id=vendor.public_id)


@staff_door.get("/staff/vendors/<public_id>/visits/new")
@staff_may("vendors.see")
def new_visit(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    return page("portal/admin/visits/new.html", vendor=vendor, form=VisitForm(formdata=None), next=_goal(vendor))


@staff_door.post("/staff/vendors/<public_id>/visits")
@staff_may("vendors.see")
def start_visit(public_id: str) -> Response:
    vendor, form = get_vendor_everywhere(public_id), VisitForm()
    if form.validate():
        with form.refusals():
            begin_visit(vendor, by=staff().public_id, reason=form.reason.data)
            return see_other(_goal(vendor))
    return page("portal/admin/visits/new.html", status=form.status, vendor=vendor, form=form, next=_goal(vendor))
