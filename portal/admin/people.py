"""Staff let somebody of a vendor in again who lost the device for their codes, after they made sure who it is; the vendor reads why."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import User, Vendor
from core.accounts.second_factor import take_off_by_staff
from core.accounts.team import get_member
from core.web.fields import Form, LineField
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.mail import tell_second_step


class HelpForm(Form):
    reason = LineField(later("How do you know that it is really them?"), most=300, required=later("Say it in a few words."))


@staff_door.get("/staff/vendors/<public_id>/people/<person>/lost-device")
@staff_may("people.help")
def lost_device(public_id: str, person: str) -> Response:
    vendor, user = _find(public_id, person)
    seen(vendor, user.public_id)
    return _page(vendor, user, HelpForm(formdata=None))


@staff_door.post("/staff/vendors/<public_id>/people/<person>/lost-device")
@staff_may("people.help")
@confirmed
def take_off_lost_device(public_id: str, person: str) -> Response:
    (vendor, user), form = _find(public_id, person), HelpForm()
    if form.validate():
        with form.refusals():
            take_off_by_staff(user, by=staff().public_id, reason=form.reason.data)
            tell_second_step(user, "taken_off")
            flash(_("They sign in with the password alone until they set it up again. We have written to them."), "good")
            return see_other(url_for(".vendor", public_id=vendor.public_id))
    return _page(vendor, user, form)


def _find(public_id: str, person: str) -> tuple[Vendor, User]:
    vendor = get_vendor_everywhere(public_id)
    return vendor, get_member(vendor, person)[0]


def _page(vendor: Vendor, user: User, form: HelpForm) -> Response:
    return page("portal/admin/vendors/lost_device.html", status=form.status, form=form, vendor=vendor, person=user)
