"""Days long ago, for tests that close them: no other test books for 2001, and days are closed in their order whoever closes them."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text, update

from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.ledger.chain import extend
from core.ledger.close_day import finish_close, next_to_link, next_to_prove, put_up_fence, request_close
from core.ledger.day_models import LedgerDay
from core.ledger.days import closed_through
from core.ledger.models import Proof
from core.ledger.post import Journal, Leg, post
from core.ledger.proof import THE_HOUSE, record_proof
from core.reconciliation.models import ReconException
from core.reconciliation.states import UNSETTLED
from tests.core.ledger.conftest import CLEARING, PENDING, Book
from workers.proofs import prove_book

FIRST = date(2001, 1, 1)
ONE = timedelta(days=1)
LONGEST = 300  # seconds; what goes on in any database of the cluster is waited for: another process's tests have transactions as well


def next_day(mode: str = "test") -> date:
    """The first of the days long ago that is not closed yet."""
    with unit_of_work():
        last = closed_through(mode)
    return FIRST if last is None else last + ONE


def on(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def booked(book: Book, at: datetime, minor: int = 500, currency: str = "GBP") -> Journal:
    """A journal that takes effect then."""
    legs = Leg(CLEARING, Money(minor, currency)), Leg(PENDING, Money(-minor, currency))
    journal = Journal(book.vendor, book.mode, f"day:{secrets.token_hex(8)}", "test", "pay_x", at, legs)
    with unit_of_work():
        assert post([journal]) == 1
    return journal


def undisturbed() -> None:
    """No broken book and no open exception that another test has left hinders a day of this one; every book is known to the clock."""
    with unit_of_work():
        record_proof(THE_HOUSE, "live", [], took=timedelta(0))  # takes up every book there is
        db.session.execute(update(Proof).values(broken_since=None, breaks=[]))
        db.session.execute(update(ReconException).where(ReconException.state.in_(UNSETTLED)).values(state="closed"))


def shut(day: date, mode: str = "test", **more: Any) -> LedgerDay:
    with unit_of_work():
        return request_close(mode, day, by="stf_one", reason="Looked at all of it", **more)


def everybody_has_ended() -> None:
    """Nothing is linked above the oldest transaction that goes on, see `LONGEST`."""
    until = time.monotonic() + LONGEST
    with unit_of_work():
        mine = int(db.session.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one())
    older = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint <= :mine")
    while True:
        with unit_of_work():
            if not db.session.execute(older, {"mine": mine}).scalar_one():
                return
        assert time.monotonic() < until, "somebody's transaction does not end"
        time.sleep(0.02)


def work(day: date, mode: str = "test", patience: float = LONGEST) -> LedgerDay:
    """What the worker does, without more waiting between the steps than there must be."""
    until = time.monotonic() + patience
    while True:
        with unit_of_work():
            if put_up_fence(mode, day):
                break
        assert time.monotonic() < until, "a transaction stays open"
        time.sleep(0.02)
    while True:
        with unit_of_work():
            key = next_to_link(mode, day)
        if key is None:
            break
        assert time.monotonic() < until, f"{key} cannot be linked: somebody holds its chain"
        with unit_of_work():
            extend(key, sweep=True)
    while True:
        with unit_of_work():
            book = next_to_prove(mode, day)
        if book is None:
            break
        assert time.monotonic() < until, f"{book} is proved and proved again"
        prove_book(book[0], mode=book[1])
    with unit_of_work():
        row = finish_close(mode, day, {"stf_one": "one@example.com"})
    assert row is not None
    return row


def close(day: date, mode: str = "test") -> LedgerDay:
    undisturbed()
    shut(day, mode)
    return work(day, mode)


def counted(day: date, mode: str = "test") -> tuple[int, int]:
    """How many journals take effect on this day, and in how many books: asked of the journals themselves."""
    asked = """SELECT count(*), count(DISTINCT vendor_id) FROM journals WHERE mode = :mode AND effective_at >= :since AND effective_at < :until"""
    with unit_of_work():
        found = db.session.execute(text(asked), {"mode": mode, "since": on(day, 0), "until": on(day + ONE, 0)}).one()
    return int(found[0]), int(found[1])


def moved(day: date, mode: str = "test") -> dict[tuple[int, str], tuple[int, int]]:
    """Debit and credit of each account on this day: asked of the entries themselves."""
    asked = """SELECT e.code, e.currency::text, coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0),
        coalesce(-sum(e.amount_minor) FILTER (WHERE e.amount_minor < 0), 0)
      FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
      WHERE j.mode = :mode AND j.effective_at >= :since AND j.effective_at < :until GROUP BY e.code, e.currency"""
    with unit_of_work():
        rows = db.session.execute(text(asked), {"mode": mode, "since": on(day, 0), "until": on(day + ONE, 0)}).all()
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows}
