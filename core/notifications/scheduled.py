"""Reports by e-mail: ordered by one of a vendor's people for themselves, due when a day, week or month is over, each told exactly once.

A report of days on which nothing happened comes as well and says so: whoever ordered one should never have to ask whether it was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core.accounts.models import User, Vendor
from core.accounts.queries import get_vendor, hold_vendor
from core.accounts.roles import list_holders, rights_of
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotAllowed, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.notifications.daily import manner_of
from core.notifications.models import Message
from core.notifications.notify import notify
from core.notifications.scheduled_models import EVERY, Report, ReportSchedule

KIND = "payments_report"
SEES = "balance.see"  # it says what a statement says, and of the whole business: who may not see those gets none
MOST = 5  # for each person
PUT_OFF = timedelta(hours=1)  # of one that could not be written
STRIKES = time(7)  # by the business's clock: the day before is whole in the books long before


class ReportRefused(Refusal):
    """No report is ordered like this."""

    code = "report_refused"


class ReportOrdered(Conflict):
    """This very report comes to this person already."""

    code = "report_ordered"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payments: its name, the address of the list, and the same as plain values. Without any: all payments."""

    name: str = ""
    query: str = ""
    narrow: dict[str, Any] | None = None


def order_report(vendor: Vendor, mode: str, person: str, *, every: str, of: Filter = Filter()) -> ReportSchedule:
    """From now on a report comes each day, week or month; the first one when the present one is over. Refuses one that comes already,
    more than MOST, and somebody who may not see the business's figures."""
    if every not in EVERY:
        raise ReportRefused("Choose how often from the list.", field="every")
    if not sees_all(vendor, person):
        raise NotAllowed("You may not do that")
    hold_vendor(vendor.id)
    mine = list_schedules(vendor, mode, person)
    if any(one.every == every and one.query == of.query for one in mine):
        raise ReportOrdered("This report comes to you already.", field="of")
    if len(mine) >= MOST:
        raise Conflict(said("At most %(most)s reports come to you. End one first.", most=MOST))
    first, last = period_of(every, _today(vendor))
    row = ReportSchedule(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("rps"), person=person, every=every, name=of.name, query=of.query,
        narrow=of.narrow or {}, next_on=first, due_at=_due(vendor, last), created_at=now(),
    )  # fmt: skip
    db.session.add(row)
    record(vendor.id, actor=person, action="report.ordered", subject=row.public_id, mode=mode, kind=every, name=of.name)
    return row


def end_schedule(vendor: Vendor, mode: str, number: str, *, person: str, by: str) -> None:
    """No more of them to this person; pressed twice, it is the same."""
    row = find_schedule(vendor, mode, number)
    if row is not None and row.person == person and (row := locked(ReportSchedule, row.vendor_id, row.mode, row.id)) is not None:
        record(vendor.id, actor=by, action="report.ended", subject=row.public_id, mode=mode, kind=row.every, name=row.name)
        db.session.delete(row)


def find_schedule(vendor: Vendor, mode: str, number: str) -> ReportSchedule | None:
    """One that was not ended, by its public id."""
    mine = select(ReportSchedule).where(ReportSchedule.vendor_id == vendor.id, ReportSchedule.mode == mode)
    return db.session.scalar(mine.where(ReportSchedule.public_id == number))


def list_schedules(vendor: Vendor, mode: str, person: str) -> list[ReportSchedule]:
    """What comes to this person, in the order in which it was ordered."""
    mine = select(ReportSchedule).where(ReportSchedule.vendor_id == vendor.id, ReportSchedule.mode == mode)
    return list(db.session.scalars(mine.where(ReportSchedule.person == person).order_by(ReportSchedule.id)))


def get_report(vendor: Vendor, mode: str, number: str) -> Report:
    """One of this vendor's reports; refuses with 404."""
    if is_public_id("rpt", number):
        mine = select(Report).where(Report.vendor_id == vendor.id, Report.mode == mode, Report.public_id == number)
        if (found := db.session.scalar(mine)) is not None:
            return found
    raise NotFound("There is no such report.")


def schedule_of(vendor: Vendor, message: Message) -> ReportSchedule | None:
    """The order behind a letter, as long as it was not ended."""
    report = get_report(vendor, message.mode, message.about)
    return find_schedule(vendor, message.mode, report.schedule)


