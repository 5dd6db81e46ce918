"""Proving every book now: at night by the clock, or when somebody of the staff asks; book after book, with its progress and its result kept."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.ledger.models import Entry, Journal, Proof, ProofRun
from core.ledger.proof import MOST_TOLD, THE_HOUSE

NIGHT_BEGINS = 2  # o'clock UTC: few people pay then
CLOCK = "clock"
Key = tuple[uuid.UUID, str]


class AlreadyGoing(Conflict):
    """One run at a time: a second one would only prove the same books once more."""

    code = "already_going"


def begin_run(*, by: str, night: date | None = None) -> ProofRun | None:
    """A run that has proved nothing yet, and the job that does. None for a night that has had its run; refuses while another one goes on."""
    if find_going() is not None:
        raise AlreadyGoing("The books are being proved already.")
    total = int(db.session.scalar(select(func.count()).select_from(Proof)) or 0)
    fresh = {
        "id": uuid7(), "public_id": public_id("prf"), "asked_by": by, "night": night, "asked_at": now(), "total": total, "books": 0,
        "journals": 0, "entries": 0, "broken": 0, "breaks": [],
    }  # fmt: skip
    made = db.session.scalar(insert(ProofRun).values(**fresh).on_conflict_do_nothing().returning(ProofRun.id))
    if made is None:
        if night is None:
            raise AlreadyGoing("The books are being proved already.")
        return None
    enqueue("prove_books", THE_HOUSE, queue="papers", run=str(made))
    run = db.session.get_one(ProofRun, made)
    if by != CLOCK:
        audit.record(THE_HOUSE, actor=by, action="books.proof_asked", subject=run.public_id)
    return run


def night_run() -> ProofRun | None:
    """The run of this night, when its hour has come and it has not begun yet. By the clock, which asks all the time."""
    at = now()
    if at.hour < NIGHT_BEGINS or find_going() is not None:
        return None
    had = select(ProofRun.id).where(ProofRun.night == at.date())
    if db.session.scalar(had) is not None:
        return None
    return begin_run(by=CLOCK, night=at.date())


def next_book(run: ProofRun) -> Key | None:
    """The book that comes after the one that is done; None when it has been through all of them."""
    query = select(Proof.vendor_id, Proof.mode).order_by(Proof.vendor_id, Proof.mode).limit(1)
    if run.vendor_id is not None:
        query = query.where(tuple_(Proof.vendor_id, Proof.mode) > tuple_(run.vendor_id, run.mode))
    found = db.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def count_book(vendor_id: uuid.UUID, mode: str) -> tuple[int, int]:
    """How many journals and entries a proof went over."""
    journals = select(func.count()).select_from(Journal).where(Journal.vendor_id == vendor_id, Journal.mode == mode)
    entries = select(func.count()).select_from(Entry).where(Entry.vendor_id == vendor_id, Entry.mode == mode)
    return int(db.session.scalar(journals) or 0), int(db.session.scalar(entries) or 0)


def note_book(run_id: uuid.UUID, before: Key | None, book: Key, breaks: list[str], *, size: tuple[int, int]) -> bool:
    """Write down that this book is done. False when another worker has gone on from `before` meanwhile: then nothing counts twice."""
    run = locked(ProofRun, run_id)
    if run is None or run.ended_at is not None or _done(run) != before:
        return False
    run.vendor_id, run.mode = book
    run.books, run.journals, run.entries = run.books + 1, run.journals + size[0], run.entries + size[1]
    run.total = max(run.total, run.books)
    if breaks:
        run.broken, run.breaks = run.broken + 1, [*run.breaks, *breaks][:MOST_TOLD]
    return True


def end_run(run_id: uuid.UUID) -> None:
    """It has been through all books."""
    run = locked(ProofRun, run_id)
    if run is not None and run.ended_at is None:
        run.ended_at, run.total = now(), run.books


def _done(run: ProofRun) -> Key | None:
    return (run.vendor_id, run.mode) if run.vendor_id is not None and run.mode is not None else None


def place_of(run_id: uuid.UUID) -> tuple[ProofRun, Key | None] | None:
    """The run as it stands, and its last book that is done; None when it has ended."""
    run = db.session.get(ProofRun, run_id, populate_existing=True)
    return None if run is None or run.ended_at is not None else (run, _done(run))


def find_going() -> ProofRun | None:
    """The run that goes on, or None."""
    return db.session.scalar(select(ProofRun).where(ProofRun.ended_at.is_(None)).limit(1))


def get_run(public_id: str) -> ProofRun:
    """A run by its number; refuses with 404."""
    run = db.session.scalar(select(ProofRun).where(ProofRun.public_id == public_id)) if is_public_id("prf", public_id) else None
    if run is not None:
        return run
    raise NotFound("There is no such proof.")


def list_runs(limit: int = 30) -> list[ProofRun]:
    """The latest runs, newest first."""
    return list(db.session.scalars(select(ProofRun).order_by(ProofRun.id.desc()).limit(limit)))


def took(run: ProofRun) -> timedelta:
    """How long it has taken, or has taken until now."""
    until: datetime = run.ended_at or now()
    return until - run.asked_at
