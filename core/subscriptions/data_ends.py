"""When a plan of the house has ended, what the vendor had in the directory is kept for the days its letter promised; then it is deleted.

A letter goes out before, in time to fetch everything. A plan that runs again keeps it all. Invoices, payments and the books stay.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.billing.calendar import DAY, first_instant, local_date
from core.billing.clock import clock_of, really
from core.billing.effects import Notice
from core.billing.models import KeptSubscription
from core.billing.queries import read
from core.billing.states import CANCELLED
from core.directory.erase import erase_listings, has_listings
from core.directory.standing import set_visible
from core.kernel.clock import now
from core.kernel.db import db
from core.subscriptions.news import DELETION
from core.subscriptions.tell import tell_beside

WARNED = timedelta(days=14)  # before the day from which it is deleted
WEEK = timedelta(days=7)
AT_ONCE = 50  # plans in one transaction
LEAST = timedelta(days=7)  # between the letter and that day, however late the letter left


def promise_data(row: KeptSubscription, ended: Notice) -> None:
    """The plan has ended, and this notice says until when everything can be fetched."""
    if ended.on is not None:
        row.data_until, row.data_due_at = ended.on, _begins(row, ended.on - WARNED)


def end_data(limit: int) -> int:
    """Look at plans whose data has come to its day: warn, delete up to `limit` rows in all, or let go of a promise that counts no more.

    Answers `limit` while there may be more to do at once. Late, repeated or killed, nothing is told twice and no half is kept for good.
    """
    due = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.data_due_at <= now())
    rows = list(db.session.scalars(due.order_by(KeptSubscription.data_due_at).limit(AT_ONCE).with_for_update(skip_locked=True)))
    left = limit
    for row in rows:
        if left > 0:
            left -= _look(row, left)
    return limit if len(rows) == AT_ONCE else limit - left


def _look(row: KeptSubscription, most: int) -> int:
    """What this plan's day asks for; answers how many rows were deleted."""
    vendor = find_vendor(row.subscriber)
    if vendor is None or row.data_until is None or _ended_later(row):
        row.data_due_at = None
    elif _runs_again(row):
        row.data_due_at = now() + WEEK  # it may yet not have begun, should its first payment be declined
    elif not has_listings(vendor, row.mode):
        _is_gone(row, vendor)
    elif row.data_warned_at is None:
        _warn(row)
    elif row.data_until >= _today(row):
        row.data_due_at = _begins(row, row.data_until + DAY)
    else:
        erased = erase_listings(vendor, row.mode, limit=most, by="system", about=row.public_id)
        if erased.over:
            _is_gone(row, vendor)
        return erased.count
    return 0


def _warn(row: KeptSubscription) -> None:
    assert row.data_until is not None
    row.data_until = max(row.data_until, _today(row) + LEAST)
    row.data_warned_at, row.data_due_at = now(), _begins(row, row.data_until + DAY)
    db.session.flush()
    tell_beside(row, DELETION, key="data", told_on=_today(row), on=row.data_until)


def _runs_again(row: KeptSubscription) -> bool:
    """Whether the vendor has a plan that runs: then nothing of it is deleted."""
    return _another(row, KeptSubscription.status != CANCELLED)


def _ended_later(row: KeptSubscription) -> bool:
    """Whether another plan of the vendor's has ended since, whose own days count."""
    return _another(row, KeptSubscription.data_until.is_not(None))


def _another(row: KeptSubscription, which: ColumnElement[bool]) -> bool:
    later = (KeptSubscription.vendor_id == HOUSE, KeptSubscription.mode == row.mode, KeptSubscription.id > row.id)
    return bool(db.session.scalar(select(exists().where(*later, KeptSubscription.subscriber == row.subscriber, which))))


def _is_gone(row: KeptSubscription, vendor: Vendor) -> None:
    """From now on the vendor is like one that never had a plan, and may begin anew."""
    row.data_due_at, row.data_deleted_at = None, now()
    set_visible(vendor, row.mode, visible=False, reason="no_plan", by="system")


def _today(row: KeptSubscription) -> date:
    return local_date(clock_of(row), read(row).zone)


def _begins(row: KeptSubscription, day: date) -> datetime:
    """The first instant of a day by the subscription's own clock, by the real one."""
    return really(row, first_instant(day, read(row).zone))
