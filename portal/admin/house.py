"""Who the house is: its name at the checkout of its charges, and what invoices say of the seller."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.change_house import HouseWish, change_house
from core.accounts.house import find_details, house, what_invoices_lack
from core.accounts.places import countries
from core.billing.price_list import is_subscribed
from core.kernel.percent import WHOLE
from core.web.fields import AddressField, ChoiceField, CurrencyField, Form, LineField, RadioField, ZoneField, options
from core.web.page import page, see_other
from core.web.percent_field import PercentField
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.tax_id_field import TaxIdField

UNREGISTERED, REGISTERED = "no", "yes"
LACKING = {
    "support_email": _l("an address for questions"), "legal_name": _l("the name by law"), "street": _l("the street"),
    "postcode": _l("the postcode"), "city": _l("the town"), "vat_id": _l("the VAT number"),
}  # fmt: skip


class HouseForm(Form):
    name = LineField(_l("Name"), most=120, required=_l("Enter the name vendors know the house by."))
    support_email = AddressField(_l("Address for questions"), required=_l("Enter the address where vendors may write for help."))
    currency = CurrencyField()
    time_zone = ZoneField(_l("Time zone"))
    legal_name = LineField(_l("Name by law"), most=120, required=_l("Enter the name as the register has it."))
    street = LineField(_l("Street and number"), most=120, required=_l("Enter the street."))
    postcode = LineField(_l("Postcode"), most=20, required=_l("Enter the postcode."))
    city = LineField(_l("Town"), most=80, required=_l("Enter the town."))
    country = ChoiceField(_l("Country"), choices=lambda: options(countries()))
    registration = LineField(_l("Company number"), most=60)
    vat = RadioField(
        _l("Does the house charge VAT?"),
        choices=options([(UNREGISTERED, _l("Not registered for VAT: invoices carry none")), (REGISTERED, _l("Registered for VAT"))]),
        default=UNREGISTERED,
    )
    vat_id = TaxIdField(_l("VAT number"), most=20)
    rate = PercentField(_l("VAT rate on plans"), most=WHOLE // 2)

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if self.vat.data == REGISTERED:
            if not self.vat_id.data and not self.vat_id.errors:
                self.refuse(_("Enter the VAT number, or choose that there is none."), "vat_id")
            if self.rate.data is None and not self.rate.errors:
                self.refuse(_("Enter the rate, like 20."), "rate")
        elif self.vat_id.data or self.rate.typed:
            field = "vat_id" if self.vat_id.data else "rate"
            self.refuse(_("Who is not registered has neither a number nor a rate: clear it, or choose registered."), field)
        return good and not self.errors

    @property
    def wish(self) -> HouseWish:
        registered = self.vat.data == REGISTERED
        return HouseWish(
            name=self.name.data, support_email=self.support_email.data, country=self.country.data,
            currency=self.currency.data if "currency" in self else house().currency, time_zone=self.time_zone.data,
            legal_name=self.legal_name.data, street=self.street.data, postcode=self.postcode.data, city=self.city.data,
            registration=self.registration.data or "", vat_id=(self.vat_id.data or "") if registered else "",
            tax_bps=self.rate.data if registered else None,
        )  # fmt: skip


@staff_door.get("/staff/house")
@staff_may("plans.see")
def house_page() -> Response:
    row, details = house(), find_details(house().id)
    values = {name: getattr(row, name) for name in ("name", "support_email", "currency", "time_zone", "country")}
    values |= {name: getattr(details, name, "") for name in ("legal_name", "street", "postcode", "city", "registration", "vat_id")}
    bps = details.tax_bps if details else None
    values |= {"rate": bps, "vat": UNREGISTERED if bps is None else REGISTERED}
    return _page(_without_fixed(HouseForm(formdata=None, **values)))


@staff_door.post("/staff/house")
@staff_may("plans.manage")
@confirmed
def change_house_page() -> Response:
    form = _without_fixed(HouseForm())
    if form.validate():
        with form.refusals():
            change_house(form.wish, currency_is_fixed=is_subscribed(house().id), by=staff().public_id)
            flash(_("Saved. Documents that exist keep what they say."), "good")
            return see_other(url_for(".house_page"))
    return _page(form)


def _without_fixed(form: HouseForm) -> HouseForm:
    """Once somebody has subscribed there is no other currency to choose."""
    if is_subscribed(house().id):
        del form.currency
    return form


def _page(form: HouseForm) -> Response:
    return page(
        "portal/admin/house/edit.html",
        status=form.status,
        form=form,
        house=house(),
        lacking=what_is_lacking(),
        may_manage=staff().may("plans.manage"),
    )


def what_is_lacking() -> list[str]:
    """In words, what invoices cannot say yet."""
    return [str(LACKING[name]) for name in what_invoices_lack(house(), find_details(house().id))]
