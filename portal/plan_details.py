"""Who a vendor is on its invoices, in which currency its plan is billed, and by whose midnight its days are counted."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.billing_details import FIELDS, change_details
from core.accounts.house import HOUSE, find_details, house
from core.accounts.vat_checks import ask_registry, standing_of
from core.billing import queries, states, store
from core.billing.clock import today_of
from core.billing.price_list import offer_on
from core.billing.treat import held_until
from core.fx.rates import EURO, list_rates
from core.kernel.currency import OFFERED
from core.subscriptions.follow import follow
from core.subscriptions.plan import are_sold
from core.web.fields import ChoiceField, Form, LineField, ZoneField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.plan import own_plan, running_plan
from portal.tax_id_field import TaxIdField


class DetailsForm(Form):
    legal_name = LineField(_l("Name by law"), most=120, required=_l("Enter the name as the register has it."))
    street = LineField(_l("Street and number"), most=120, required=_l("Enter the street."))
    postcode = LineField(_l("Postcode"), most=20)
    city = LineField(_l("Town"), most=80, required=_l("Enter the town."))
    registration = LineField(_l("Company number"), most=60)
    vat_id = TaxIdField(_l("VAT number"), most=20)


class CurrencyForm(Form):
    currency = ChoiceField(
        _l("Billed in"), choices=lambda: options((code, code) for code in _currencies()), words=_l("Choose a currency from the list.")
    )


class ZoneForm(Form):
    zone = ZoneField(_l("Time zone"))


@portal.get("/portal/plan/details")
@may("settings.see")
def plan_details() -> Response:
    return _page()


@portal.post("/portal/plan/details")
@may("plan.manage")
def change_plan_details() -> Response:
    me, form = current(), DetailsForm()
    if form.validate():
        with form.refusals():
            change_details(me.vendor, by=me.user.public_id, **{name: form[name].data or "" for name in FIELDS})
            flash(_("Saved. Invoices say it from now on; earlier ones keep what they say."), "good")
            return see_other(url_for(".plan_details"))
    return _page(details=form)


@portal.post("/portal/plan/details/check")
@may("plan.manage")
def check_plan_vat_id() -> Response:
    """Have the registry asked (again). A worker does it."""
    flash(_("The registry is being asked.") if ask_registry(current().vendor) else _("There is nothing to ask."), "info")
    return see_other(url_for(".plan_details"))


@portal.post("/portal/plan/currency")
@may("plan.manage")
def change_plan_currency() -> Response:
    row, form = running_plan(), CurrencyForm()
    if form.validate():
        with form.refusals():
            store.ask_currency(row, form.currency.data, by=current().user.public_id)
            follow(row)
            flash(_("Noted. It counts from the next period on."), "good")
            return see_other(url_for(".plan_details"))
    return _page(currency=form)


@portal.post("/portal/plan/zone")
@may("plan.manage")
def change_plan_zone() -> Response:
    row, form = running_plan(), ZoneForm()
    if form.validate():
        with form.refusals():
            store.ask_zone(row, form.zone.data, by=current().user.public_id)
            follow(row)
            flash(_("Noted. It counts from the next period on."), "good")
            return see_other(url_for(".plan_details"))
    return _page(zone=form)


def _currencies() -> list[str]:
    """The house's own, and those there is a rate for."""
    own, known = house().currency, {rate.currency for rate in list_rates()}
    if own != EURO and own not in known:
        return [own]  # without a rate of its own nothing can be converted
    return [code for code in OFFERED if code in {own, EURO, *known}]


def _page(*, details: DetailsForm | None = None, currency: CurrencyForm | None = None, zone: ZoneForm | None = None) -> Response:
    me, row = current(), own_plan()
    state = queries.as_of_now(row)[0] if row is not None and row.status != states.CANCELLED else None
    known = find_details(me.vendor.id)
    values = {name: getattr(known, name, "") for name in FIELDS}
    wrong = next((form for form in (details, currency, zone) if form is not None), None)
    if state is not None:
        currency = currency or CurrencyForm(formdata=None, currency=state.next_currency or state.currency)
        zone = zone or ZoneForm(formdata=None, zone=state.zone.name)
    return page(
        "portal/plan/details.html",
        status=(409 if wrong.form_errors else wrong.status) if wrong else 200,
        form=wrong or Form(formdata=None),
        details=details or DetailsForm(formdata=None, **values),
        currency=currency,
        zone=zone,
        state=state,
        may_manage=me.may("plan.manage"),
        country=me.vendor.country,
        vat=standing_of(me.vendor),
        vat_until=held_until(me.vendor.public_id, offer_on(HOUSE, me.mode, today_of(me.vendor)).terms) if are_sold(me.mode) else None,
    )
