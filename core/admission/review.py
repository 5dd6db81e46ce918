"""The staff look at one paper at a time: it shows what it should, until a day or without an end, or it does not, and why. Business and staff
hear of it before that day."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.models import AdmissionFile, Application
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.sentence import said
from core.notifications.notices import post_notice

SHORTEST, LONGEST = 8, 300
NEAR = timedelta(days=30)  # before a paper's last day
VERDICTS = ("accepted", "refused")


def review_paper(vendor: Vendor, row: AdmissionFile, verdict: str, *, reason: str, expires_on: date | None, by: str) -> AdmissionFile:
    """Say whether a paper shows what it should, in words that the business reads; a no needs them. `expires_on` is the last day on which it
    counts, as it stands on it. It may be said anew."""
    reason = " ".join(reason.split())
    if verdict not in VERDICTS:
        raise NotFound
    if len(reason) > LONGEST or (verdict == "refused" and len(reason) < SHORTEST):
        raise Refusal(said("Say why in %(least)s to %(most)s characters: the business reads it.", least=SHORTEST, most=LONGEST), field="reason")  # fmt: skip
    if verdict == "accepted" and expires_on is not None and expires_on < now().date():
        raise Refusal("That day is over: this paper does not count any more.", field="expires_on")
    hold_vendor(vendor.id)
    fresh = locked(AdmissionFile, row.vendor_id, row.mode, row.id)
    if fresh is None:  # its business has taken it away
        raise NotFound
    row = fresh
    row.review, row.review_reason, row.reviewed_by, row.reviewed_at = verdict, reason, by, now()
    row.expires_on, row.end_told_at = expires_on if verdict == "accepted" else None, None
    until = row.expires_on.isoformat() if row.expires_on else ""
    record(vendor.id, actor=by, action=f"application.file_{verdict}", subject=row.public_id, kind=row.kind, reason=reason, until=until)
    if verdict == "refused":
        _tell(vendor, row)
    db.session.flush()
    return row


def ends_soon(row: AdmissionFile) -> bool:
    """Whether the last day of an accepted paper is near, or over."""
    return row.expires_on is not None and row.expires_on <= now().date() + NEAR


def list_to_look_at(limit: int = 100) -> list[tuple[Vendor, Application, AdmissionFile]]:
    """For the staff, across vendors: papers that a business which is let in has sent since, and accepted ones whose last day is near or over
    and that no later one of the kind has replaced. What ends first stands first."""
    order = (AdmissionFile.expires_on.asc().nulls_first(), AdmissionFile.id)
    rows = db.session.execute(_to_look_at().order_by(*order).limit(limit))
    return [(vendor, row, file) for vendor, row, file in rows]


def count_to_look_at_up_to(most: int) -> int:
    """How many that are, counted no further than `most`."""
    some = _to_look_at().with_only_columns(AdmissionFile.id, maintain_column_froms=True).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def _to_look_at() -> Select[tuple[Vendor, Application, AdmissionFile]]:
    later = aliased(AdmissionFile)
    replaced = exists().where(
        later.vendor_id == AdmissionFile.vendor_id, later.mode == AdmissionFile.mode, later.kind == AdmissionFile.kind,
        later.review == "accepted", later.reviewed_at > AdmissionFile.reviewed_at,
    )  # fmt: skip
    ending = and_(AdmissionFile.review == "accepted", AdmissionFile.expires_on <= now().date() + NEAR, ~replaced)
    unread = and_(AdmissionFile.review == "", AdmissionFile.added_at > Application.decided_at)
    return (
        select(Vendor, Application, AdmissionFile)
        .join(Application, and_(Application.vendor_id == Vendor.id, Application.state == "approved"))
        .join(AdmissionFile, and_(AdmissionFile.vendor_id == Vendor.id, AdmissionFile.mode == Application.mode))
        .where(or_(ending, unread), Vendor.stopped_at.is_(None))
    )


def tell_of_ending_papers(limit: int) -> int:
    """Businesses are told once of each accepted paper whose last day is near, `limit` at most; answers how many."""
    near = (
        select(AdmissionFile, Vendor)
        .join(Vendor, Vendor.id == AdmissionFile.vendor_id)
        .where(AdmissionFile.expires_on <= now().date() + NEAR, AdmissionFile.end_told_at.is_(None))
        .order_by(AdmissionFile.expires_on)
        .limit(limit)
        .with_for_update(of=AdmissionFile, skip_locked=True)
    )
    found = db.session.execute(near).all()
    for row, vendor in found:
        row.end_told_at = now()
        if vendor.stopped_at is None:
            _tell(vendor, row)
    return len(found)


def _tell(vendor: Vendor, row: AdmissionFile) -> None:
    """In both modes, as other news of an application: the page it leads to says which paper, and why."""
    for mode in (row.mode, "test"):
        post_notice(vendor, "application_news", mode=mode, about=row.public_id)
