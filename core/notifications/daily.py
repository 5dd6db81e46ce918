"""One letter a day for what somebody does not want to hear of at once; and silence, for whoever wants none of test mode."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.places import time_zones
from core.accounts.queries import find_member
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.notifications.models import Notice, NotificationManner
from core.notifications.notify import notify
from core.notifications.team import choices_of

HOURS = range(4, 13)  # in which a letter of the day may come
PUT_OFF = timedelta(hours=1)  # of one that could not be asked for
MOST_NAMED = 30  # pieces of news written out in one letter; the rest is counted
NOTHING = uuid.UUID(int=0)


class NoSuchMorning(Refusal):
    """The letter of the day cannot come then."""

    code = "no_such_morning"


@dataclass(frozen=True, slots=True)
class Manner:
    """What somebody has chosen: at which hour their letter of the day comes, on which clock (empty: the business's), or no word of test mode."""

    muted: bool = False
    hour: int = 7
    time_zone: str = ""


def manner_of(vendor: Vendor, mode: str, person: str) -> Manner:
    """How this person is told in this world."""
    row = db.session.get(NotificationManner, (vendor.id, mode, person), populate_existing=True)
    return Manner(row.muted, row.hour, row.time_zone) if row else Manner()


def choose_manner(vendor: Vendor, mode: str, person: str, manner: Manner) -> None:
    """Keep it, after what was chosen for each kind (core/notifications/team.py: choose). Whoever has chosen nothing for a letter of the day
    gets none; one who begins to hears of what happens from now on. Only test mode can be muted: of real money somebody must hear."""
    if manner.muted and mode != "test":
        raise ValueError("only test mode can be muted")
    _check(manner)
    daily = any(choice.daily for choice in choices_of(vendor, mode, person).values())
    before = db.session.get(NotificationManner, (vendor.id, mode, person), populate_existing=True, with_for_update=True)
    kept = {"daily": daily, "muted": manner.muted, "hour": manner.hour, "time_zone": manner.time_zone}
    kept["due_at"] = next_morning(vendor, now(), manner)
    fresh = {"told_to": _newest(vendor, mode), "told_day": _yesterday(vendor)}
    if before is not None and before.daily:
        # As it was, but for the hour; a letter that is due already stays so.
        fresh, kept["due_at"] = {}, min(before.due_at, kept["due_at"]) if before.due_at <= now() else kept["due_at"]
    start = {"told_to": NOTHING, "told_day": _yesterday(vendor)} | kept | fresh
    row = insert(NotificationManner).values(vendor_id=vendor.id, mode=mode, person=person, **start)
    db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "person"], set_=kept | fresh))
    if before is not None:
        db.session.expire(before)


def _check(manner: Manner) -> None:
    if manner.hour not in HOURS:
        raise NoSuchMorning("Choose an hour of the list.", field="hour")
    if manner.time_zone and manner.time_zone not in time_zones():
        raise NoSuchMorning("Choose a time zone from the list.", field="time_zone")


def next_morning(vendor: Vendor, after: datetime, manner: Manner = Manner()) -> datetime:
    """The next time that the chosen hour strikes where this person is, in UTC."""
    zone, hour = ZoneInfo(manner.time_zone or vendor.time_zone), time(manner.hour)
    day = after.astimezone(zone).date()
    today = datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)
    return today if today > after else datetime.combine(day + timedelta(days=1), hour, tzinfo=zone).astimezone(UTC)


def list_due_letters(limit: int = 50) -> list[tuple[uuid.UUID, str, str]]:
    """Whose letter of the day is due, in which business and mode, those that have waited longest first."""
    mine = select(NotificationManner.vendor_id, NotificationManner.mode, NotificationManner.person)
    due = mine.where(NotificationManner.daily, NotificationManner.due_at <= now()).order_by(NotificationManner.due_at).limit(limit)
    return [(row[0], row[1], row[2]) for row in db.session.execute(due)]


