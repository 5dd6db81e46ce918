"""For how many days a vendor's captured money waits before it is available: set by the platform's staff, with a reason the vendor reads."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel import audit
from core.kernel.db import locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.sentence import said

MOST_DAYS = 90
SHORTEST_REASON, LONGEST_REASON = 8, 300


class BadReleaseDays(Refusal):
    """Not a number of days that money may wait, or no reason for it."""

    code = "bad_release_days"


def set_release_days(vendor: Vendor, days: int, *, reason: str, by: str) -> Vendor:
    """Counts for what is captured from now on; money that waits already keeps its day. Refuses BadReleaseDays at its field."""
    reason = " ".join(reason.split())
    if not 0 <= days <= MOST_DAYS:
        raise BadReleaseDays(said("From 0 to %(most)s days.", most=MOST_DAYS), field="days")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise BadReleaseDays("Say in a few words why: the vendor reads it.", field="reason")
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    if changes := audit.differences({"release_days": row.release_days}, {"release_days": days}):
        row.release_days = days
        audit.record(row.id, actor=by, action="vendor.release_days", subject=row.public_id, reason=reason, changes=changes)
    return row
