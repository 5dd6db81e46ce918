"""Switching a business to live money."""

from __future__ import annotations

from core.accounts.models import User, Vendor
from core.kernel import audit
from core.kernel.db import locked
from core.kernel.errors import NotFound, Refusal


class AddressNotConfirmed(Refusal):
    """Whoever wants to take real money must be reachable first."""

    code = "address_not_confirmed"


def go_live(vendor: Vendor, *, by: User) -> Vendor:
    """From now on the vendor may take live payments. Refuses a person whose e-mail address is not confirmed; twice is once."""
    if by.email_verified_at is None:
        raise AddressNotConfirmed("Confirm your e-mail address first.")
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    if not row.live_enabled:
        row.live_enabled = True
        audit.record(row.id, actor=by.public_id, action="vendor.went_live", subject=row.public_id)
    return row
