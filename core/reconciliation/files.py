"""Settlement reports that people bring: checked at once and kept as they came, taken when somebody says so, all or nothing."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id
from core.kernel.outbox import enqueue
from core.kernel.sentence import Sentence, said
from core.ledger.book import PLATFORM
from core.providers.settlement import SettlementLine
from core.reconciliation.exceptions import Finding, note_findings
from core.reconciliation.layout import Layout, check_layout, check_table, guess, in_our_words, mark_of, read_layout, read_table
from core.reconciliation.models import ReconFile, ReconLayout
from core.reconciliation.report import Report, ReportRefused, Typed, Wrong, is_report, line_of
from core.reconciliation.sheets import first_rows, head_of
from core.reconciliation.states import FILE, check_move
from core.reconciliation.take import Taken, Twisted, take_lines, take_report, weigh_report

LARGEST = 25_000_000  # bytes
SHOWN = 50


def bring_report(mode: str, source: str, raw: bytes, *, name: str, by: str, typed: Typed | None = None) -> ReconFile:
    """Check a report and keep it. Nothing of it counts yet; what is wrong with it stands in its problems, by line.

    A table with columns of its own (CSV or a workbook) is read as the last one of this source with the same columns was; where there was none,
    or no control totals were typed, it waits as `unmapped` for `lay_out`.

    The same file again is the file there is; one that was refused is checked anew, for the totals that were typed may be others.
    """
    if len(raw) > LARGEST:
        raise Refusal(
            said("The file is larger than %(most)s megabytes. Ask for reports of shorter periods.", most=LARGEST // 1_000_000), field="file"
        )
    sha256 = hashlib.sha256(raw).hexdigest()
    db.session.execute(select(func.pg_advisory_xact_lock(0x7265636E, int(sha256[:7], 16))))  # the same file brought twice at once
    known = db.session.get(ReconFile, (mode, sha256))
    if known is not None and known.state != "refused":
        return known
    ours = is_report(raw)
    layout = None if ours else find_layout(mode, source, head_of(raw))
    row = known or ReconFile(mode=mode, sha256=sha256, public_id=public_id("rcf"), uploaded_at=now())
    row.source, row.name, row.size, row.raw = source, name[:200], len(raw), raw
    row.fresh, row.known, row.uploaded_by, row.layout = 0, 0, by, layout.plain() if layout else None
    if ours:
        _note_checked(row, weigh_report(io.BytesIO(raw), typed=typed))
    elif layout is not None and typed is not None:
        _note_checked(row, check_table(raw, layout, typed=typed))
    else:
        row.state, row.lines, row.totals, row.problems = "unmapped", 0, {}, []
    db.session.add(row)
    db.session.flush()
    record(PLATFORM, actor=by, action="reconciliation.file_brought", subject=row.public_id, mode=mode, name=row.name, state=row.state)
    return row


def _note_checked(row: ReconFile, report: Report) -> None:
    row.lines, row.totals, row.problems = report.lines, report.totals, _written(report)
    row.state = "refused" if report.problems else "checked"


def find_layout(mode: str, source: str, names: list[str]) -> Layout | None:
    """How the last table of this source with these columns was read."""
    kept = db.session.get(ReconLayout, (mode, source, mark_of(names)))
    return read_layout(kept.layout) if kept else None


def layout_of(row: ReconFile) -> Layout:
    """What was chosen for this file, or what its columns probably are."""
    return read_layout(row.layout) if row.layout else guess(row.raw or b"")


def lay_out(row: ReconFile, layout: Layout, *, typed: Typed, by: str) -> ReconFile:
    """This is what its columns are: the whole file is checked with that, and the next one of this source is read the same way.

    Refuses a layout that cannot work at its field, and a file whose lines are taken already.
    """
    row = _locked(row)
    raw = row.raw or b""
    if is_report(raw):
        raise Refusal("This report has the columns it should have: there is nothing to choose.")
    names = head_of(raw)
    check_layout(layout, names)
    report = check_table(raw, layout, typed=typed)
    check_move(FILE, row.state, "refused" if report.problems else "checked")
    row.layout = layout.plain()
    _note_checked(row, report)
    kept = {"layout": layout.plain(), "kept_by": by, "kept_at": now()}
    key = {"mode": row.mode, "source": row.source, "head": mark_of(names)}
    writing = insert(ReconLayout).values(**key, **kept)
    db.session.execute(writing.on_conflict_do_update(index_elements=list(key), set_=kept))
    db.session.flush()
    record(PLATFORM, actor=by, action="reconciliation.file_laid_out", subject=row.public_id, mode=row.mode, name=row.name, state=row.state)
    return row


def preview(raw: bytes, layout: Layout, count: int = 10) -> list[tuple[int, SettlementLine | Sentence]]:
    """The first lines as they would be taken, or what is wrong with each."""
    names, shown = head_of(raw), []
    for number, cells in first_rows(raw, count):
        try:
            line: SettlementLine | Sentence | None = line_of(in_our_words(cells, names, layout), Report())
        except Wrong as wrong:
            line = wrong.sentence
        if line is not None:
            shown.append((number, line))
    return shown


def _written(report: Report) -> list[list[Any]]:
    told: list[list[Any]] = [[line, what.text, {name: str(value) for name, value in what.values.items()}] for line, what in report.problems]
    return [*told, [0, "and %(count)s more", {"count": str(report.more)}]] if report.more else told


def problems_of(row: ReconFile) -> list[tuple[int, Sentence]]:
    """(line, what is wrong) for each, as sentences that can be said in the reader's language. Line 0: how many more there are."""
    return [(line, Sentence(text, values)) for line, text, values in row.problems]


