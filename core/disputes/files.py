"""Files that go with an answer, checked by core/kernel/uploads.py before they are kept. Only the vendor's team and the bank read them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, select

from core.accounts.models import Vendor
from core.disputes.evidence import file_kinds_of, lock_to_answer
from core.disputes.models import Dispute, DisputeFile
from core.disputes.planned import call_off
from core.kernel.checked_file import BadFile, Checked
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.kernel.uploads import file_name

MOST_KEPT = 3_500_000  # of one answer, so that the evidence pack has room within what banks take


def list_files(dispute: Dispute, *, cycle: int | None = None) -> list[DisputeFile]:
    """Of the present answer, or of an earlier one; without what is in them."""
    mine = select(DisputeFile).where(
        DisputeFile.vendor_id == dispute.vendor_id, DisputeFile.mode == dispute.mode, DisputeFile.dispute_id == dispute.id,
        DisputeFile.cycle == (dispute.cycle if cycle is None else cycle),
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(DisputeFile.id)))


def get_file(vendor: Vendor, dispute: Dispute, number: str) -> DisputeFile:
    """One of this dispute, whichever answer it belongs to; refuses with 404."""
    if is_public_id("dfl", number):
        mine = select(DisputeFile).where(
            DisputeFile.vendor_id == vendor.id, DisputeFile.mode == dispute.mode, DisputeFile.dispute_id == dispute.id,
            DisputeFile.public_id == number,
        )  # fmt: skip
        if found := db.session.scalar(mine):
            return found
    raise NotFound(said("There is no such file."))


def add_file(dispute: Dispute, kind: str, name: str, checked: Checked, *, by: str) -> DisputeFile:
    """Keep it for the answer, and what was to be given in by itself no longer is. One of the same kind that was there is replaced."""
    dispute = lock_to_answer(dispute)
    if kind not in file_kinds_of(dispute):
        raise Refusal(said("Choose what the file shows."), field="kind")
    _drop(dispute, kind)
    kept = int(db.session.scalar(select(func.coalesce(func.sum(DisputeFile.size), 0)).where(*_mine(dispute))) or 0)
    if kept + len(checked.data) > MOST_KEPT:
        raise BadFile(said("All files together may have %(most)s kB. Take one away first, or send a smaller one.", most=MOST_KEPT // 1000))
    call_off(dispute, by=by)
    return _write(dispute, kind, file_name(name, checked.media_type), checked, by=by)


def keep_pack(dispute: Dispute, checked: Checked) -> DisputeFile:
    """What goes to the bank as the evidence pack, as it was printed. Printed anew it takes the place of the one before."""
    _drop(dispute, "evidence_pack")
    return _write(dispute, "evidence_pack", f"evidence-{dispute.public_id}.pdf", checked, by="system")


def remove_file(dispute: Dispute, number: str, *, by: str = "") -> None:
    """Take one away; taken away already, nothing happens."""
    dispute = lock_to_answer(dispute)
    call_off(dispute, by=by)
    db.session.execute(delete(DisputeFile).where(*_mine(dispute), DisputeFile.public_id == number))


def _mine(dispute: Dispute) -> tuple[ColumnElement[bool], ...]:
    return (
        DisputeFile.vendor_id == dispute.vendor_id, DisputeFile.mode == dispute.mode, DisputeFile.dispute_id == dispute.id,
        DisputeFile.cycle == dispute.cycle,
    )  # fmt: skip


def _drop(dispute: Dispute, kind: str) -> None:
    db.session.execute(delete(DisputeFile).where(*_mine(dispute), DisputeFile.kind == kind))


def _write(dispute: Dispute, kind: str, name: str, checked: Checked, *, by: str) -> DisputeFile:
    made = DisputeFile(
        vendor_id=dispute.vendor_id, mode=dispute.mode, id=uuid7(), public_id=public_id("dfl"), dispute_id=dispute.id, cycle=dispute.cycle,
        kind=kind, name=name, media_type=checked.media_type, size=len(checked.data), pages=checked.pages, added_by=by, added_at=now(),
        content=checked.data,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made
