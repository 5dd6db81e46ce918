"""The scheduled audit: every book is proved again and again by the clock, and what is found stays written down until it is mended."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from core.kernel.clock import now
from core.kernel.db import MODES, db, locked
from core.kernel.outbox import is_waiting
from core.ledger.models import Journal, Proof
from core.ledger.queries import find_breaks, missing_guards

# A book in use is proved every ten minutes, one that rests once a day. A large book takes its time: then so much longer, that proving
# it never costs more than half a percent of one processor.
IN_USE, AT_REST, SHARE = timedelta(minutes=10), timedelta(days=1), 200
THE_HOUSE = uuid.UUID(int=0)  # with the platform's own book go the guards in PostgreSQL, the chain over the log, and which books there are
MOST_TOLD = 20  # sentences kept of one broken book; a thousand would say no more
log = structlog.get_logger("ledger")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the scheduled audit has come to, over all books."""

    books: int
    broken: list[Proof]
    oldest_at: datetime | None  # when the book that has waited longest was last proved; None while one was never proved


def claim_due_proofs(limit: int = 20) -> list[tuple[uuid.UUID, str]]:
    """Books to prove now: (vendor id, mode). Each is handed out once; its next turn is planned at once, and better when it is proved."""
    due = (
        select(Proof)
        .where(Proof.due_at <= now(), ~is_waiting("prove_book", Proof.vendor_id, mode=Proof.mode))
        .order_by(Proof.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for proof in found:
        proof.due_at = now() + IN_USE
    return [(proof.vendor_id, proof.mode) for proof in found]


def look_for_breaks(vendor_id: uuid.UUID, mode: str) -> list[str]:
    """Prove one book (with the house's go the guards in PostgreSQL): only reads, and takes no lock that anybody waits for."""
    return find_breaks(vendor_id, mode) + (missing_guards() if (vendor_id, mode) == (THE_HOUSE, "live") else [])


def record_proof(vendor_id: uuid.UUID, mode: str, breaks: list[str], *, took: timedelta) -> None:
    """Write down what a proof found, and plan the next. A book that is broken raises the alarm each time it is looked at."""
    proof = locked(Proof, vendor_id, mode)
    if proof is None:
        raise RuntimeError("a book that is proved has its row")
    mine = select(Journal.id).where(Journal.vendor_id == vendor_id, Journal.mode == mode)
    newest = db.session.scalar(mine.order_by(Journal.id.desc()).limit(1))
    resting = proof.proven_at is not None and newest == proof.last_journal and not breaks and vendor_id != THE_HOUSE
    at = now()
    proof.proven_at, proof.last_journal, proof.breaks = at, newest, breaks[:MOST_TOLD]
    proof.due_at = at + max(AT_REST if resting else IN_USE, took * SHARE)
    if breaks:
        proof.broken_since = proof.broken_since or at
        log.error("ledger_broken", vendor=str(vendor_id), mode=mode, found=len(breaks), breaks=proof.breaks, since=str(proof.broken_since))
    elif proof.broken_since is not None:
        log.warning("ledger_mended", vendor=str(vendor_id), mode=mode, since=str(proof.broken_since))
        proof.broken_since = None
    if vendor_id == THE_HOUSE:
        take_up_new_books()
        _end_rest()


def take_up_new_books() -> None:
    """Books that have begun since the last look. The index is jumped through from book to book, so their size does not matter."""
    found = db.session.execute(text(_BOOKS), {"modes": list(MODES)})
    rows = [{"vendor_id": vendor_id, "mode": mode, "due_at": now(), "breaks": []} for vendor_id, mode in found]
    if rows:
        db.session.execute(insert(Proof).values(rows).on_conflict_do_nothing())


def _end_rest() -> None:
    """A book that rested and is in use again is due now, not when its day is over: one look into the index for each that rests."""
    newer = or_(Proof.last_journal.is_(None), Journal.id > Proof.last_journal)
    moved = exists().where(Journal.vendor_id == Proof.vendor_id, Journal.mode == Proof.mode, newer)
    rested = select(Proof).where(Proof.due_at == Proof.proven_at + AT_REST, moved).with_for_update(skip_locked=True)
    for proof in db.session.scalars(rested):
        proof.due_at = now()


def standing() -> Standing:
    """How many books are under proof, which are broken, and how old the oldest proof is."""
    broken = list(db.session.scalars(select(Proof).where(Proof.broken_since.is_not(None)).order_by(Proof.broken_since).limit(100)))
    waiting = db.session.scalar(select(exists().where(Proof.proven_at.is_(None))))
    books, oldest = db.session.execute(select(func.count(), func.min(Proof.proven_at)).where(Proof.vendor_id != THE_HOUSE)).one()
    return Standing(int(books), broken, None if waiting else oldest)


# From each book to the next by one look into the index; a book may have left its traces in any of the three tables.
_BOOKS = " UNION ".join(
    f"""
    (WITH RECURSIVE book AS (
       (SELECT vendor_id, mode FROM {table} ORDER BY vendor_id, mode LIMIT 1)
       UNION ALL
       SELECT next.vendor_id, next.mode FROM book CROSS JOIN LATERAL (
         SELECT vendor_id, mode FROM {table} t WHERE (t.vendor_id, t.mode) > (book.vendor_id, book.mode) ORDER BY vendor_id, mode LIMIT 1) next
     ) SELECT b.vendor_id, b.mode FROM book b
       WHERE b.mode = ANY (:modes) AND NOT EXISTS (SELECT 1 FROM ledger_proofs p WHERE p.vendor_id = b.vendor_id AND p.mode = b.mode))"""
    for table in ("journals", "entries", "balances")
)
