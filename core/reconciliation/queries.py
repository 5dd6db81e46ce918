"""Questions about exceptions, lines and settlements, for the staff's pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db
from core.reconciliation.exceptions import get_exception
from core.reconciliation.models import ReconException, ReconLine, ReconMatch, ReconSettlement
from core.reconciliation.states import UNSETTLED

AGES: dict[str, tuple[timedelta, timedelta | None]] = {
    "day": (timedelta(0), timedelta(days=1)),
    "days": (timedelta(days=1), timedelta(days=4)),
    "week": (timedelta(days=4), timedelta(days=8)),
    "older": (timedelta(days=8), None),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exceptions: everything that is open, or fewer. `owner`: a person, or nobody."""

    kind: str = ""
    age: str = ""
    owner: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """Some exceptions, and where the next page begins (None at the end)."""

    rows: list[ReconException]
    next: str | None


def list_exceptions(mode: str, wanted: Wanted, *, after: str | None = None, limit: int = 25) -> ExceptionPage:
    """Open ones the oldest first; those that have ended the newest first. By keyset."""
    is_open = ReconException.state.in_(UNSETTLED)
    query = select(ReconException).where(ReconException.mode == mode, ~is_open if wanted.ended else is_open)
    if wanted.kind:
        query = query.where(ReconException.kind == wanted.kind)
    if wanted.age:
        young, old = AGES[wanted.age]
        query = query.where(ReconException.opened_at <= now() - young)
        query = query.where(ReconException.opened_at > now() - old) if old is not None else query
    if wanted.owner:
        query = query.where(ReconException.owner == ("" if wanted.owner == "nobody" else wanted.owner))
    if after:
        last = get_exception(mode, after).id
        query = query.where(ReconException.id < last if wanted.ended else ReconException.id > last)
    order = ReconException.id.desc() if wanted.ended else ReconException.id
    rows = list(db.session.scalars(query.order_by(order).limit(limit + 1)))
    return ExceptionPage(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def unmatched_beside(row: ReconException, most: int = 50) -> list[ReconException]:
    """Of a balance that differs: what else is open on the same account in its currency, the oldest first. It may explain the difference."""
    if row.kind != "balance_break":
        return []
    same = (ReconException.mode == row.mode, ReconException.source == row.source, ReconException.currency == row.currency)
    asked = select(ReconException).where(*same, ReconException.state.in_(UNSETTLED), ReconException.id != row.id)
    return list(db.session.scalars(asked.order_by(ReconException.happened_on, ReconException.id).limit(most)))


def age_of(row: ReconException) -> str:
    """Its bucket."""
    since = now() - row.opened_at
    return next(name for name, (_, old) in AGES.items() if old is None or since < old)


def count_open_up_to(most: int) -> int:
    """How many wait for a person in both modes, counted no further than that."""
    some = select(ReconException.id).where(ReconException.state.in_(("open", "proposed"))).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def list_settlements(mode: str, limit: int = 20) -> list[ReconSettlement]:
    """The newest payouts of processors to our bank."""
    mine = select(ReconSettlement).where(ReconSettlement.mode == mode)
    return list(db.session.scalars(mine.order_by(ReconSettlement.created_at.desc(), ReconSettlement.external_id).limit(limit)))


def line_of(row: ReconException) -> ReconLine | None:
    """The processor's line an exception is about, if it is about one."""
    return db.session.get(ReconLine, (row.mode, row.source, row.key[:80]))


def list_unmatched(mode: str, source: str, categories: Collection[str]) -> list[ReconLine]:
    """A processor's lines of these categories for which the books have nothing, in the order in which they happened."""
    mine = select(ReconLine).where(ReconLine.mode == mode, ReconLine.source == source, ReconLine.state == "new")
    return list(db.session.scalars(mine.where(ReconLine.category.in_(categories)).order_by(ReconLine.occurred_at, ReconLine.external_id)))


def matches_of(line: ReconLine) -> list[ReconMatch]:
    """The entries a line was matched with, and by which pass."""
    mine = select(ReconMatch).where(
        ReconMatch.mode == line.mode, ReconMatch.source == line.source, ReconMatch.external_id == line.external_id
    )
    return list(db.session.scalars(mine.order_by(ReconMatch.vendor_id, ReconMatch.journal_id, ReconMatch.leg)))
