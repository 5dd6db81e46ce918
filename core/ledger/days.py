"""Questions about days: which are closed, which is the next one, and what stands in its way."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.ledger.day_models import SHUT, DayPaper, LedgerDay
from core.ledger.marks import SETTLED

ONE = timedelta(days=1)
BEGINNING = date(
    2000, 1, 1
)  # no day before it is the first: 0202 for 2026 would leave two thousand years of days to close, and is never undone


def closed_through(mode: str) -> date | None:
    """The last day that is closed, or being closed: nothing takes effect on it or before it any more."""
    return db.session.scalar(select(func.max(LedgerDay.day)).where(LedgerDay.mode == mode, LedgerDay.state.in_(SHUT)))


def last_to_close() -> date:
    """The last day that may be closed: it is over, and what began in it has arrived in the books."""
    return (now() - SETTLED).astimezone(UTC).date() - ONE


def next_to_close(mode: str) -> date | None:
    """Days are closed in their order. For the first one ever yesterday is proposed, and it closes all that was before; None when
    none is over."""
    last, latest = closed_through(mode), last_to_close()
    following = latest if last is None else last + ONE
    return following if following <= latest else None


def is_next(mode: str, day: date) -> bool:
    """Whether this is the one to close. Where none is closed yet it may be any day that is over: whoever begins late chooses how far back."""
    if closed_through(mode) is None:
        return BEGINNING <= day <= last_to_close()
    return day == next_to_close(mode)


def find_day(mode: str, day: date) -> LedgerDay | None:
    """How far its closing is; None for a day that nobody has asked to close."""
    return db.session.get(LedgerDay, (mode, day))


def get_day(mode: str, day: date) -> LedgerDay:
    """The same; refuses with 404."""
    if (found := find_day(mode, day)) is None:
        raise NotFound("Nobody has closed that day.")
    return found


def list_days(mode: str, *, before: date | None = None, limit: int = 31) -> list[LedgerDay]:
    """The newest first."""
    query = select(LedgerDay).where(LedgerDay.mode == mode)
    query = query.where(LedgerDay.day < before) if before else query
    return list(db.session.scalars(query.order_by(LedgerDay.day.desc()).limit(limit)))


def day_before(mode: str, day: date) -> LedgerDay | None:
    """The closed day from whose paper this day's opening comes; None for the first one ever."""
    earlier = select(LedgerDay).where(LedgerDay.mode == mode, LedgerDay.day < day, LedgerDay.state == "closed")
    return db.session.scalar(earlier.order_by(LedgerDay.day.desc()).limit(1))


def find_paper(mode: str, day: date) -> DayPaper | None:
    """The paper of a closed day, once it is printed."""
    return db.session.get(DayPaper, (mode, day))
