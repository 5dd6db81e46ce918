"""When a vendor is paid out by itself, and how much there must be."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.places import time_zones
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.currency import exponent
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payouts.models import PayoutTerms
from core.payouts.states import SCHEDULES

DAYS = {"on_request": 1, "daily": 1, "weekly": 7, "monthly": 31}  # how far `day` counts under each schedule

_nobody_ahead: dict[str, date] = {}  # what day it was in each zone when this process found nobody due whose day has not come everywhere


class BadPayoutTerms(Refusal):
    """A term outside its bounds."""

    code = "bad_payout_terms"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one vendor in one currency."""

    schedule: str
    day: int
    minimum: Money
    next_on: date | None


def least(currency: str) -> Money:
    """Nobody is paid out less than one whole unit: a transfer costs more than that."""
    return Money(10 ** exponent(currency), currency)


def terms_of(vendor: Vendor, mode: str, currency: str) -> Terms:
    """The vendor's own, or the usual ones: on request."""
    kept = db.session.get(PayoutTerms, (vendor.id, mode, currency))
    return (
        Terms(kept.schedule, kept.day, Money(kept.minimum_minor, currency), kept.next_on)
        if kept
        else Terms("on_request", 1, least(currency), None)
    )


def change_terms(vendor: Vendor, mode: str, *, schedule: str, day: int, minimum: Money, by: str) -> Terms:
    """Set them. The next payout is on the first day of the schedule that is still to come. Refuses with BadPayoutTerms."""
    currency = minimum.currency
    if schedule not in SCHEDULES:
        raise BadPayoutTerms("Choose when you are paid out.", field="schedule")
    if not 1 <= day <= DAYS[schedule]:
        raise BadPayoutTerms("There is no such day.", field="day")
    if minimum < least(currency):
        raise BadPayoutTerms(said("At least %(least)s.", least=least(currency)), field="minimum")
    before = terms_of(vendor, mode, currency)
    after = Terms(schedule, day, minimum, next_day(schedule, day, today(vendor)))
    row = {"schedule": schedule, "day": day, "minimum_minor": minimum.minor, "next_on": after.next_on, "updated_at": now()}
    new = insert(PayoutTerms).values(vendor_id=vendor.id, mode=mode, currency=currency, **row)
    db.session.execute(new.on_conflict_do_update(index_elements=["vendor_id", "mode", "currency"], set_=row))
    db.session.expire_all()
    changes = differences(_plain(before), _plain(after))
    record(vendor.id, actor=by, action="payout_terms.changed", subject=vendor.public_id, mode=mode, currency=currency, changes=changes)
    return after


def _plain(terms: Terms) -> dict[str, str | int]:
    return {"schedule": terms.schedule, "day": terms.day, "minimum": str(terms.minimum)}


def today(vendor: Vendor) -> date:
    """By the vendor's own clock."""
    return now().astimezone(ZoneInfo(vendor.time_zone)).date()


def next_day(schedule: str, day: int, after: date) -> date | None:
    """The first day of the schedule after this one; None when nothing is paid out by itself. A month without that day has its last."""
    if schedule == "daily":
        return after + timedelta(days=1)
    if schedule == "weekly":
        return after + timedelta(days=(day - after.isoweekday() - 1) % 7 + 1)
    if schedule == "monthly":
        this = _in_month(after.year, after.month, day)
        return this if this > after else _in_month(after.year + after.month // 12, after.month % 12 + 1, day)
    return None


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


@cache
def _zones() -> dict[str, ZoneInfo]:
    """Every zone a vendor can be in, kept: the library itself keeps the last few only, and the clock looks every second."""
    return {name: ZoneInfo(name) for name in time_zones()}


def claim_due(limit: int = 500) -> list[PayoutTerms]:
    """Terms whose day has come, moved on to their next one: the caller asks for the payout in the same unit. Two workers never take one."""
    days = _days()
    taken = []
    for row, zone in db.session.execute(_due(days).limit(limit).with_for_update(of=PayoutTerms, skip_locked=True)):
        row.next_on = next_day(row.schedule, row.day, days.get(zone, min(days.values())))
        taken.append(row)
    return taken


def is_anybody_due() -> bool:
    """Whether there is anything to claim, asked every second. While it is tomorrow somewhere, all of tomorrow's may have to be read to find out
    that none of them is there: that is done once, until another zone's day begins."""
    global _nobody_ahead
    days = _days()
    if db.session.scalar(select(exists().where(PayoutTerms.next_on <= min(days.values())))):
        return True
    if days == _nobody_ahead:
        return False
    if db.session.execute(_due(days).limit(1)).first() is not None:
        return True
    _nobody_ahead = days
    return False


def _days() -> dict[str, date]:
    """What day it is in every zone."""
    at = now()
    return {name: at.astimezone(zone).date() for name, zone in _zones().items()}


def _due(days: dict[str, date]) -> Select[tuple[PayoutTerms, str]]:
    """Oldest first. The last day it can be anywhere bounds them, so that they are read in the order of their index and no further than needed."""
    first, *later = sorted(set(days.values()))  # it is never more than three days at once
    here = [and_(PayoutTerms.next_on == day, Vendor.time_zone.in_(zone for zone in days if days[zone] >= day)) for day in later]
    due = select(PayoutTerms, Vendor.time_zone).join(Vendor, Vendor.id == PayoutTerms.vendor_id)
    due = due.where(PayoutTerms.next_on <= max(days.values()), or_(PayoutTerms.next_on <= first, *here))
    return due.order_by(PayoutTerms.next_on, PayoutTerms.vendor_id)
