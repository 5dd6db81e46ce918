"""Changing what a business says about itself."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.places import time_zones
from core.kernel import audit
from core.kernel.db import locked
from core.kernel.errors import NotFound, Refusal


class UnknownTimeZone(Refusal):
    """A time zone that is not on the list."""

    code = "unknown_time_zone"


def change_business(vendor: Vendor, *, by: str, name: str, support_email: str, time_zone: str) -> Vendor:
    """The name payers see, where they write for help, and the zone the business's day follows. Only what differs is recorded."""
    if time_zone not in time_zones():
        raise UnknownTimeZone("Choose a time zone from the list.", field="time_zone")
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    wished = {"name": name, "support_email": support_email, "time_zone": time_zone}
    changes = audit.differences({key: getattr(row, key) for key in wished}, wished)
    for key in changes:
        setattr(row, key, wished[key])
    if changes:
        audit.record(row.id, actor=by, action="vendor.changed", subject=row.public_id, changes=changes)
    return row
