"""Safety: one's own two-step sign-in, what is asked of the whole team, and letting somebody in again who lost their device."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.queries import list_team
from core.accounts.second_factor import take_off_member
from core.accounts.security import change_security, refund_limit
from core.accounts.team import get_member
from core.web.fields import BooleanField, Form, LineField, MoneyField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.mail import tell_second_step


class SecurityForm(Form):
    required = BooleanField(_l("Everybody who works here must use two-step sign-in"))
    limit = MoneyField(_l("Ask who it is before refunds above"), required=_l("Enter an amount."), above_zero=False)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.limit.currency = current().vendor.currency


class LostDeviceForm(Form):
    reason = LineField(_l("How do you know that it is really them?"), most=300, required=_l("Say it in a few words."))


@portal.get("/portal/settings/security")
@may("settings.see")
def security() -> Response:
    vendor = current().vendor
    return _page(SecurityForm(formdata=None, required=vendor.second_factor_required, limit=refund_limit(vendor)))


@portal.post("/portal/settings/security")
@may("security.edit")
@confirmed
def change_security_settings() -> Response:
    me, form = current(), SecurityForm()
    if form.validate():
        with form.refusals():
            change_security(me.vendor, required=form.required.data, limit=form.limit.data, by=me.user)
            flash(_("Saved."), "good")
            return see_other(url_for(".security"))
    return _page(form)


def _page(form: SecurityForm) -> Response:
    me = current()
    without = [member.user.name or member.user.email for member in list_team(me.vendor) if member.user.second_factor_at is None]
    return page(
        "portal/settings/security.html",
        status=form.status,
        form=form,
        may_edit=me.may("security.edit"),
        without=without,
        on=me.user.second_factor_at,
    )


@portal.get("/portal/team/<public_id>/lost-device")
@may("team.edit")
def lost_device(public_id: str) -> Response:
    return _lost_page(public_id, LostDeviceForm(formdata=None))


@portal.post("/portal/team/<public_id>/lost-device")
@may("team.edit")
@confirmed
def take_off_lost_device(public_id: str) -> Response:
    me, form = current(), LostDeviceForm()
    if form.validate():
        with form.refusals():
            user = take_off_member(me.vendor, public_id, by=me.user, reason=form.reason.data)
            tell_second_step(user, "taken_off")
            flash(
                _("%(name)s signs in with the password alone until they set it up again. We have written to them.", name=user.name), "good"
            )
            return see_other(url_for(".team"))
    return _lost_page(public_id, form)


def _lost_page(public_id: str, form: LostDeviceForm) -> Response:
    user, _membership = get_member(current().vendor, public_id)
    return page("portal/team/lost_device.html", status=form.status, form=form, person=user)
