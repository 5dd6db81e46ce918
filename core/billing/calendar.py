"""The calendar of billing: months counted from an anchor, and which local day an instant belongs to. Nothing here asks what time it is."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, from `start` up to but without `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("a period has at least one day")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def rest(self, day: date) -> Period:
        """From that day to the end."""
        return Period(max(day, self.start), self.end)


def boundary(anchor: date, n: int) -> date:
    """The n-th boundary: n months from the anchor. A day that a month lacks becomes its last day, in that month only."""
    years, month = divmod(anchor.month - 1 + n, 12)
    year = anchor.year + years
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def period_of(anchor: date, day: date) -> Period:
    """The period between the two boundaries around a day. A piece of a month is always counted in days of this one."""
    n = (day.year - anchor.year) * 12 + day.month - anchor.month
    if boundary(anchor, n) > day:
        n -= 1
    return Period(boundary(anchor, n), boundary(anchor, n + 1))


def trial_end(begins: date, days: int) -> date:
    """The first day after a trial: the new anchor."""
    return begins + days * DAY


# --- local days --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BillingZone:
    """The merchant's time zone for billing. A new one counts from the boundary `since`; until then the `earlier` one does."""

    name: str
    earlier: str | None = None
    since: date | None = None

    def moved(self, to: str, *, today: date, at: date) -> BillingZone:
        """Another zone, from the boundary `at` on. Asked twice, the later wish counts."""
        present = self.earlier if self.earlier and self.since and today < self.since else self.name
        return BillingZone(to, present, at)


def local_date(at: datetime, zone: BillingZone) -> date:
    """The local date of an instant. No date comes twice and none goes back when the zone changes."""
    if at.tzinfo is None:
        raise ValueError("an instant is aware")
    if zone.since is not None and zone.earlier is not None:
        before = at.astimezone(ZoneInfo(zone.earlier)).date()
        if before < zone.since:
            return before
        return max(zone.since, at.astimezone(ZoneInfo(zone.name)).date())
    return at.astimezone(ZoneInfo(zone.name)).date()


def first_instant(day: date, zone: BillingZone) -> datetime:
    """When a local date begins, in UTC: local midnight, or the first instant after it where the clocks leave midnight out."""
    if zone.since is None or zone.earlier is None:
        return _begins(day, zone.name)
    if day <= zone.since:
        return _begins(day, zone.earlier)
    return max(_begins(day, zone.name), _begins(zone.since, zone.earlier))


def _begins(day: date, name: str) -> datetime:
    zone = ZoneInfo(name)
    wanted = datetime(day.year, day.month, day.day, tzinfo=zone)
    found = wanted.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return found
    # Midnight falls into a gap: the first second at which the date has been reached lies at its far side.
    early, late = int(found.timestamp()) - 86_400, int(found.timestamp())
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, zone).date() < day:
            early = middle
        else:
            late = middle
    return datetime.fromtimestamp(late, UTC)


def instant_on(day: date, minutes: int, zone: BillingZone) -> datetime:
    """So many minutes by the wall clock after midnight of a local date; only for hours that no zone leaves out."""
    name = zone.earlier if zone.since is not None and zone.earlier and day < zone.since else zone.name
    return datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=ZoneInfo(name)).astimezone(UTC)
