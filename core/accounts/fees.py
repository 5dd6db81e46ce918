"""What the platform keeps of a vendor's payments: published for a day, applied by the clock, and seen by the vendor before it counts."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from sqlalchemy import ColumnElement, select

from core.accounts.fee_models import VendorFee
from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import uuid7
from core.kernel.sentence import said

MOST_BPS = 5_000
NOTICE = timedelta(days=15)  # a vendor hears of a higher fee so long before it counts
LATEST = timedelta(days=366)
SHORTEST_REASON, LONGEST_REASON = 8, 300
PLANNED: tuple[ColumnElement[bool], ...] = (VendorFee.applied_at.is_(None), VendorFee.withdrawn_at.is_(None))


class BadFee(Refusal):
    """Not a fee, or not from that day on."""

    code = "bad_fee"


def today() -> date:
    """By UTC, in which the staff work."""
    return now().astimezone(UTC).date()


def earliest(vendor: Vendor, bps: int) -> date:
    """From when this fee may count: a lower one today, a higher one after the days of notice."""
    return today() + NOTICE if bps > vendor.fee_bps else today()


def check_fee(vendor: Vendor, *, bps: int, from_on: date, reason: str) -> None:
    """Refuses with BadFee at the field."""
    if vendor.id == HOUSE:
        raise NotFound
    if not 0 <= bps <= MOST_BPS:
        raise BadFee("A fee is between 0 and 50 %.", field="fee")
    if bps == vendor.fee_bps and find_planned(vendor) is None:
        raise BadFee("This is the fee already.", field="fee")
    if from_on < earliest(vendor, bps):
        raise BadFee(said("A higher fee counts from %(day)s at the earliest: the vendor is told first.", day=earliest(vendor, bps)) if bps > vendor.fee_bps else said("Choose today or a later day."), field="from_on")  # fmt: skip
    if from_on > today() + LATEST:
        raise BadFee("Choose a day within a year.", field="from_on")
    if not SHORTEST_REASON <= len(" ".join(reason.split())) <= LONGEST_REASON:
        raise BadFee(said("Say why in %(least)s to %(most)s characters.", least=SHORTEST_REASON, most=LONGEST_REASON), field="reason")


def publish_fee(vendor: Vendor, *, bps: int, from_on: date, reason: str, by: str) -> VendorFee:
    """From that day on payments that begin pay this. One that was planned before is withdrawn. For today it counts at once."""
    hold_vendor(vendor.id)
    fresh = db.session.get_one(Vendor, vendor.id, populate_existing=True)
    check_fee(fresh, bps=bps, from_on=from_on, reason=reason)
    before, at = find_planned(vendor), now()
    if before is not None:
        before.withdrawn_at = at
        db.session.flush()
    made = VendorFee(
        vendor_id=vendor.id, id=uuid7(), bps=bps, before_bps=fresh.fee_bps, from_on=from_on, reason=" ".join(reason.split()), published_by=by,
        published_at=at, applied_at=None, withdrawn_at=None,
    )  # fmt: skip
    db.session.add(made)
    audit.record(
        vendor.id, actor=by, action="fee.published", subject=vendor.public_id, changes={"fee_bps": [fresh.fee_bps, bps]}, since=from_on.isoformat(),
        reason=made.reason,
    )  # fmt: skip
    if from_on <= today():
        _apply(made, fresh)
    db.session.flush()
    return made


def apply_due_fees(limit: int = 200) -> int:
    """Those whose day has come, by the clock. Two clocks never take one."""
    due = select(VendorFee).where(*PLANNED, VendorFee.from_on <= today()).order_by(VendorFee.from_on).limit(limit)
    found = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    for row in found:
        _apply(row, db.session.get_one(Vendor, row.vendor_id, populate_existing=True))
    return len(found)


def _apply(row: VendorFee, vendor: Vendor) -> None:
    vendor.fee_bps, row.applied_at = row.bps, now()
    audit.record(vendor.id, actor="system", action="fee.applied", subject=vendor.public_id, changes={"fee_bps": [row.before_bps, row.bps]})


def find_planned(vendor: Vendor) -> VendorFee | None:
    """The one that is published and does not count yet."""
    return db.session.scalar(select(VendorFee).where(VendorFee.vendor_id == vendor.id, *PLANNED))


def list_fees(vendor: Vendor, *, limit: int = 50) -> list[VendorFee]:
    """Every version, newest first."""
    mine = select(VendorFee).where(VendorFee.vendor_id == vendor.id)
    return list(db.session.scalars(mine.order_by(VendorFee.id.desc()).limit(limit)))
