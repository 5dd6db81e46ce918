"""Numbers of documents: gapless in each series. A number is taken in the very transaction that makes the document final."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from core.billing.models import DocumentSeries
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict

SERIES = {"invoice": "INV-", "credit_note": "CN-"}


def series_of(kind: str, mode: str) -> str:
    """Test documents have series of their own, so that the live ones stay whole."""
    return SERIES[kind] if mode == "live" else f"TEST-{SERIES[kind]}"


def take_number(vendor_id: uuid.UUID, mode: str, series: str, today: date) -> tuple[int, date]:
    """The next number and the day it is issued on, which is never before that of the number before.

    Whoever comes next waits until this transaction has ended; when it is rolled back the number was never taken.
    """
    counter = insert(DocumentSeries).values(vendor_id=vendor_id, mode=mode, series=series, last_number=1, last_on=today)
    taken = counter.on_conflict_do_update(
        index_elements=[DocumentSeries.vendor_id, DocumentSeries.mode, DocumentSeries.series],
        set_={"last_number": DocumentSeries.last_number + 1, "last_on": func.greatest(DocumentSeries.last_on, counter.excluded.last_on)},
    ).returning(DocumentSeries.last_number, DocumentSeries.last_on)
    number, issued_on = db.session.execute(taken).one()
    return int(number), issued_on


def skip_to(vendor_id: uuid.UUID, mode: str, kind: str, number: int, *, by: str, why: str) -> tuple[int, int]:
    """Numbers up to this one were given by a database that is lost, on documents that stand elsewhere: none of them is given to another one.
    Answers the first and the last that are left out. Refuses with Conflict what has been given here already."""
    series = series_of(kind, mode)
    row = locked(DocumentSeries, vendor_id, mode, series)
    last = row.last_number if row is not None else 0
    if number <= last:
        raise Conflict(f"{series}{last:06d} has been given here already.")
    if row is None:
        db.session.add(DocumentSeries(vendor_id=vendor_id, mode=mode, series=series, last_number=number, last_on=now().date()))
    else:
        row.last_number = number
    record(
        vendor_id,
        actor=by,
        action="document.numbers_skipped",
        subject=series,
        mode=mode,
        first=last + 1,
        last=number,
        reason=why.strip()[:300],
    )
    return last + 1, number
