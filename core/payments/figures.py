"""The figures of a vendor's home: what came in by day, how many of those who tried could pay, and when money is released next."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func, literal, select, tuple_

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.payments.models import Payment
from core.payments.refund_models import Refund

ENDED = ("succeeded", "requires_method", "canceled", "expired")
FAILURES_COUNTED = 100


@dataclass(frozen=True, slots=True)
class DayTaken:
    """What was captured on one day, by the vendor's clock, in one currency."""

    day: date
    count: int
    amount: Money


def takings_by_day(vendor: Vendor, mode: str, since: datetime) -> list[DayTaken]:
    """What was captured since an instant, by day and currency. Days without money are not in it.

    A range on (vendor, mode, captured_at): ask for weeks, not for years.
    """
    day = _day_of(Payment.captured_at, vendor)
    rows = db.session.execute(
        select(day, Payment.currency, func.count(), func.sum(Payment.captured_minor))
        .where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.captured_at >= since)
        .group_by(day, Payment.currency)
        .order_by(day, Payment.currency)
    )
    return [DayTaken(on, int(count), Money(int(total), currency)) for on, currency, count, total in rows]


def _day_of(column: Any, vendor: Vendor) -> ColumnElement[date]:
    return cast(func.timezone(literal(vendor.time_zone), column), Date)


def ends_since(vendor: Vendor, mode: str, since: datetime, until: datetime | None = None) -> dict[str, int]:
    """Of the payments that were started since then and have come to an end: how many ended how. Under way counts nowhere."""
    counted = {}
    for state in ENDED:
        mine = select(func.count()).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.state == state)
        mine = mine.where(Payment.id >= first_id_at(since))
        counted[state] = int(db.session.scalar(mine.where(Payment.id < first_id_at(until)) if until else mine) or 0)
    return counted


@dataclass(frozen=True, slots=True)
class Release:
    """What becomes available on one day, by the vendor's clock, in one currency."""

    day: date
    count: int
    amount: Money


def next_releases(vendor: Vendor, mode: str) -> list[Release]:
    """The money that is waiting, by the day it is released: captured less fees, refunds, disputes and what is on its way back."""
    left = Payment.captured_minor - Payment.refunded_minor - Payment.refunding_minor - Payment.fee_minor + Payment.fee_returned_minor
    left = left - Payment.borne_minor - Payment.disputed_minor + Payment.disputed_fee_minor + Payment.advanced_minor
    day = _day_of(Payment.available_at, vendor)
    waiting = (Payment.available_at.is_not(None), Payment.released_at.is_(None))
    rows = db.session.execute(
        select(day, Payment.currency, func.count(), func.sum(left))
        .where(Payment.vendor_id == vendor.id, Payment.mode == mode, *waiting)
        .group_by(day, Payment.currency)
        .order_by(day, Payment.currency)
    )
    return [Release(on, int(count), Money(int(total), currency)) for on, currency, count, total in rows]


def list_releases(vendor: Vendor, mode: str, since: datetime, until: datetime, *, limit: int = 200) -> list[Payment]:
    """The payments whose money is released in this time, the first first."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.released_at.is_(None))
    due = mine.where(Payment.available_at >= since, Payment.available_at < until)
    return list(db.session.scalars(due.order_by(Payment.available_at, Payment.id).limit(limit)))


def failed_refunds(vendor: Vendor, mode: str, since: datetime) -> int:
    """How many refunds asked for since then did not reach the payer; beyond FAILURES_COUNTED nobody counts on."""
    mine = select(Refund.id).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.state == "failed")
    some = mine.where(Refund.id >= first_id_at(since)).limit(FAILURES_COUNTED)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def takings_between(vendor: Vendor, mode: str, since: datetime, until: datetime | None = None) -> dict[str, tuple[int, Money, Money]]:
    """What was captured in this time, by currency: how many payments, how much, and our fee on it before any was given back."""
    mine = select(Payment.currency, func.count(), func.sum(Payment.captured_minor), func.sum(Payment.fee_minor)).where(
        Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.captured_at >= since
    )
    rows = db.session.execute((mine.where(Payment.captured_at < until) if until else mine).group_by(Payment.currency))
    return {code: (int(count), Money(int(total), code), Money(int(fee), code)) for code, count, total, fee in rows}


def list_captured(
    vendor: Vendor,
    mode: str,
    since: datetime,
    until: datetime,
    *,
    currency: str,
    after: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> tuple[list[Payment], tuple[datetime, uuid.UUID] | None]:
    """The payments whose money arrived in this time, newest first, by keyset; and where the next page begins."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.currency == currency)
    mine = mine.where(Payment.captured_at >= since, Payment.captured_at < until)
    if after:
        mine = mine.where(tuple_(Payment.captured_at, Payment.id) < after)
    rows = list(db.session.scalars(mine.order_by(Payment.captured_at.desc(), Payment.id.desc()).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.captured_at, last.id) if last is not None and last.captured_at else None
