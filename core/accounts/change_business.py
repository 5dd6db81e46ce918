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
    changed = {key: value for key, value in wished.items() if getattr(row, key) != value}
    for key, value in changed.items():
        setattr(row, key, value)
    if changed:
        audit.record(row.id, actor=by, action="vendor.changed", subject=row.public_id, fields=sorted(changed))
    return row
