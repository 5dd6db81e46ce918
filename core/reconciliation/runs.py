"""One look over everything in steps, each a unit of work by itself: a run that a worker was killed in goes on where it was."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import MODES, db, locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.ledger.book import PLATFORM
from core.reconciliation.bank import match_bank
from core.reconciliation.exceptions import close_gone, note_findings
from core.reconciliation.find import PER_ROW, left_over, look
from core.reconciliation.match import LOOKS_BACK, let_go, match_source
from core.reconciliation.models import ReconRun
from core.reconciliation.rules import apply_rules
from core.reconciliation.settle import book_settlements, look_at_settlements, settlements_from_lines, take_back_failed
from core.reconciliation.totals import compare_bank, compare_processor, look_at_keys, look_at_money_under_way
from core.reconciliation.untold import Stretch, read, still_to_come, written

NIGHT_BEGINS = 3  # o'clock UTC, after the proofs of the books have begun
CLOCK = "clock"
LONGEST_PROBLEM = 1_000
STAGES = ("fetch", "match", "bank", "balances", "done")


class AlreadyGoing(Conflict):
    """One look at a time."""

    code = "already_going"


def begin_run(mode: str, *, by: str, night: date | None = None) -> ReconRun | None:
    """A look that has looked at nothing yet, and the job that does. None for a night that has had its look; refuses while another goes on."""
    if find_going(mode) is not None:
        raise AlreadyGoing("Everything is being reconciled already.")
    fresh = {
        "mode": mode, "id": uuid7(), "public_id": public_id("rrn"), "asked_by": by, "night": night, "asked_at": now(), "stage": STAGES[0],
        "figures": {}, "problem": "", "untold": {},
    }  # fmt: skip
    made = db.session.scalar(insert(ReconRun).values(**fresh).on_conflict_do_nothing().returning(ReconRun.id))
    if made is None:
        if night is None:
            raise AlreadyGoing("Everything is being reconciled already.")
        return None
    enqueue("reconcile", PLATFORM, queue="papers", mode=mode, run=str(made))
    run = db.session.get_one(ReconRun, (mode, made))
    if by != CLOCK:
        audit.record(PLATFORM, actor=by, action="reconciliation.asked", subject=run.public_id, mode=mode)
    return run


def night_runs() -> None:
    """The look of this night in each mode, when its hour has come and it has not begun. By the clock, which asks all the time."""
    at = now()
    if at.hour < NIGHT_BEGINS:
        return
    for mode in MODES:
        had = select(ReconRun.id).where(ReconRun.mode == mode, ReconRun.night == at.date())
        if find_going(mode) is None and db.session.scalar(had) is None:
            begin_run(mode, by=CLOCK, night=at.date())


def last_ended(mode: str) -> datetime | None:
    """When the last look ended; None before the first has."""
    return db.session.scalar(select(func.max(ReconRun.ended_at)).where(ReconRun.mode == mode))


def place_of(mode: str, run_id: uuid.UUID) -> ReconRun | None:
    """The run as it stands; None when it has ended."""
    run = db.session.get(ReconRun, (mode, run_id), populate_existing=True)
    return None if run is None or run.ended_at is not None else run


def step_on(mode: str, run_id: uuid.UUID, done: str, **figures: int) -> None:
    """A stage is over, and what it came to. A second worker that comes too late changes nothing."""
    run = locked(ReconRun, mode, run_id)
    if run is None or run.ended_at is not None or run.stage != done:
        return
    run.stage = STAGES[STAGES.index(done) + 1]
    run.figures = {**run.figures, **figures}
    if run.stage == STAGES[-1]:
        run.ended_at = now()


def note_problem(mode: str, run_id: uuid.UUID, problem: str) -> None:
    """Something could not be asked, or not to its end; the look goes on with what is here."""
    run = locked(ReconRun, mode, run_id)
    if run is not None and run.ended_at is None:
        run.problem = "; ".join(one for one in (run.problem, problem) if one)[:LONGEST_PROBLEM]


def note_untold(mode: str, run_id: uuid.UUID, source: str, left: Sequence[Stretch]) -> None:
    """What one processor has not told to its end: the next look goes on there."""
    run = locked(ReconRun, mode, run_id)
    if run is not None and run.ended_at is None:
        run.untold = {name: kept for name, kept in {**run.untold, source: written(left)}.items() if kept}


def untold_in(mode: str, run_id: uuid.UUID, source: str) -> list[Stretch]:
    """What this very look was not told to its end."""
    return read(db.session.get_one(ReconRun, (mode, run_id), populate_existing=True), source)


# --- the stages that ask nobody -----------------------------------------------------------------------------------------------


def match_and_look(mode: str, source: str, held: Mapping[str, int] | None = None, untold: Sequence[Stretch] = ()) -> dict[str, int]:
    """Everything about one processor, in the present unit: match, book its payouts, match those, and say what is left. What it has not told of
    yet (`untold`) is not found to be missing there; what was found before is not found to be there either."""
    settlements_from_lines(mode, source)
    first = match_source(mode, source)
    booked = book_settlements(mode, source)
    take_back_failed(mode, source)
    sides = match_source(mode, source) if booked else first
    matched = sum(first.matched.values()) + (sum(sides.matched.values()) if booked else 0)
    findings = [*look(sides), *look_at_settlements(mode, source)]
    to_come = still_to_come(findings, untold)
    found = note_findings(mode, (one for one in findings if (one.kind, one.key) not in to_come))
    gone = close_gone(mode, [*PER_ROW, "settlement_sum", "bank_missing"], source, {(one.kind, one.key) for one in findings})
    ruled = apply_rules(mode, source)
    if ruled:  # what a rule has booked is no difference any more, and may still be something else: paid twice, or late
        sides = match_source(mode, source)
        found += note_findings(mode, (one for one in look(sides) if (one.kind, one.key) not in to_come))
    if held is not None:
        off = compare_processor(mode, source, held, left_over(sides))
        found += note_findings(mode, off)
        gone += close_gone(mode, ["balance_break"], source, {(one.kind, one.key) for one in off})
    let_go()
    return {"lines": first.lines, "matched": matched, "settlements": booked, "found": found, "gone": gone, "ruled": ruled}


def look_at_bank(mode: str) -> dict[str, int]:
    """Payouts on the bank's statements, and credits that nobody knows."""
    matched, findings, unseen = match_bank(mode)
    found = note_findings(mode, findings)
    kinds = ("bank_unknown", "amount_mismatch", "currency_mismatch")
    still = {(one.kind, one.key) for one in findings}
    still |= {(kind, key) for line in unseen for kind, key in zip(kinds, (line, f"bank:{line}", f"bank:{line}"), strict=True)}
    gone = close_gone(mode, kinds, "bank", still)
    return {"bank_matched": matched, "bank_found": found, "bank_gone": gone}


