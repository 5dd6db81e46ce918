"""Changing who the house is: the business that sells the plans, as checkouts and invoices name it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from core.accounts.change_business import UnknownTimeZone
from core.accounts.house import HOUSE, find_details, write_details
from core.accounts.models import Vendor
from core.accounts.places import is_country, time_zones
from core.kernel import audit
from core.kernel.currency import OFFERED
from core.kernel.db import locked
from core.kernel.errors import Conflict, NotFound, Refusal


class HouseCurrencyIsFixed(Conflict):
    """Sums stand in the currency that there is."""

    code = "house_currency_is_fixed"


@dataclass(frozen=True, slots=True)
class HouseWish:
    """Everything the page says of the house. `tax_bps` None: it is not registered for VAT."""

    name: str
    support_email: str
    country: str
    currency: str
    time_zone: str
    legal_name: str
    street: str
    postcode: str
    city: str
    registration: str
    vat_id: str
    tax_bps: int | None


OF_VENDOR = ("name", "support_email", "country", "currency", "time_zone")


def change_house(wish: HouseWish, *, currency_is_fixed: bool, by: str) -> Vendor:
    """From now on. Documents that exist keep what they say. Refuses another currency once it is fixed."""
    if not is_country(wish.country):
        raise Refusal("Choose a country from the list.", field="country")
    if wish.time_zone not in time_zones():
        raise UnknownTimeZone("Choose a time zone from the list.", field="time_zone")
    row = locked(Vendor, HOUSE)
    if row is None:
        raise NotFound
    if wish.currency != row.currency and (currency_is_fixed or wish.currency not in OFFERED):
        raise HouseCurrencyIsFixed("Somebody has subscribed: the currency cannot change any more.", field="currency")
    wished, details = asdict(wish), find_details(HOUSE)
    of_details = {name: value for name, value in wished.items() if name not in OF_VENDOR}
    before = {name: getattr(row, name) for name in OF_VENDOR} | {name: getattr(details, name, None) for name in of_details}
    changes = audit.differences(before, wished)
    if not changes:
        return row
    for name in OF_VENDOR:
        setattr(row, name, wished[name])
    write_details(HOUSE, **of_details)
    audit.record(HOUSE, actor=by, action="house.changed", subject=row.public_id, changes=changes)
    return row
