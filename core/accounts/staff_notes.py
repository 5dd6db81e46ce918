"""What the staff write down about a vendor for themselves, and how they mark it. The vendor does not read it."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from core.accounts.fee_models import FLAGS, StaffNote
from core.accounts.models import Vendor
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import uuid7
from core.kernel.sentence import said

LONGEST_NOTE = 2_000


def write_note(vendor: Vendor, *, text: str, flag: str, by: str) -> StaffNote:
    """Keep it, and mark the vendor so from here on. That it was written is in the house's own log; the words stay here."""
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise Refusal(said("Write a note of %(most)s characters at most.", most=LONGEST_NOTE), field="text")
    if flag not in FLAGS:
        raise Refusal("Choose how the vendor is marked.", field="flag")
    made = StaffNote(vendor_id=vendor.id, id=uuid7(), author=by, flag=flag, text=text, at=now())
    db.session.add(made)
    audit.record(audit.THE_HOUSE, actor=by, action="staff.noted", subject=vendor.public_id, flag=flag)
    db.session.flush()
    return made


def list_notes(vendor: Vendor, *, limit: int = 100) -> list[StaffNote]:
    """The newest first."""
    mine = select(StaffNote).where(StaffNote.vendor_id == vendor.id)
    return list(db.session.scalars(mine.order_by(StaffNote.id.desc()).limit(limit)))


def flags_of(vendor_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """How each of these is marked: by its newest note; those that are not marked are left out."""
    if not vendor_ids:
        return {}
    newest = select(StaffNote.vendor_id, StaffNote.flag).where(StaffNote.vendor_id.in_(vendor_ids))
    rows = db.session.execute(newest.ext(distinct_on(StaffNote.vendor_id)).order_by(StaffNote.vendor_id, StaffNote.id.desc()))
    return {vendor_id: flag for vendor_id, flag in rows if flag}
