"""Before somebody of the staff looks into a vendor's rows they say why; it holds for half an hour, and the vendor can read it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.staff_models import StaffVisit
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import uuid7

LONGEST = timedelta(minutes=30)
SHORTEST_REASON, LONGEST_REASON = 8, 300


def begin_visit(vendor: Vendor, *, by: str, reason: str) -> StaffVisit:
    """From now on, for half an hour, this vendor's rows are open to `by`. Refuses a reason that says nothing."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal(
            "Say why in a few words: the vendor will read it. A case number alone is fine if it is long enough to find.", field="reason"
        )
    at = now()
    visit = StaffVisit(vendor_id=vendor.id, id=uuid7(), staff=by, reason=reason, begun_at=at, ends_at=at + LONGEST)
    db.session.add(visit)
    audit.record(vendor.id, actor=by, action="staff.visit_begun", subject=vendor.public_id, reason=reason)
    return visit


def find_visit(vendor: Vendor, *, by: str) -> StaffVisit | None:
    """The visit that is going on, or None."""
    theirs = select(StaffVisit).where(StaffVisit.vendor_id == vendor.id, StaffVisit.staff == by, StaffVisit.ends_at > now())
    return db.session.scalar(theirs.order_by(StaffVisit.id.desc()).limit(1))


def list_visits(vendor: Vendor, *, limit: int = 50) -> list[StaffVisit]:
    """Who looked into this vendor's rows, when and why, newest first."""
    mine = select(StaffVisit).where(StaffVisit.vendor_id == vendor.id)
    return list(db.session.scalars(mine.order_by(StaffVisit.id.desc()).limit(limit)))
