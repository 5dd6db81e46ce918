"""What a vendor and the platform's staff write to each other about one dispute, with files. Nothing of it goes to the bank."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.disputes.models import Dispute, DisputeEnclosure, DisputeMessage
from core.disputes.planned import call_off
from core.kernel.audit import record
from core.kernel.checked_file import BadFile, Checked
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.kernel.uploads import file_name
from core.notifications.team import tell_team

LONGEST_MESSAGE = 4_000
MOST_MESSAGES = 200
MOST_ENCLOSED = 20_000_000  # bytes of all files of one thread


@dataclass(frozen=True, slots=True)
class Said:
    """One message and the file that went with it."""

    message: DisputeMessage
    file: DisputeEnclosure | None


def list_said(vendor: Vendor, dispute: Dispute) -> list[Said]:
    """The thread, oldest first; files without what is in them."""
    mine = (DisputeMessage.vendor_id == vendor.id, DisputeMessage.mode == dispute.mode, DisputeMessage.dispute_id == dispute.id)
    beside = (
        (DisputeEnclosure.vendor_id == DisputeMessage.vendor_id)
        & (DisputeEnclosure.mode == DisputeMessage.mode)
        & (DisputeEnclosure.message_id == DisputeMessage.id)
    )
    found = select(DisputeMessage, DisputeEnclosure).outerjoin(DisputeEnclosure, beside).where(*mine).order_by(DisputeMessage.id)
    return [Said(message, file) for message, file in db.session.execute(found)]


def find_message(vendor: Vendor, mode: str, number: str) -> DisputeMessage | None:
    """One by its number."""
    if not is_public_id("dmg", number):
        return None
    mine = (DisputeMessage.vendor_id == vendor.id, DisputeMessage.mode == mode, DisputeMessage.public_id == number)
    return db.session.scalar(select(DisputeMessage).where(*mine))


def get_enclosure(vendor: Vendor, dispute: Dispute, number: str) -> DisputeEnclosure:
    """A file of this thread; refuses with 404."""
    if is_public_id("den", number):
        mine = (DisputeEnclosure.vendor_id == vendor.id, DisputeEnclosure.mode == dispute.mode, DisputeEnclosure.dispute_id == dispute.id)
        if found := db.session.scalar(select(DisputeEnclosure).where(*mine, DisputeEnclosure.public_id == number)):
            return found
    raise NotFound(said("There is no such file."))


def write_as_vendor(
    vendor: Vendor, dispute: Dispute, *, text: str, by: str, form_token: str, file: tuple[str, Checked] | None = None
) -> DisputeMessage:
    """Write to the staff; what was to be given in by itself no longer is. The same form sent twice is one message. Refuses at the field."""
    dispute = lock_again(dispute)
    made, fresh = _write(dispute, "vendor", text=text, by=by, form_token=form_token, file=file)
    if fresh:
        dispute.waits_since = dispute.waits_since or made.at
        call_off(dispute, by=by)
    return made


def write_as_staff(
    vendor: Vendor, dispute: Dispute, *, text: str, by: str, form_token: str, file: tuple[str, Checked] | None = None
) -> DisputeMessage:
    """Write to the vendor's team, who hear of it by a notice and a letter. What they wrote before counts as read. Refuses at the field."""
    dispute = lock_again(dispute)
    made, fresh = _write(dispute, "staff", text=text, by=by, form_token=form_token, file=file)
    if fresh:
        dispute.waits_since = None
        tell_team(vendor, "dispute_message", mode=dispute.mode, dispute=dispute.public_id, message=made.public_id)
    return made


def mark_read(dispute: Dispute, *, by: str) -> None:
    """What the vendor wrote needs no answer. Read already, nothing happens."""
    dispute = lock_again(dispute)
    if dispute.waits_since is not None:
        dispute.waits_since = None
        record(dispute.vendor_id, actor=by, action="dispute.message_read", subject=dispute.public_id, mode=dispute.mode)


def _write(
    dispute: Dispute, side: str, *, text: str, by: str, form_token: str, file: tuple[str, Checked] | None
) -> tuple[DisputeMessage, bool]:
    """The message, and whether it was written now. The dispute is locked."""
    mine = (DisputeMessage.vendor_id == dispute.vendor_id, DisputeMessage.mode == dispute.mode)
    again = db.session.scalar(select(DisputeMessage).where(*mine, DisputeMessage.form_token == form_token))
    if again is not None:
        return again, False
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise Refusal("Write something first.", field="message")
    if len(text) > LONGEST_MESSAGE:
        raise Refusal(said("Use %(most)s characters at most.", most=LONGEST_MESSAGE), field="message")
    there = db.session.scalar(select(func.count()).where(*mine, DisputeMessage.dispute_id == dispute.id))
    if (there or 0) >= MOST_MESSAGES:
        raise Refusal(
            said("There are %(most)s messages about this dispute already: there cannot be more.", most=MOST_MESSAGES), field="message"
        )
    made = DisputeMessage(
        vendor_id=dispute.vendor_id, mode=dispute.mode, id=uuid7(), public_id=public_id("dmg"), form_token=form_token, dispute_id=dispute.id,
        side=side, author=by, text=text, at=now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    if file is not None:
        _enclose(dispute, made, *file)
    record(dispute.vendor_id, actor=by, action="dispute.message_sent", subject=dispute.public_id, mode=dispute.mode, file=file is not None)
    return made, True


def _enclose(dispute: Dispute, message: DisputeMessage, name: str, checked: Checked) -> None:
    mine = (
        DisputeEnclosure.vendor_id == dispute.vendor_id,
        DisputeEnclosure.mode == dispute.mode,
        DisputeEnclosure.dispute_id == dispute.id,
    )
    kept = int(db.session.scalar(select(func.coalesce(func.sum(DisputeEnclosure.size), 0)).where(*mine)) or 0)
    if kept + len(checked.data) > MOST_ENCLOSED:
        raise BadFile(said("All files of these messages together may have %(most)s MB.", most=MOST_ENCLOSED // 1_000_000))
    db.session.add(
        DisputeEnclosure(
            vendor_id=dispute.vendor_id, mode=dispute.mode, id=uuid7(), public_id=public_id("den"), dispute_id=dispute.id,
            message_id=message.id, name=file_name(name, checked.media_type), media_type=checked.media_type, size=len(checked.data),
            pages=checked.pages, content=checked.data,
        )
    )  # fmt: skip
    db.session.flush()