def look_at_totals(mode: str) -> dict[str, int]:
    """Sums over all books, and money under way for too long."""
    bank, keys, stale = compare_bank(mode), look_at_keys(mode, now() - LOOKS_BACK), look_at_money_under_way(mode)
    found = note_findings(mode, [*bank, *keys, *stale])
    gone = close_gone(mode, ("balance_break",), "bank", {(one.kind, one.key) for one in bank})
    gone += close_gone(mode, ("missing_in_ledger", "stale_in_flight"), "books", {(one.kind, one.key) for one in [*keys, *stale]})
    apply_rules(mode, "books")
    return {"totals_found": found, "totals_gone": gone}


# --- looking at runs ------------------------------------------------------------------------------------------------------------


def find_going(mode: str) -> ReconRun | None:
    """The run that goes on, or None."""
    return db.session.scalar(select(ReconRun).where(ReconRun.mode == mode, ReconRun.ended_at.is_(None)).limit(1))


def get_run(mode: str, number: str) -> ReconRun:
    """By its number; refuses with 404."""
    run = None
    if is_public_id("rrn", number):
        run = db.session.scalar(select(ReconRun).where(ReconRun.mode == mode, ReconRun.public_id == number))
    if run is None:
        raise NotFound("There is no such look.")
    return run


def list_runs(mode: str, limit: int = 30) -> list[ReconRun]:
    """The latest, newest first."""
    return list(db.session.scalars(select(ReconRun).where(ReconRun.mode == mode).order_by(ReconRun.id.desc()).limit(limit)))


def took(run: ReconRun) -> timedelta:
    """How long it has taken, or has taken until now."""
    until: datetime = run.ended_at or now()
    return until - run.asked_at
