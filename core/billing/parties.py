"""Who is on a document: both parties as they were when it was made. What changes later changes no document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import select

from core.accounts.house import find_details, list_details
from core.accounts.models import BusinessDetails, Vendor
from core.accounts.queries import find_vendors
from core.billing.models import KeptSubscription
from core.customers.models import Customer
from core.kernel.db import db

Party = dict[str, Any]


class Parties:
    """The seller, and the subscriber: another business of the house, or a customer of the seller. Looked up once for a unit of work."""

    def __init__(self, rows: Iterable[KeptSubscription] = ()) -> None:
        """`rows`: those whose documents are about to be made; their businesses are looked up together."""
        self._known: dict[object, Party] = {}
        names = {row.subscriber for row in rows if row.subscriber.startswith("vnd_")}
        if len(names) > 1:
            found = find_vendors(names)
            details = list_details({vendor.id for vendor in found.values()})
            self._known |= {name: business_party(vendor, details.get(vendor.id)) for name, vendor in found.items()}

    def of(self, row: KeptSubscription) -> tuple[Party, Party]:
        """Both, for a document of this subscription."""
        return self._of(row.vendor_id, lambda: _seller(row)), self._of((row.vendor_id, row.mode, row.subscriber), lambda: self._buyer(row))

    def _of(self, key: object, find: Callable[[], Party]) -> Party:
        if key not in self._known:
            self._known[key] = find()
        return self._known[key]

    def _buyer(self, row: KeptSubscription) -> Party:
        return self._known.get(row.subscriber) or _buyer(row)


def _seller(row: KeptSubscription) -> Party:
    vendor = db.session.get_one(Vendor, row.vendor_id)
    return business_party(vendor, find_details(vendor.id))


def _buyer(row: KeptSubscription) -> Party:
    if row.subscriber.startswith("vnd_"):
        vendor = db.session.scalars(select(Vendor).where(Vendor.public_id == row.subscriber)).one()
        return business_party(vendor, find_details(vendor.id))
    mine = select(Customer).where(Customer.vendor_id == row.vendor_id, Customer.mode == row.mode)
    buyer = db.session.scalars(mine.where(Customer.public_id == row.subscriber)).one()
    return {"id": buyer.public_id, "name": buyer.name, "email": buyer.email, "country": None}


def business_party(vendor: Vendor, details: BusinessDetails | None) -> Party:
    """A business with what invoices say of it, as it is now."""
    party: Party = {"id": vendor.public_id, "name": vendor.name, "email": vendor.support_email, "country": vendor.country}
    if details is not None:
        party |= {
            "name": details.legal_name or vendor.name, "street": details.street, "postcode": details.postcode, "city": details.city,
            "registration": details.registration, "vat_id": details.vat_id,
        }  # fmt: skip
    return party
