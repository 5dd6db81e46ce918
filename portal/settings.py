"""What a business says about itself, and where its people are signed in."""

from __future__ import annotations

from flask import Response, flash, url_for

from core.accounts.change_business import change_business
from core.accounts.places import time_zones
from core.accounts.queries import list_sessions
from core.web.fields import AddressField, ChoiceField, Form, LineField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal


class BusinessForm(Form):
    name = LineField("Business name", most=120, required="Enter the name your customers know you by.")
    support_email = AddressField("Support e-mail", required="Enter the address where payers may write for help.")
    time_zone = ChoiceField("Time zone", choices=lambda: options((zone, zone.replace("_", " ")) for zone in time_zones()))


@portal.get("/portal/settings")
@may("settings.see")
def settings_page() -> Response:
    return _page(BusinessForm(formdata=None, obj=current().vendor))


@portal.post("/portal/settings")
@may("settings.edit")
def change_settings() -> Response:
    me, form = current(), BusinessForm()
    if form.validate():
        with form.refusals():
            change_business(
                me.vendor, by=me.user.public_id, name=form.name.data, support_email=form.support_email.data, time_zone=form.time_zone.data
            )
            flash("Saved.", "good")
            return see_other(url_for(".settings_page"))
    return _page(form)


def _page(form: BusinessForm) -> Response:
    me = current()
    return page("portal/settings/index.html", status=form.status, form=form, sessions=list_sessions(me.user), here=me.session.id)
