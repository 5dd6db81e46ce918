"""What the team writes down about a payment or a customer, for itself alone."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Remark, Vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotAllowed, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7

MOST_SHOWN = 200


def write_remark(vendor: Vendor, mode: str, *, about: str, text: str, by: str) -> Remark:
    """Keep it. Whoever calls has made sure that `about` is the vendor's own."""
    made = Remark(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("rem"), about=about, author=by, text=text[:2000], created_at=now(), removed_at=None,
    )  # fmt: skip
    db.session.add(made)
    return made


def list_remarks(vendor: Vendor, mode: str, about: str) -> list[Remark]:
    """Those about one thing that were not removed, newest first."""
    mine = select(Remark).where(Remark.vendor_id == vendor.id, Remark.mode == mode, Remark.about == about, Remark.removed_at.is_(None))
    return list(db.session.scalars(mine.order_by(Remark.id.desc()).limit(MOST_SHOWN)))


def remove_remark(vendor: Vendor, mode: str, public_id: str, *, by: str, any_of_them: bool) -> Remark:
    """Strike one's own, or with `any_of_them` anybody's. It is out of sight and can be put back (`restore_remark`)."""
    row = _own(vendor, mode, public_id, by=by, any_of_them=any_of_them)
    row.removed_at = row.removed_at or now()
    return row


def restore_remark(vendor: Vendor, mode: str, public_id: str, *, by: str, any_of_them: bool) -> Remark:
    """Put a struck one back."""
    row = _own(vendor, mode, public_id, by=by, any_of_them=any_of_them)
    row.removed_at = None
    return row


def _own(vendor: Vendor, mode: str, public_id: str, *, by: str, any_of_them: bool) -> Remark:
    if is_public_id("rem", public_id):
        found = db.session.scalar(select(Remark).where(Remark.vendor_id == vendor.id, Remark.mode == mode, Remark.public_id == public_id))
        row = locked(Remark, vendor.id, mode, found.id) if found else None
        if row is not None:
            if row.author != by and not any_of_them:
                raise NotAllowed("Only whoever wrote this note, an owner or a manager can do that.")
            return row
    raise NotFound("There is no such note.")
