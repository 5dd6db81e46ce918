"""Exceptions: found, found again, gone by themselves, taken by somebody. Each keeps a trail of every step and who made it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.write import add_rows
from core.ledger.hindrances import OpenBreak, reports_breaks
from core.reconciliation.models import ReconException, ReconNote
from core.reconciliation.states import BLOCKING, EXCEPTION, UNSETTLED, check_move

SYSTEM = "system"
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree, as one look sees it. The same `key` is the same exception."""

    kind: str
    key: str
    source: str
    currency: str
    amount_minor: int
    happened_on: date
    book: uuid.UUID | None = None
    about: str = ""
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None  # it may go away by itself until then


def note_findings(mode: str, findings: Iterable[Finding], *, by: str = SYSTEM) -> int:
    """Write down what was found; answers how many are new. What is known stays as it is, unless it says something else now."""
    fresh, batch = 0, []
    for finding in findings:
        batch.append(finding)
        if len(batch) == AT_A_TIME:
            fresh += _note(mode, batch, by)
            batch = []
    return fresh + (_note(mode, batch, by) if batch else 0)


def _note(mode: str, batch: list[Finding], by: str) -> int:
    """A batch of them. Those nobody has seen before are one statement, however many they are: a bad report brings thousands."""
    mine = (
        ReconException.mode == mode,
        ReconException.kind.in_({one.kind for one in batch}),
        ReconException.source.in_({one.source for one in batch}),
        ReconException.key.in_({one.key for one in batch}),
    )
    found = db.session.scalars(select(ReconException).where(*mine).with_for_update().execution_options(populate_existing=True))
    known = {(row.kind, row.source, row.key): row for row in found}
    fresh: dict[tuple[str, str, str], Finding] = {}
    for finding in batch:
        place = finding.kind, finding.source, finding.key
        if (row := known.get(place)) is not None:
            _see_again(row, finding, by)
        else:
            fresh[place] = finding
    db.session.flush()
    rows = [_row(mode, finding) for finding in fresh.values()]
    add_rows((ReconException, rows), (ReconNote, [_first_note(row, by) for row in rows]))
    return len(rows)


def _row(mode: str, finding: Finding) -> dict[str, Any]:
    """One that is new."""
    return {
        "mode": mode, "id": uuid7(), "public_id": public_id("rex"), "kind": finding.kind, "key": finding.key, "source": finding.source,
        "book": finding.book, "about": finding.about, "currency": finding.currency, "amount_minor": finding.amount_minor, "ours": finding.ours,
        "theirs": finding.theirs, "state": _first_state(finding), "version": 1, "owner": "", "happened_on": finding.happened_on, "opened_at": now(),
        "due_at": finding.due_at, "act": "", "reason": "", "proposed_by": "", "resolved_by": "", "resolved_at": None,
    }  # fmt: skip


def _first_note(row: dict[str, Any], by: str) -> dict[str, Any]:
    """The beginning of its trail."""
    return {"mode": row["mode"], "exception_id": row["id"], "seq": 1, "kind": "found", "actor": by, "detail": {}, "at": row["opened_at"]}


def _first_state(finding: Finding) -> str:
    return "waiting" if finding.due_at is not None and finding.due_at > now() else "open"


def _see_again(row: ReconException, finding: Finding, by: str) -> None:
    """Nothing new is nothing to write. What has ended and is so again, or is so with other figures, is open anew."""
    same = (row.amount_minor, row.currency, row.ours, row.theirs) == (finding.amount_minor, finding.currency, finding.ours, finding.theirs)
    if row.state == "waiting" and row.due_at is not None and row.due_at <= now():
        row.state = "open"
        write_down(row, "due", by)
    if same and row.state != "closed":
        return
    row.amount_minor, row.currency, row.ours, row.theirs = finding.amount_minor, finding.currency, finding.ours, finding.theirs
    if row.state in UNSETTLED:
        write_down(row, "changed", by)
        if row.state == "proposed":  # it was proposed for other figures: whoever did so looks again
            row.state, row.act, row.proposed_by = "open", "", ""
        return
    row.happened_on = finding.happened_on
    row.state, row.due_at, row.act, row.proposed_by, row.resolved_by, row.resolved_at = (
        _first_state(finding),
        finding.due_at,
        "",
        "",
        "",
        None,
    )
    write_down(row, "again", by)


