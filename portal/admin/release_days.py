"""For how many days a vendor's money waits: read and set by staff, with a reason that the vendor reads in its own audit log."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.release_days import MOST_DAYS, set_release_days
from core.web.fields import CountField, Form, LineField
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed


class ReleaseForm(Form):
    days = CountField(later("Days until its money is available"), least=0, most=MOST_DAYS, required=later("Enter a number of days."))
    reason = LineField(later("Why"), most=300, required=later("Say in a few words why: the vendor reads it."))


@staff_door.get("/staff/vendors/<public_id>/release-days")
@staff_may("vendors.terms")
def release_days(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    seen(vendor, vendor.public_id)
    return _page(vendor, ReleaseForm(formdata=None, days=vendor.release_days))


@staff_door.post("/staff/vendors/<public_id>/release-days")
@staff_may("vendors.terms")
@confirmed
def change_release_days(public_id: str) -> Response:
    vendor, form = get_vendor_everywhere(public_id), ReleaseForm()
    if form.validate():
        with form.refusals():
            set_release_days(vendor, form.days.data, reason=form.reason.data, by=staff().public_id)
            flash(_("Saved. It counts for what is paid from now on; money that waits already keeps its day."), "good")
            return see_other(url_for(".vendor", public_id=vendor.public_id))
    return _page(vendor, form)


def _page(vendor: Vendor, form: ReleaseForm) -> Response:
    return page("portal/admin/vendors/release_days.html", status=form.status, form=form, vendor=vendor)