def period_of(every: str, day: date) -> tuple[date, date]:
    """The first and the last day of the day, week (from Monday) or calendar month in which a day lies."""
    if every == "daily":
        return day, day
    if every == "weekly":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def list_due_reports(limit: int = 50) -> list[tuple[UUID, str, UUID]]:
    """The orders whose days are over, by their keys, those that have waited longest first."""
    due = select(ReportSchedule.vendor_id, ReportSchedule.mode, ReportSchedule.id).where(ReportSchedule.due_at <= now())
    return [(row[0], row[1], row[2]) for row in db.session.execute(due.order_by(ReportSchedule.due_at).limit(limit))]


def send_due_report(vendor_id: UUID, mode: str, order: UUID) -> bool:
    """By the clock: write down the report of the days that are over and ask for its letter; whether there was one to send.

    The days move on in the transaction in which the letter is asked for, and the database keeps one report for each: late, killed or run
    twice, none is told twice. After a long sleep each look tells the next one of each order, until all have been told.
    """
    row = _hold_due(vendor_id, mode, order)
    return row is not None and _send_one(row)


def put_report_off(vendor_id: UUID, mode: str, order: UUID) -> None:
    """One that could not be written is tried again in an hour, so that the others behind it get their turn. Its days stay as they are."""
    row = _hold_due(vendor_id, mode, order)
    if row is not None:
        row.due_at = now() + PUT_OFF


def _hold_due(vendor_id: UUID, mode: str, order: UUID) -> ReportSchedule | None:
    """The order, locked; None for one that was ended, is sent by another clock at this moment, or was sent by it just now."""
    mine = select(ReportSchedule).where(ReportSchedule.vendor_id == vendor_id, ReportSchedule.mode == mode, ReportSchedule.id == order)
    due = mine.where(ReportSchedule.due_at <= now()).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return db.session.scalar(due)


def _send_one(row: ReportSchedule) -> bool:
    vendor = get_vendor(row.vendor_id)
    first, last = period_of(row.every, row.next_on)
    until = _begins(vendor, last + timedelta(days=1))
    if until > now():  # the business has another clock since
        row.due_at = _due(vendor, last)
        return False
    row.next_on = last + timedelta(days=1)
    row.due_at = _due(vendor, period_of(row.every, row.next_on)[1])
    reader = reader_of(vendor, row.person)
    if reader is None:
        db.session.delete(row)  # they have left the team
        return False
    if not sees_all(vendor, row.person) or manner_of(vendor, row.mode, row.person).muted:
        return False
    report = Report(
        vendor_id=row.vendor_id, mode=row.mode, id=uuid7(), public_id=public_id("rpt"), schedule=row.public_id, person=row.person,
        name=row.name, narrow=row.narrow, first_on=first, last_on=last, since=_goes_on_at(vendor, row, first, until), until=until, created_at=now(),
    )  # fmt: skip
    db.session.add(report)
    notify(vendor, KIND, mode=row.mode, to=reader.email, locale=reader.language or "en", report=report.public_id)
    return True


def _goes_on_at(vendor: Vendor, row: ReportSchedule, first: date, until: datetime) -> datetime:
    """Where the report of the days before ended, which is not where these days begin when the business has another clock since: what was
    booked in between is told, and nothing twice."""
    mine = select(Report.until).where(Report.vendor_id == vendor.id, Report.mode == row.mode, Report.schedule == row.public_id)
    before = db.session.scalar(mine.where(Report.last_on == first - timedelta(days=1)))
    return before if before is not None and before < until else _begins(vendor, first)


def sees_all(vendor: Vendor, person: str) -> bool:
    """Whether this person may see the figures of the business as a whole. Whoever is limited to branches may not."""
    return any(one.public_id == person for one in list_holders(vendor, SEES))


def reader_of(vendor: Vendor, person: str) -> User | None:
    """Whoever ordered it, while they are of the team."""
    return db.session.scalar(select(User).where(User.public_id == person)) if rights_of(vendor, person) else None


def _today(vendor: Vendor) -> date:
    return now().astimezone(ZoneInfo(vendor.time_zone)).date()


def _begins(vendor: Vendor, day: date, at: time = time()) -> datetime:
    return datetime.combine(day, at, tzinfo=ZoneInfo(vendor.time_zone)).astimezone(UTC)


def _due(vendor: Vendor, last: date) -> datetime:
    """The morning after the last day."""
    return _begins(vendor, last + timedelta(days=1), STRIKES)