def send_due_letter(vendor_id: uuid.UUID, mode: str, person: str) -> bool:
    """By the clock: ask for a letter of the day; whether there was one to send. Who heard of nothing new gets none.

    What a letter covers moves on in the same transaction in which it is asked for: late, killed or run twice, nothing is told twice or left out.
    """
    row = _hold_due(vendor_id, mode, person)
    return row is not None and _send_one(row)


def put_letter_off(vendor_id: uuid.UUID, mode: str, person: str) -> None:
    """One that could not be asked for is tried again in an hour, so that the others behind it get their turn. What it covers stays as it is."""
    if (row := _hold_due(vendor_id, mode, person)) is not None:
        row.due_at = now() + PUT_OFF


def _hold_due(vendor_id: uuid.UUID, mode: str, person: str) -> NotificationManner | None:
    """What this person has chosen, locked; None when another clock has it at this moment, or sent the letter just now."""
    mine = select(NotificationManner).where(NotificationManner.vendor_id == vendor_id, NotificationManner.mode == mode)
    due = mine.where(NotificationManner.person == person, NotificationManner.daily, NotificationManner.due_at <= now())
    return db.session.scalar(due.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def _send_one(row: NotificationManner) -> bool:
    vendor = db.session.get_one(Vendor, row.vendor_id)
    row.due_at = next_morning(vendor, now(), Manner(row.muted, row.hour, row.time_zone))
    before, row.told_to = row.told_to, _newest(vendor, row.mode)
    first, row.told_day = row.told_day + timedelta(days=1), max(row.told_day, _yesterday(vendor))
    member = find_member(vendor, row.person)
    if member is None:
        db.session.delete(row)  # they have left the team
        return False
    user, membership = member
    if membership.branches is not None:
        return False  # news is of the whole business
    if row.muted or not list_news(vendor, row.mode, row.person, after=before, until=row.told_to, limit=1):
        return False
    ids = {"user": row.person, "after": str(before), "until": str(row.told_to)}
    days = {"first": first.isoformat(), "last": row.told_day.isoformat()}
    notify(vendor, "daily_news", mode=row.mode, to=user.email, locale=user.language or "en", **ids, **days)
    return True


def list_news(vendor: Vendor, mode: str, person: str, *, after: uuid.UUID, until: uuid.UUID, limit: int = MOST_NAMED) -> list[Notice]:
    """What happened between these two notices and this person wants to read in the letter of the day, the newest first."""
    return list(db.session.scalars(_news(select(Notice), vendor, mode, person, after, until).order_by(Notice.id.desc()).limit(limit)))


def count_news(vendor: Vendor, mode: str, person: str, *, after: uuid.UUID, until: uuid.UUID) -> dict[str, int]:
    """How much that is altogether, of each kind."""
    counted = _news(select(Notice.kind, func.count()), vendor, mode, person, after, until).group_by(Notice.kind)
    return {kind: int(count) for kind, count in db.session.execute(counted)}


def _news(question: Select[Any], vendor: Vendor, mode: str, person: str, after: uuid.UUID, until: uuid.UUID) -> Select[Any]:
    wanted = [kind for kind, choice in choices_of(vendor, mode, person).items() if choice.mailed and choice.daily]
    return question.where(
        Notice.vendor_id == vendor.id, Notice.mode == mode, Notice.id > after, Notice.id <= until, Notice.kind.in_(wanted)
    )


def _yesterday(vendor: Vendor) -> date:
    """The last day that is over, by the business's calendar, in which its pages count as well."""
    return now().astimezone(ZoneInfo(vendor.time_zone)).date() - timedelta(days=1)


def _newest(vendor: Vendor, mode: str) -> uuid.UUID:
    mine = select(Notice.id).where(Notice.vendor_id == vendor.id, Notice.mode == mode)
    return db.session.scalar(mine.order_by(Notice.id.desc()).limit(1)) or NOTHING