def close_gone(mode: str, kinds: Collection[str], source: str, still: Collection[tuple[str, str]]) -> int:
    """What is of these kinds and was not found any more is over; answers how many. `still`: (kind, key) of what was found."""
    mine = ReconException.mode == mode, ReconException.source == source, ReconException.kind.in_(kinds), ReconException.state.in_(UNSETTLED)
    asked = select(ReconException.id, ReconException.kind, ReconException.key).where(*mine)
    gone = [id for id, kind, key in db.session.execute(asked) if (kind, key) not in still]
    for first in range(0, len(gone), AT_A_TIME):
        some = select(ReconException).where(*mine, ReconException.id.in_(gone[first : first + AT_A_TIME]))
        for row in db.session.scalars(some.with_for_update().execution_options(populate_existing=True)):
            row.state, row.resolved_at = "closed", now()
            write_down(row, "gone", SYSTEM)
        db.session.flush()
    return len(gone)


def write_down(row: ReconException, kind: str, actor: str, **detail: Any) -> None:
    """A line of the trail. Every step makes the exception a version newer."""
    row.version += 1
    db.session.add(ReconNote(mode=row.mode, exception_id=row.id, seq=row.version, kind=kind, actor=actor, detail=detail, at=now()))


def take(row: ReconException, *, by: str) -> None:
    """Somebody looks after it."""
    row = lock(row)
    if row.owner != by:
        row.owner = by
        write_down(row, "taken", by)


def lock(row: ReconException) -> ReconException:
    """As it is now, until the unit ends."""
    fresh = locked(ReconException, row.mode, row.id)
    if fresh is None:
        raise RuntimeError("an exception is never deleted")
    return fresh


def move(row: ReconException, to: str) -> None:
    """To another state, if it may go there."""
    check_move(EXCEPTION, row.state, to)
    row.state = to


def get_exception(mode: str, number: str) -> ReconException:
    """By its public number, or a 404."""
    row = None
    if is_public_id("rex", number):
        row = db.session.scalar(select(ReconException).where(ReconException.mode == mode, ReconException.public_id == number))
    if row is None:
        raise NotFound("There is no such exception.")
    return row


def trail_of(row: ReconException) -> list[ReconNote]:
    """Every step, oldest first."""
    mine = select(ReconNote).where(ReconNote.mode == row.mode, ReconNote.exception_id == row.id)
    return list(db.session.scalars(mine.order_by(ReconNote.seq)))


def breaks_of(mode: str, day: date) -> list[ReconException]:
    """Which are open for a day or an earlier one, oldest first: what stands in the way of closing it.

    Those that wait for their time are among them, and say so by their state; what only crossed midnight is not, for it is no difference.
    """
    open_ones = select(ReconException).where(
        ReconException.mode == mode,
        ReconException.happened_on <= day,
        ReconException.state.in_(UNSETTLED),
        ReconException.kind != "cut_off",
    )
    return list(db.session.scalars(open_ones.order_by(ReconException.happened_on, ReconException.id)))


@reports_breaks
def hindrances(mode: str, day: date) -> list[OpenBreak]:
    """The same for whoever closes days; what only waits for its time is no hindrance yet."""
    return [
        OpenBreak(
            one.public_id,
            f"{one.kind.replace('_', ' ')}, {one.source}, {one.happened_on}: {one.about or one.key}",
            one.amount,
            final=one.kind in BLOCKING,
        )
        for one in breaks_of(mode, day)
        if one.state != "waiting" or (one.due_at is not None and one.due_at <= now())
    ]


def count_open(mode: str) -> dict[str, int]:
    """How many are open, by kind."""
    mine = select(ReconException.kind, func.count()).where(ReconException.mode == mode, ReconException.state.in_(UNSETTLED))
    return {kind: count for kind, count in db.session.execute(mine.group_by(ReconException.kind))}
