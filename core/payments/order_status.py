"""What a bank answers to a file of transfers (pain.002): kept as it came, noted at each transfer, and a refusal carried out once.

An acceptance settles nothing: only a statement shows that money has left. A refusal ends a transfer as when a person has seen it at the bank.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert

from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue
from core.kernel.sentence import Sentence, said
from core.ledger.book import PLATFORM
from core.payments.order_files import orders_of
from core.payments.order_refused import refuse_order
from core.providers.bank_models import BankOrder, BankOrderFile, BankStatusReport, RefusedStatusReport
from core.providers.bank_orders import lock_order
from core.providers.statement import StatementRefused

if TYPE_CHECKING:
    from core.providers.pain_status import StatusReport, Told

REJECTED, GIVEN_BEFORE = "RJCT", "DUPL"
DONE = frozenset({"ACSC", "ACCC"})
LONGEST_NAME = 120
log = structlog.get_logger("bank")


class NotHandedOver(StatementRefused):
    """The bank speaks of a file of which nobody has said yet that it has it."""

    code = "file_not_handed_over"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the bank says of one order."""

    order: BankOrder
    status: str
    reason: str


def take_status_report(mode: str, raw: bytes, *, name: str, by: str, number: int | None = None) -> BankStatusReport:
    """Take a report in, whole or not at all. Told again it changes nothing. `number`: the line's own, where it came over one.

    Raises StatementRefused, with the line, for what is no report, is about no file or order of ours, names another sum or account, or
    contradicts itself; NotHandedOver for a file that somebody has still to give to the bank.
    """
    from core.providers.pain_status import read_pain_002  # and the XML library with it

    report = read_pain_002(raw)
    file = _file_of(mode, report)
    mine = select(BankStatusReport).where(BankStatusReport.mode == mode)
    known = db.session.scalar(mine.where(BankStatusReport.message == report.message))
    if known is not None:
        if known.sha256 != report.sha256:
            raise StatementRefused(said("The bank has used the number %(number)s for another report.", number=report.message))
        return known
    verdicts = judge(report, file, orders_of(file))
    row = BankStatusReport(
        mode=mode, id=uuid7(), public_id=public_id("bsr"), file_id=file.id, message=report.message, made_at=report.made_at, status=report.status,
        reason=report.reason.short, accepted=sum(one.status != REJECTED for one in verdicts),
        rejected=sum(one.status == REJECTED for one in verdicts), raw=raw, sha256=report.sha256, name=name[:LONGEST_NAME], number=number,
        brought_by=by, brought_at=now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    for one in verdicts:
        _note(one, report)
    record(
        PLATFORM, actor=by, action="order_file.answered", subject=file.public_id, report=row.public_id, status=row.status, accepted=row.accepted,
        rejected=row.rejected,
    )  # fmt: skip
    return row


def _file_of(mode: str, report: StatusReport) -> BankOrderFile:
    """The file it is about, locked."""
    try:
        number = uuid.UUID(report.about.number) if len(report.about.number) == 32 else None
    except ValueError:
        number = None
    file = locked(BankOrderFile, mode, number) if number is not None else None
    if file is None:
        raise StatementRefused(said("No file of ours has the number %(number)s.", number=report.about.number), report.about.line)
    if file.state == "taken_back":
        words = said(
            "This file was taken back, and the bank has it all the same. Ask the bank to stop it before its transfers are made again."
        )
        raise StatementRefused(words, report.about.line)
    if file.state != "handed_over":
        raise NotHandedOver("Nobody has said yet that the bank has this file. Say so first.", report.about.line)
    return file


def judge(report: StatusReport, file: BankOrderFile, orders: list[BankOrder]) -> list[Verdict]:
    """What the report means for each order of which it says anything; writes nothing. Refuses what does not fit to the file."""
    for whole in (report.about, *report.batches):
        if whole in report.batches and whole.number.lower() != file.id.hex:
            raise StatementRefused(said("Our file has no batch %(number)s.", number=whole.number), whole.line)
        if whole.count is not None and whole.count != file.orders:
            words = said("It speaks of %(told)s transfers, and the file has %(ours)s.", told=whole.count, ours=file.orders)
            raise StatementRefused(words, whole.line)
        if whole.total is not None and whole.total != file.total:
            raise StatementRefused(
                said("It speaks of %(told)s, and the file is over %(ours)s.", told=whole.total, ours=file.total), whole.line
            )
    if report.status == REJECTED and report.reason.code == GIVEN_BEFORE:
        return []  # the bank refuses a second copy: of the first one it says nothing here
    known = {order.end_to_end: order for order in orders}
    told = {one.end_to_end: one for one in report.transfers}
    for one in report.transfers:
        _check_known(one, known.get(one.end_to_end))
    found = []
    for order in orders:
        mine = told.get(order.end_to_end)
        status = (mine.status if mine else "") or ("" if report.status == "PART" else report.status)
        reason = mine.reason.short if mine and mine.reason.short else report.reason.short
        if status:
            found.append(Verdict(order, status, reason))
    return found


def _check_known(one: Told, order: BankOrder | None) -> None:
    if order is None:
        raise StatementRefused(said("The file has no transfer %(number)s.", number=one.end_to_end), one.line)
    if one.amount is not None and one.amount != order.amount:
        raise StatementRefused(said("This transfer is over %(ours)s, not %(told)s.", ours=order.amount, told=one.amount), one.line)
    if one.iban and one.iban.replace(" ", "").upper() != order.to_account:
        raise StatementRefused("This transfer goes to another account.", one.line)


def _note(verdict: Verdict, report: StatusReport) -> None:
    """What the bank says last stands at the order; once refused it stays refused. The file is locked, so that reports come one by one."""
    order = verdict.order
    if verdict.status == REJECTED and order.bank_status in DONE:
        log.error("carried_out_and_refused", order=order.public_id, reason=verdict.reason)  # should it come back, a statement shows it
        return
    if order.bank_status == REJECTED or (verdict.status != REJECTED and order.bank_status_at and order.bank_status_at > report.made_at):
        if order.bank_status == REJECTED and verdict.status != REJECTED:
            log.error("refused_and_accepted", order=order.public_id, status=verdict.status)
        return
    order.bank_status, order.bank_status_at, order.bank_reason = verdict.status, report.made_at, verdict.reason[:60]
    if verdict.status == REJECTED:
        enqueue("carry_out_refusal", PLATFORM, mode=order.mode, order=order.end_to_end)


def carry_out_refusal(mode: str, end_to_end: str) -> bool:
    """The bank does not make this transfer: what waits for it fails and its money is free again. Once, whoever told of it before.

    Should a statement have shown its debit meanwhile, the statement is right: nothing is undone, and the log says so.
    """
    order = lock_order(mode, end_to_end)
    if order is None or order.state not in ("requested", "sent"):
        if order is not None and order.state == "settled":
            log.error("refused_after_it_left", order=order.public_id, reason=order.bank_reason)
        return False
    refuse_order(order, by="bank", reason=order.bank_reason or REJECTED)
    return True


def reports_of(file: BankOrderFile) -> list[BankStatusReport]:
    """What the bank has said of a file, the newest first."""
    mine = select(BankStatusReport).where(BankStatusReport.mode == file.mode, BankStatusReport.file_id == file.id)
    return list(db.session.scalars(mine.order_by(BankStatusReport.id.desc())))


def note_refused(mode: str, raw: bytes, *, name: str, refusal: StatementRefused) -> None:
    """A report that came over the line could not be taken: kept with the reason, once, for whoever looks at the file it speaks of."""
    from core.providers.pain_status import read_pain_002

    file = None
    try:
        file = _file_of(mode, read_pain_002(raw))
    except StatementRefused:
        log.info("refused_report_names_no_file", name=name)
    whole = refusal.message if isinstance(refusal.message, Sentence) else Sentence(str(refusal.message), {})
    sentence = whole.values["what"] if refusal.line else whole  # the line stands beside it
    row = {
        "mode": mode, "sha256": hashlib.sha256(raw).hexdigest(), "file_id": file.id if file else None, "name": name[:LONGEST_NAME],
        "line": refusal.line or 0, "problem": [sentence.text, {key: str(value) for key, value in sentence.values.items()}], "raw": raw,
        "came_at": now(),
    }  # fmt: skip
    db.session.execute(insert(RefusedStatusReport).values(**row).on_conflict_do_nothing())


def list_refused(mode: str, file: BankOrderFile | None, limit: int = 20) -> list[tuple[RefusedStatusReport, Sentence]]:
    """Reports about this file that could not be taken, with why, the newest first; without a file those that name none of ours.

    What was taken after all, because the trouble was on our side, is not among them.
    """
    taken = exists().where(BankStatusReport.mode == RefusedStatusReport.mode, BankStatusReport.sha256 == RefusedStatusReport.sha256)
    about = RefusedStatusReport.file_id == file.id if file is not None else RefusedStatusReport.file_id.is_(None)
    asked = select(RefusedStatusReport).where(RefusedStatusReport.mode == mode, about, ~taken)
    rows = db.session.scalars(asked.order_by(RefusedStatusReport.came_at.desc()).limit(limit))
    return [(row, Sentence(row.problem[0], row.problem[1])) for row in rows]


def last_report_number(mode: str) -> int:
    """The newest that came over the line; 0 before the first."""
    newest = select(func.max(BankStatusReport.number)).where(BankStatusReport.mode == mode)
    return int(db.session.scalar(newest) or 0)


def file_named(mode: str, file_id: uuid.UUID) -> BankOrderFile:
    """The file that a report is about."""
    return db.session.get_one(BankOrderFile, (mode, file_id))
