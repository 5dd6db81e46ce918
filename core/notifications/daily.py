"""One letter a day instead of one for each piece of news, for whoever wants that; and silence, for whoever wants none of test mode."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.models import Notice, NotificationManner
from core.notifications.notices import ALWAYS
from core.notifications.notify import notify
from core.notifications.team import choices_of

MORNING = time(7)  # on the business's own clock
MOST_NAMED = 30  # pieces of news written out in one letter; the rest is counted
NOTHING = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Manner:
    """What somebody has chosen."""

    daily: bool = False
    muted: bool = False


def manner_of(vendor: Vendor, mode: str, person: str) -> Manner:
    """How this person is told in this world."""
    row = db.session.get(NotificationManner, (vendor.id, mode, person))
    return Manner(row.daily, row.muted) if row else Manner()


def choose_manner(vendor: Vendor, mode: str, person: str, manner: Manner) -> None:
    """Keep it. A daily letter begins with what happens from now on. Only test mode can be muted: of real money somebody must hear."""
    if manner.muted and mode != "test":
        raise ValueError("only test mode can be muted")
    kept = {"daily": manner.daily, "muted": manner.muted}
    fresh = {"due_at": next_morning(vendor, now()), "told_to": _newest(vendor, mode)}
    row = insert(NotificationManner).values(vendor_id=vendor.id, mode=mode, person=person, **kept, **fresh)
    anew = kept | (fresh if manner.daily and not manner_of(vendor, mode, person).daily else {})
    db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "person"], set_=anew))
    if known := db.session.identity_map.get(db.session.identity_key(NotificationManner, (vendor.id, mode, person))):
        db.session.expire(known)


def next_morning(vendor: Vendor, after: datetime) -> datetime:
    """The next seven o'clock of the business, in UTC."""
    zone = ZoneInfo(vendor.time_zone)
    day = after.astimezone(zone).date()
    today = datetime.combine(day, MORNING, tzinfo=zone)
    return today if today > after else datetime.combine(day + timedelta(days=1), MORNING, tzinfo=zone)


def send_due_letters(limit: int = 50) -> int:
    """By the clock: ask for the daily letters that are due; answers how many. Who heard of nothing new gets none."""
    due = (
        select(NotificationManner)
        .where(NotificationManner.daily, NotificationManner.due_at <= now())
        .order_by(NotificationManner.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return sum(_send_one(row) for row in db.session.scalars(due))


def _send_one(row: NotificationManner) -> bool:
    vendor = db.session.get_one(Vendor, row.vendor_id)
    row.due_at = next_morning(vendor, now())
    before, row.told_to = row.told_to, _newest(vendor, row.mode)
    theirs = select(User).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == vendor.id)
    user = db.session.scalar(theirs.where(User.public_id == row.person))
    if user is None:
        db.session.delete(row)  # they have left the team
        return False
    if row.muted or not list_news(vendor, row.mode, row.person, after=before, until=row.told_to, limit=1):
        return False
    notify(vendor, "daily_news", mode=row.mode, to=user.email, user=row.person, after=str(before), until=str(row.told_to))
    return True


def list_news(vendor: Vendor, mode: str, person: str, *, after: uuid.UUID, until: uuid.UUID, limit: int = MOST_NAMED) -> list[Notice]:
    """What happened between these two notices and this person wants to hear by e-mail, the newest first."""
    return list(db.session.scalars(_news(vendor, mode, person, after, until).order_by(Notice.id.desc()).limit(limit)))


def count_news(vendor: Vendor, mode: str, person: str, *, after: uuid.UUID, until: uuid.UUID) -> int:
    """How much that is altogether."""
    return int(db.session.scalar(select(func.count()).select_from(_news(vendor, mode, person, after, until).subquery())) or 0)


def _news(vendor: Vendor, mode: str, person: str, after: uuid.UUID, until: uuid.UUID) -> Select[Notice]:
    wanted = [
        kind for kind, choice in choices_of(vendor, mode, person).items() if choice.mailed and kind not in ALWAYS
    ]  # those came at once
    return select(Notice).where(
        Notice.vendor_id == vendor.id, Notice.mode == mode, Notice.id > after, Notice.id <= until, Notice.kind.in_(wanted)
    )


def _newest(vendor: Vendor, mode: str) -> uuid.UUID:
    mine = select(Notice.id).where(Notice.vendor_id == vendor.id, Notice.mode == mode)
    return db.session.scalar(mine.order_by(Notice.id.desc()).limit(1)) or NOTHING
