"""From which sum on a vendor's people are told of a payment, by currency, with what else is told as larger than usual."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.kernel.currency import OFFERED
from core.kernel.errors import NotFound
from core.payments.large import ENOUGH, KIND, LATELY, TIMES, list_thresholds, set_threshold, suggest
from core.web.fields import CurrencyField, Form, MoneyField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal


class ThresholdForm(Form):
    currency = CurrencyField()
    least = MoneyField(later("Told from"), required=later("Enter from which amount on you want to be told."))


@portal.get("/portal/settings/large-payments")
@may("payments.see")
def large_payments() -> Response:
    return _page(ThresholdForm(formdata=None, currency=current().vendor.currency))


@portal.post("/portal/settings/large-payments")
@may("settings.edit")
def set_large_payments() -> Response:
    """One sum for each currency: another one takes its place."""
    me, form = current(), ThresholdForm()
    if form.validate():
        with form.refusals():
            set_threshold(me.vendor, me.mode, form.currency.data, form.least.data, by=me.user.public_id)
            flash(_("You are told of every payment of this amount or more."), "good")
            return see_other(url_for(".large_payments"))
    return _page(form)


@portal.post("/portal/settings/large-payments/<currency>/drop")
@may("settings.edit")
def drop_large_payments(currency: str) -> Response:
    if currency not in OFFERED:
        raise NotFound
    me = current()
    set_threshold(me.vendor, me.mode, currency, None, by=me.user.public_id)
    flash(_("No amount in %(currency)s counts any more.", currency=currency), "good")
    return see_other(url_for(".large_payments"))


def _page(form: ThresholdForm) -> Response:
    me = current()
    return page(
        "portal/large_payments/index.html",
        status=form.status,
        form=form,
        thresholds=list_thresholds(me.vendor, me.mode),
        suggested=suggest(me.vendor, me.mode),
        times=TIMES,
        days=LATELY.days,
        enough=ENOUGH,
        told=url_for(".notices", kind=KIND),
        may_edit=me.may("settings.edit"),
    )