def ask_for_import(row: ReconFile, *, by: str) -> None:
    """Have a worker take the lines of a checked report."""
    row = _locked(row)
    check_move(FILE, row.state, "importing")
    row.state = "importing"
    record(PLATFORM, actor=by, action="reconciliation.file_imported", subject=row.public_id, mode=row.mode)
    enqueue("import_report", PLATFORM, queue="papers", mode=row.mode, file=row.public_id)


def import_report(mode: str, number: str, typed: Typed | None = None) -> Taken | None:
    """Take the lines, in the present unit. None when that has been done. What contradicts an earlier line stops it: nothing is taken, and
    each such line is an exception."""
    row = _locked(get_file(mode, number))
    if row.state not in ("checked", "importing"):
        return None
    report = Report()
    try:
        raw = row.raw or b""
        if row.layout is not None:
            lines = read_table(raw, read_layout(row.layout), report, typed=row.totals)
            taken = take_lines(mode, row.source, lines, file=row.sha256)
        else:
            taken = take_report(mode, row.source, io.BytesIO(raw), report, file=row.sha256, typed=row.totals)
    except ReportRefused as refused:  # checked before: only a changed rule of ours leads here
        row.state, row.problems = "stopped", [[refused.problems[0][0], refused.problems[0][1].text, {}]]
        return None
    if taken.twisted:
        row.state = "stopped"
        note_findings(mode, [twisted_finding(row.source, one, row.public_id) for one in taken.twisted])
        return taken
    row.state, row.fresh, row.known, row.imported_at = "imported", taken.fresh, taken.lines - taken.fresh, now()
    return taken


def twisted_finding(source: str, one: Twisted, file: str = "") -> Finding:
    """The same number with other content. No import goes on over it."""
    ours, theirs = ({**side, "external_id": one.external_id} for side in (one.before, one.brought))
    key = f"{one.external_id}:{theirs.get('gross_minor')}:{theirs.get('fee_minor')}:{theirs.get('currency')}"
    difference = int(theirs.get("net_minor", 0)) - int(ours.get("net_minor", 0))
    return Finding(
        "duplicate_external", key, source, str(theirs.get("currency")), difference, now().date(), about=one.external_id[:60],
        ours=dict(ours), theirs={**theirs, "file": file, "line_no": one.line_no},
    )  # fmt: skip


def get_file(mode: str, number: str) -> ReconFile:
    """By its number, or a 404."""
    row = None
    if is_public_id("rcf", number):
        row = db.session.scalar(select(ReconFile).where(ReconFile.mode == mode, ReconFile.public_id == number))
    if row is None:
        raise NotFound("There is no such report.")
    return row


def list_files(mode: str, limit: int = SHOWN) -> list[ReconFile]:
    """The newest."""
    return list(db.session.scalars(select(ReconFile).where(ReconFile.mode == mode).order_by(ReconFile.uploaded_at.desc()).limit(limit)))


def _locked(row: ReconFile) -> ReconFile:
    fresh = locked(ReconFile, row.mode, row.sha256)
    if fresh is None:
        raise RuntimeError("a file is never deleted")
    return fresh
