"""Reasons that the staff write again and again: kept under a name, filled in with a click, and mended before they are sent."""

from __future__ import annotations

from sqlalchemy import func, select

from core.accounts.house import HOUSE
from core.directory.models import ReasonTemplate
from core.directory.moderate import check_reason
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST = 40
LONGEST_NAME = 80


def list_reasons() -> list[ReasonTemplate]:
    """Those that are offered, by name."""
    offered = select(ReasonTemplate).where(ReasonTemplate.archived_at.is_(None))
    return list(db.session.scalars(offered.order_by(func.lower(ReasonTemplate.name), ReasonTemplate.id)))


def find_reason(public: str) -> ReasonTemplate | None:
    """One that is offered, or None."""
    if not is_public_id("rsn", public):
        return None
    return db.session.scalar(select(ReasonTemplate).where(ReasonTemplate.public_id == public, ReasonTemplate.archived_at.is_(None)))


def get_reason(public: str) -> ReasonTemplate:
    """One that is offered; refuses with 404."""
    found = find_reason(public)
    if found is None:
        raise NotFound("There is no such reason.")
    return found


def write_reason(*, by: str, name: str, words: str, instead: ReasonTemplate | None = None) -> ReasonTemplate:
    """A new one, or other words for one. What was decided with it before stays as it was written then."""
    name, words = " ".join(name.split()), check_reason(words, field="words")
    if not name:
        raise Refusal("Give it a name.", field="name")
    if len(name) > LONGEST_NAME:
        raise Refusal(said("Use %(most)s characters at most.", most=LONGEST_NAME), field="name")
    others = [one for one in list_reasons() if instead is None or one.id != instead.id]
    if any(one.name.casefold() == name.casefold() for one in others):
        raise Refusal("Another reason has this name.", field="name")
    if instead is None and len(others) >= MOST:
        raise Conflict(said("There are %(most)s reasons already. Put one away first.", most=MOST))
    row = lock_again(instead) if instead else ReasonTemplate(id=uuid7(), public_id=public_id("rsn"))
    row.name, row.words, row.written_by, row.written_at = name, words, by, now()
    db.session.add(row)
    db.session.flush()
    record(HOUSE, actor=by, action="reason.written", subject=row.public_id, name=name)
    return row


def archive_reason(row: ReasonTemplate, *, by: str) -> bool:
    """Offered no more. False when it is not offered already."""
    row = lock_again(row)
    if row.archived_at is not None:
        return False
    row.archived_at = now()
    db.session.flush()
    record(HOUSE, actor=by, action="reason.archived", subject=row.public_id, name=row.name)
    return True
