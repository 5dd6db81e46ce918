"""Somebody of the staff sees a vendor's own pages as its owner does: for half an hour at most, in one browser, and changes nothing by it."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from core.accounts.models import Membership, User, Vendor
from core.accounts.sessions import hash_secret
from core.accounts.staff_models import StaffLook, StaffVisit
from core.accounts.staff_sessions import StaffSeat
from core.accounts.staff_visits import begin_visit
from core.kernel import audit
from core.kernel.audit import AuditEntry
from core.kernel.clock import now
from core.kernel.db import MODES, db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id
from core.kernel.sentence import said

MAY = "vendors.look_as"
PAGE_SEEN = "staff.looked"
MOST_PAGES = 500  # that are shown to the vendor; the audit log has every one


@dataclass(frozen=True, slots=True)
class Look:
    """One that is going on, with everybody it stands for. `owner` is whose pages they are; whoever looks is `staff`, and nobody else acts."""

    row: StaffLook
    vendor: Vendor
    owner: User
    membership: Membership
    reason: str


def begin_look(vendor: Vendor, seat: StaffSeat, *, mode: str, reason: str) -> str:
    """Its secret. The visit is a new one with a reason of its own; another look in this browser ends. Refuses as `begin_visit` does."""
    if mode not in MODES or (mode == "live" and not vendor.live_enabled):
        raise Refusal(said("This vendor takes test payments only."), field="mode")
    if vendor.stopped_at is not None:
        raise Refusal(said("This account is closed or being closed: its owner has no pages but one."), field="reason")
    visit = begin_visit(vendor, by=seat.public_id, reason=reason)
    db.session.flush()
    end_looks_of(seat)
    secret = secrets.token_urlsafe(32)
    row = StaffLook(
        id=hash_secret(secret), public_id=public_id("lok"), session_id=seat.session.id, vendor_id=vendor.id, visit_id=visit.id,
        mode=mode, begun_at=visit.begun_at, ends_at=visit.ends_at, ended_at=None,
    )  # fmt: skip
    db.session.add(row)
    audit.record(vendor.id, actor=seat.public_id, action="staff.look_begun", subject=row.public_id, reason=visit.reason, mode=mode)
    return secret


def find_look(secret: str, seat: StaffSeat) -> Look | None:
    """The look behind a cookie, or None: unknown, ended, its time is over, begun in another browser, its vendor closed, or the role lost."""
    if not seat.may(MAY):
        return None
    row = db.session.execute(
        select(StaffLook, Vendor, User, Membership, StaffVisit.reason)
        .join(Vendor, Vendor.id == StaffLook.vendor_id)
        .join(StaffVisit, (StaffVisit.vendor_id == StaffLook.vendor_id) & (StaffVisit.id == StaffLook.visit_id))
        .join(Membership, (Membership.vendor_id == StaffLook.vendor_id) & (Membership.role == "owner"))
        .join(User, User.id == Membership.user_id)
        .where(StaffLook.id == hash_secret(secret), StaffLook.session_id == seat.session.id)
        .where(StaffLook.ended_at.is_(None), StaffLook.ends_at > now(), Vendor.stopped_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    look, vendor, owner, membership, reason = row
    if look.mode == "live" and not vendor.live_enabled:
        return None
    return Look(row=look, vendor=vendor, owner=owner, membership=membership, reason=reason)


def note_page(look: Look, seat: StaffSeat, page: str) -> None:
    """Written down before the page is made, so that there is none which is not."""
    audit.record(look.vendor.id, actor=seat.public_id, action=PAGE_SEEN, subject=look.row.public_id, page=page, mode=look.row.mode)


def show_mode(look: Look, seat: StaffSeat, mode: str) -> None:
    """From here on test or live money. Live is refused where the vendor does not take it."""
    if mode not in MODES or (mode == "live" and not look.vendor.live_enabled):
        raise Refusal(said("This vendor takes test payments only."))
    if look.row.mode != mode:
        look.row.mode = mode
        audit.record(look.vendor.id, actor=seat.public_id, action="staff.look_mode", subject=look.row.public_id, mode=mode)


def end_look(look: Look, seat: StaffSeat) -> None:
    """Before its time is over. The visit, with which the staff's own pages are open, goes on until its own end."""
    look.row.ended_at = now()
    audit.record(look.vendor.id, actor=seat.public_id, action="staff.look_ended", subject=look.row.public_id)


def end_looks_of(seat: StaffSeat) -> None:
    """Every look in this browser of the staff's."""
    mine = update(StaffLook).where(StaffLook.session_id == seat.session.id, StaffLook.ended_at.is_(None), StaffLook.ends_at > now())
    db.session.execute(mine.values(ended_at=now()).execution_options(synchronize_session="fetch"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vendor reads of a look: until when it was, how many pages were opened, and the newest of them with when."""

    ended_at: datetime
    count: int
    pages: list[tuple[str, datetime]]


def looks_of(vendor: Vendor, visits: Sequence[StaffVisit]) -> dict[uuid.UUID, Seen]:
    """Of each of these visits in which the vendor's own pages were looked at."""
    wanted = [visit.id for visit in visits]
    rows = list(db.session.scalars(select(StaffLook).where(StaffLook.vendor_id == vendor.id, StaffLook.visit_id.in_(wanted))))
    if not rows:
        return {}
    mine = (AuditEntry.vendor_id == vendor.id) & (AuditEntry.at >= min(row.begun_at for row in rows))
    theirs = mine & (AuditEntry.action == PAGE_SEEN) & AuditEntry.subject.in_([row.public_id for row in rows])
    counts = {
        subject: count
        for subject, count in db.session.execute(select(AuditEntry.subject, func.count()).where(theirs).group_by(AuditEntry.subject))
    }
    pages: dict[str, list[tuple[str, datetime]]] = {}
    for entry in db.session.scalars(select(AuditEntry).where(theirs).order_by(AuditEntry.id.desc()).limit(MOST_PAGES)):
        pages.setdefault(entry.subject, []).append((str(entry.detail.get("page", "")), entry.at))
    return {row.visit_id: Seen(row.ended_at or row.ends_at, counts.get(row.public_id, 0), pages.get(row.public_id, [])) for row in rows}
