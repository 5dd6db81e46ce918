"""Switching a business to live money."""

from __future__ import annotations

from core.accounts.models import User, Vendor
from core.kernel import audit
from core.kernel.config import settings
from core.kernel.db import locked
from core.kernel.errors import NotFound, Refusal


class AddressNotConfirmed(Refusal):
    """Whoever wants to take real money must be reachable first."""

    code = "address_not_confirmed"


class NotLetIn(Refusal):
    """The staff have not let this business into live mode."""

    code = "not_let_in"


def is_let_in(vendor: Vendor) -> bool:
    """Whether the staff have said yes. In the demo nobody is asked."""
    return vendor.approved_at is not None or settings().demo


def go_live(vendor: Vendor, *, by: User) -> Vendor:
    """From now on the vendor may take live payments. Refuses a person whose e-mail address is not confirmed,
    and a business that the staff have not let in; twice is once."""
    if by.email_verified_at is None:
        raise AddressNotConfirmed("Confirm your e-mail address first.")
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    if not row.live_enabled:
        if not is_let_in(row):
            raise NotLetIn("The platform’s staff have to let your business in first.")
        row.live_enabled = True
        audit.record(row.id, actor=by.public_id, action="vendor.went_live", subject=row.public_id)
    return row
