"""Who is on a document: both parties as they were when it was made. What changes later changes no document."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.accounts.house import find_details
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.customers.models import Customer
from core.kernel.db import db

Party = dict[str, Any]


def parties_of(row: KeptSubscription) -> tuple[Party, Party]:
    """The seller, and the subscriber: another business of the house, or a customer of the seller."""
    seller = db.session.get_one(Vendor, row.vendor_id)
    return _business(seller), _buyer(row)


def _buyer(row: KeptSubscription) -> Party:
    if row.subscriber.startswith("vnd_"):
        return _business(db.session.scalars(select(Vendor).where(Vendor.public_id == row.subscriber)).one())
    mine = select(Customer).where(Customer.vendor_id == row.vendor_id, Customer.mode == row.mode)
    buyer = db.session.scalars(mine.where(Customer.public_id == row.subscriber)).one()
    return {"id": buyer.public_id, "name": buyer.name, "email": buyer.email, "country": None}


def _business(vendor: Vendor) -> Party:
    party: Party = {"id": vendor.public_id, "name": vendor.name, "email": vendor.support_email, "country": vendor.country}
    details = find_details(vendor.id)
    if details is not None:
        party |= {
            "name": details.legal_name or vendor.name, "street": details.street, "postcode": details.postcode, "city": details.city,
            "registration": details.registration, "vat_id": details.vat_id,
        }  # fmt: skip
    return party
