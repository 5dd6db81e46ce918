"""The whole life of a long export: a person asks for it, a worker writes it piece by piece, it is kept for some days, and let go."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, tuple_, update

from core.accounts.models import Membership, User, Vendor
from core.accounts.queries import find_member, get_vendor, hold_vendor
from core.accounts.roles import rights_of
from core.customers.models import Customer
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue
from core.kernel.sheet import Columns, write_piece
from core.notifications.notify import notify
from core.payments.export import CUSTOMER_COLUMNS, PAYMENT_COLUMNS, REFUND_COLUMNS, customer_rows, payment_rows, refund_rows
from core.payments.export_models import Export, ExportPiece
from core.payments.export_narrow import moments_from_plain, narrow_from_plain
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.payments.states import EXPORT, check_move

AT_ONCE = 5_000  # so many rows are answered while the reader waits; more are written by a worker
PIECE_ROWS = 5_000  # of one transaction and one row of the database
MOST_ROWS = 2_000_000  # of one file: two sheets of a workbook
MOST_UNFINISHED = 3  # of one vendor in one mode
MOST_FAILURES = 3  # of one piece, before somebody is told
KEPT = timedelta(days=7)
PERMISSION = "payments.export"


class TooManyExports(Conflict):
    """Enough is being written for this vendor already."""

    code = "too_many_exports"


@dataclass(frozen=True, slots=True)
class Subject:
    """A list that can be taken away: its columns, its rows under kept filters, and the id by which they are in order."""

    columns: Columns
    rows: Callable[[Vendor, str, dict[str, Any]], Select[Any]]
    key: Any


SUBJECTS = {
    "payments": Subject(PAYMENT_COLUMNS, lambda v, mode, kept: payment_rows(v, mode, narrow_from_plain(v, mode, kept)), Payment.id),
    "refunds": Subject(REFUND_COLUMNS, lambda v, mode, kept: refund_rows(v, mode, **moments_from_plain(kept)), Refund.id),
    "customers": Subject(CUSTOMER_COLUMNS, lambda v, mode, _: customer_rows(v, mode), Customer.id),
}


def count_rows(vendor: Vendor, mode: str, subject: str, kept: dict[str, Any], *, at_most: int = MOST_ROWS + 1) -> int:
    """How many rows there are under these filters, counted up to `at_most`."""
    some = SUBJECTS[subject].rows(vendor, mode, kept).limit(at_most)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def is_long(vendor: Vendor, mode: str, subject: str, kept: dict[str, Any]) -> bool:
    """Whether there are too many rows to write while the reader waits."""
    return count_rows(vendor, mode, subject, kept, at_most=AT_ONCE + 1) > AT_ONCE


def request_export(
    vendor: Vendor, mode: str, *, subject: str, file_format: str, kept: dict[str, Any], language: str, by: str, form_token: str
) -> Export:
    """Write the wish down and have a worker fulfil it. The same form posted twice is one export.

    The newest row that is there now is the last that can be in it: what comes while it is written belongs to the next one.
    Refuses with TooManyExports, and what is empty or longer than MOST_ROWS.
    """
    mine = select(Export).where(Export.vendor_id == vendor.id, Export.mode == mode)
    if again := db.session.scalar(mine.where(Export.form_token == form_token)):
        return again
    hold_vendor(vendor.id)  # two members at the same moment are counted one after the other
    unfinished = mine.where(Export.state.in_(("waiting", "running"))).subquery()
    if (db.session.scalar(select(func.count()).select_from(unfinished)) or 0) >= MOST_UNFINISHED:
        raise TooManyExports("Several exports are being written already. Ask for the next one when one of them is ready.")
    found = SUBJECTS[subject]
    newest = db.session.scalar(found.rows(vendor, mode, kept).with_only_columns(found.key).order_by(found.key.desc()).limit(1))
    if newest is None:
        raise Refusal("There is nothing to export under these filters.")
    if count_rows(vendor, mode, subject, kept) > MOST_ROWS:
        raise Refusal("That is more than one file can hold. Choose a shorter time.")
    export = Export(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("exp"), form_token=form_token, subject=subject,
        file_format=file_format, narrow=kept, language=language, state="waiting", done_rows=0, pieces=0, newest_row=newest, failures=0,
        requested_by=by, created_at=now(),
    )  # fmt: skip
    db.session.add(export)
    record(vendor.id, actor=by, action="export.requested", subject=export.public_id, of=subject, file_format=file_format)
    enqueue("write_export", vendor.id, queue="papers", mode=mode, export=str(export.id))
    return export


def write_next(vendor_id: uuid.UUID, mode: str, export_id: uuid.UUID) -> bool:
    """Write the next piece, and how far that brought it, in the present unit of work; answers whether there is more to write.

    The row is locked: of two workers one goes on where the other has stopped. Whoever asked must still be allowed to have it.
    """
    export = locked(Export, vendor_id, mode, export_id)
    if export is None or export.state not in ("waiting", "running"):
        return False
    vendor, found = get_vendor(vendor_id), SUBJECTS[export.subject]
    asker = find_member(vendor, export.requested_by)
    if asker is None or asker[1].branches is not None or PERMISSION not in rights_of(vendor, export.requested_by):
        _give_up(vendor, export, "not_allowed", asker)
        return False
    if export.state == "waiting":
        _move(export, "running")
        export.total_rows = count_rows(vendor, mode, export.subject, export.narrow)
    rows = found.rows(vendor, mode, export.narrow).where(found.key <= export.newest_row)
    if export.last_row is not None:
        rows = rows.where(found.key < export.last_row)
    db.session.flush()
    piece = write_piece(found.columns, rows.order_by(found.key.desc()).limit(PIECE_ROWS), found.key)
    if piece.count:
        db.session.add(ExportPiece(vendor_id=vendor_id, mode=mode, export_id=export.id, number=export.pieces, data=piece.data))
        export.pieces += 1
        export.done_rows += piece.count
        export.last_row = piece.last
    export.failures = 0
    if piece.count == PIECE_ROWS:
        return True
    _move(export, "ready")
    export.total_rows, export.ended_at, export.expires_at = export.done_rows, now(), now() + KEPT
    _tell(vendor, export, "export_ready", asker)
    return False


def record_failure(vendor_id: uuid.UUID, mode: str, export_id: uuid.UUID) -> bool:
    """A piece could not be written. Answers whether that was too often: then it has failed, and whoever asked is told."""
    export = locked(Export, vendor_id, mode, export_id)
    if export is None or export.state not in ("waiting", "running"):
        return True
    export.failures += 1
    if export.failures < MOST_FAILURES:
        return False
    vendor = get_vendor(vendor_id)
    _give_up(vendor, export, "could_not_be_written", find_member(vendor, export.requested_by))
    return True


def _give_up(vendor: Vendor, export: Export, reason: str, asker: tuple[User, Membership] | None) -> None:
    _move(export, "failed")
    export.failure_reason, export.ended_at = reason, now()
    _drop_pieces([(export.vendor_id, export.mode, export.id)])
    if reason != "not_allowed":
        _tell(vendor, export, "export_failed", asker)


def _tell(vendor: Vendor, export: Export, kind: str, asker: tuple[User, Membership] | None) -> None:
    if asker:
        user = asker[0]
        notify(vendor, kind, mode=export.mode, to=user.email, locale=user.language or export.language, export=export.public_id)


def _move(export: Export, to: str) -> None:
    check_move(EXPORT, export.state, to)
    export.state = to


def prune_exports(limit: int) -> int:
    """Exports whose days are over lose their file, `limit` at most; answers how many. That there was one, and whose, stays."""
    key = (Export.vendor_id, Export.mode, Export.id)
    over = select(*key).where(Export.state == "ready", Export.expires_at <= now()).order_by(Export.expires_at).limit(limit)
    picked = [tuple(row) for row in db.session.execute(over.with_for_update(skip_locked=True))]
    if picked:
        _drop_pieces(picked)
        db.session.execute(
            update(Export).where(tuple_(*key).in_(picked)).values(state="expired").execution_options(synchronize_session=False)
        )
    return len(picked)


def begin_anew(vendor: Vendor, mode: str) -> None:
    """Somebody's data is to be nowhere any more: files that are ready are let go at once, and one that is being written begins from the start."""
    mine = select(Export).where(Export.vendor_id == vendor.id, Export.mode == mode, Export.state.in_(("running", "ready")))
    for export in db.session.scalars(mine.with_for_update()):
        _drop_pieces([(export.vendor_id, export.mode, export.id)])
        if export.state == "ready":
            _move(export, "expired")
        else:
            export.pieces, export.done_rows, export.last_row = 0, 0, None


def _drop_pieces(keys: list[Any]) -> None:
    whose = tuple_(ExportPiece.vendor_id, ExportPiece.mode, ExportPiece.export_id).in_(keys)
    db.session.execute(delete(ExportPiece).where(whose).execution_options(synchronize_session=False))
