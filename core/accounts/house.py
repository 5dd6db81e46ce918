"""The house itself: the business that runs the directory. It is a vendor like the others, has no team, and its plans are what they subscribe to."""

from __future__ import annotations

import uuid

from core.accounts.models import BusinessDetails, Vendor
from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db

HOUSE = uuid.UUID(int=0)  # its book is the platform's own


def house() -> Vendor:
    """The vendor that is the house; made with the first migration that knows it."""
    return get_vendor(HOUSE)


def find_details(vendor_id: uuid.UUID) -> BusinessDetails | None:
    """What invoices say of a business; None until somebody has written it down."""
    return db.session.get(BusinessDetails, vendor_id)


def write_details(
    vendor_id: uuid.UUID, *, legal_name: str, street: str, postcode: str, city: str, registration: str = "", vat_id: str = "",
    tax_bps: int | None = None,
) -> BusinessDetails:  # fmt: skip
    """Set them. Documents that exist keep what they say."""
    row = db.session.get(BusinessDetails, vendor_id, with_for_update=True)
    if row is None:
        row = BusinessDetails(vendor_id=vendor_id)
        db.session.add(row)
    row.legal_name, row.street, row.postcode, row.city = legal_name, street, postcode, city
    row.registration, row.vat_id, row.tax_bps, row.updated_at = registration, vat_id, tax_bps, now()
    db.session.flush()
    return row


def what_invoices_lack(vendor: Vendor, details: BusinessDetails | None) -> list[str]:
    """What has to be said on an invoice and is not known yet, by its name in BusinessDetails; the address for questions too."""
    lacking = [] if vendor.support_email else ["support_email"]
    lacking += [name for name in ("legal_name", "street", "postcode", "city") if details is None or not getattr(details, name)]
    if details is not None and details.tax_bps is not None and not details.vat_id:
        lacking.append("vat_id")
    return lacking
