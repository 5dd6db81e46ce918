"""Tax rates: what a vendor charges, made once and put away when it is over."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.payments.tax import list_rates, make_rate, put_away_rate
from core.web.fields import Form, LineField, RadioField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from core.web.percent_field import PercentField
from portal.blueprint import portal


class RateForm(Form):
    name = LineField(_l("Name"), most=40, required=_l("Give the rate a name: it stands on receipts."))
    percent = PercentField(_l("Percent"), required=_l("Enter the rate, like 20."))
    how = RadioField(
        _l("Your prices"),
        choices=options([("inclusive", _l("contain the tax")), ("exclusive", _l("are without it; it is added"))]),
        default="inclusive",
    )


@portal.get("/portal/settings/taxes")
@may("settings.see")
def taxes() -> Response:
    return _page(RateForm(formdata=None))


@portal.post("/portal/settings/taxes")
@may("settings.edit")
def make_tax() -> Response:
    me, form = current(), RateForm()
    if form.validate():
        with form.refusals():
            inclusive = form.how.data == "inclusive"
            make_rate(me.vendor, me.mode, name=form.name.data or "", bps=form.percent.data, inclusive=inclusive, by=me.user.public_id)
            flash(_("The rate is ready. Choose it on a link."), "good")
            return see_other(url_for(".taxes"))
    return _page(form)


@portal.post("/portal/settings/taxes/<public_id>/put-away")
@may("settings.edit")
def put_away_tax(public_id: str) -> Response:
    me = current()
    put_away_rate(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("Put away. Links that carry it go on charging it until you edit them."), "good")
    return see_other(url_for(".taxes"))


def _page(form: RateForm) -> Response:
    me = current()
    return page("portal/settings/taxes.html", status=form.status, form=form, rates=list_rates(me.vendor, me.mode))
