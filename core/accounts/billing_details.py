"""What invoices say of a business that buys: changed by the business itself, and written down who did it."""

from __future__ import annotations

from core.accounts.house import find_details, write_details
from core.accounts.models import BusinessDetails, Vendor
from core.accounts.queries import hold_vendor
from core.accounts.vat_checks import ask_registry
from core.kernel import audit

FIELDS = ("legal_name", "street", "postcode", "city", "registration", "vat_id")


def change_details(vendor: Vendor, *, by: str, **wished: str) -> BusinessDetails:
    """From now on. Documents that exist keep what they say; what the business charges itself stays. Only what differs is recorded."""
    hold_vendor(vendor.id)
    details = find_details(vendor.id)
    changes = audit.differences({name: getattr(details, name, "") for name in FIELDS}, wished)
    if details is not None and not changes:
        return details
    tax_bps = details.tax_bps if details is not None else None
    kept = write_details(vendor.id, **wished, tax_bps=tax_bps)
    audit.record(vendor.id, actor=by, action="vendor.changed", subject=vendor.public_id, changes=changes)
    if "vat_id" in changes:
        ask_registry(vendor)
    return kept
