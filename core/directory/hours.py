"""Opening hours: what a vendor types for a weekday or a date, whether it is open at an instant, and when that changes.

An interval belongs to the day it begins on and may run past midnight; minutes are those of the clock on the branch's wall. An exception
replaces its whole day, but not the night that the day before runs into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.dialects.postgresql import Range

from core.kernel.errors import Refusal
from core.kernel.sentence import said

DAY, WEEK = 1440, 10080
MOST_INTERVALS, MOST_EXCEPTIONS = 6, 60
MONDAY_OF_1970 = 4 * DAY  # 1 January 1970 was a Thursday
_INTERVAL = re.compile(r"(\d{1,2})[:.](\d{2})\s*(?:-|–|—|to)\s*(\d{1,2})[:.](\d{2})")
_EXCEPTION = re.compile(r"(\d{4}-\d{2}-\d{2})\s*:?\s+(.+)")
EPOCH = date(1970, 1, 1)
Intervals = list[list[int]]


class BadHours(Refusal):
    """These hours cannot be read, or contradict themselves."""

    code = "bad_hours"


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a branch is open: by weekday ("0" is Monday), by date where that differs, and in which time zone."""

    hours: dict[str, Intervals]
    exceptions: dict[str, Intervals]
    time_zone: str

    def of(self, day: date) -> Intervals:
        """The intervals that begin on this day."""
        written = self.exceptions.get(day.isoformat())
        return self.hours.get(str(day.weekday()), []) if written is None else written

    @property
    def known(self) -> bool:
        """Whether the vendor has said anything about it."""
        return any(self.hours.values()) or bool(self.exceptions)


def read_day(text: str, *, field: str) -> Intervals:
    """`09:00-12:30, 14:00-18:00`, `18:00-02:00`, `closed` or nothing, as minutes; BadHours at the field for anything else."""
    text = text.strip().lower()
    if text in ("", "closed", "geschlossen", "-", "–"):
        return []
    found: Intervals = []
    for part in text.split(","):
        match = _INTERVAL.fullmatch(part.strip())
        if not match:
            raise BadHours("Write times like 09:00-12:30, 14:00-18:00; leave it empty when closed.", field=field)
        begin, end = (int(match[n]) * 60 + int(match[n + 1]) for n in (1, 3))
        if begin >= DAY or end > DAY or int(match[2]) > 59 or int(match[4]) > 59:
            raise BadHours(said("%(time)s is no time of day.", time=part.strip()), field=field)
        found.append([begin, end if end > begin else end + DAY])
    found.sort()
    if len(found) > MOST_INTERVALS:
        raise BadHours(said("%(most)s intervals a day at most.", most=MOST_INTERVALS), field=field)
    if any(one[1] > other[0] for one, other in pairwise(found)) or found[-1][1] - found[0][0] > DAY:
        raise BadHours("Two of these intervals overlap.", field=field)
    return found


def read_exceptions(text: str, *, field: str) -> dict[str, Intervals]:
    """One date a line: `2026-12-24 09:00-13:00`, `2026-12-25 closed`."""
    found: dict[str, Intervals] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _EXCEPTION.fullmatch(line)
        try:
            day = date.fromisoformat(match[1]) if match else None
        except ValueError:
            day = None
        if match is None or day is None or not 2000 <= day.year < 2100:
            raise BadHours(said("Write “%(line)s” like 2026-12-24 09:00-13:00, or 2026-12-25 closed.", line=line[:40]), field=field)
        if day.isoformat() in found:
            raise BadHours(said("%(day)s stands here twice.", day=day.isoformat()), field=field)
        found[day.isoformat()] = read_day(match[2], field=field)
    if len(found) > MOST_EXCEPTIONS:
        raise BadHours(said("%(most)s dates at most. Take out those that are over.", most=MOST_EXCEPTIONS), field=field)
    return dict(sorted(found.items()))


def check_zone(name: str, *, field: str = "time_zone") -> str:
    if name not in available_timezones():
        raise BadHours("Choose a time zone from the list.", field=field)
    return name


def spell(minutes: int) -> str:
    """540 as 09:00; past midnight the clock begins again, but the end of a day is 24:00."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}" if minutes <= DAY else spell(minutes - DAY)


def spell_day(intervals: Intervals) -> str:
    """As a vendor types it."""
    return ", ".join(f"{spell(begin)}-{spell(end)}" for begin, end in intervals)


def spell_exceptions(exceptions: dict[str, Intervals]) -> str:
    return "\n".join(f"{day} {spell_day(intervals) or 'closed'}" for day, intervals in sorted(exceptions.items()))


def wall_minute(at: datetime, zone: str) -> int:
    """The minutes since 1970 that the branch's wall clock has shown."""
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return int(local.timestamp()) // 60


def is_open(table: Timetable, at: datetime) -> bool:
    """Whether one of today's intervals, or one of yesterday's that runs past midnight, holds this instant."""
    minute = wall_minute(at, table.time_zone)
    day, today = EPOCH + timedelta(days=minute // DAY), minute % DAY
    return any(b <= today < e for b, e in table.of(day)) or any(b <= today + DAY < e for b, e in table.of(day - timedelta(days=1)))


def changes_at(table: Timetable, at: datetime) -> datetime | None:
    """When it next opens or closes, looking two weeks ahead; None where nothing changes."""
    minute, now_open, zone = wall_minute(at, table.time_zone), is_open(table, at), ZoneInfo(table.time_zone)
    first = EPOCH + timedelta(days=minute // DAY)
    edges = set()
    for n in range(-1, 15):
        day = first + timedelta(days=n)
        begins = (day - EPOCH).days * DAY
        edges |= {begins + edge for interval in table.of(day) for edge in interval}
    for edge in sorted(edge for edge in edges if edge > minute):
        local = datetime(1970, 1, 1) + timedelta(minutes=edge)
        then = local.replace(tzinfo=zone).astimezone(UTC)
        if then > at and is_open(table, then) != now_open:
            return then
    return None


# --- the same for a question in SQL: three sets of minutes ---------------------------------------------------------------


def week_of(table: Timetable) -> list[Range[int]]:
    """The usual week in minutes since Monday; Sunday night runs past its end."""
    found = [(int(day) * DAY + begin, int(day) * DAY + end) for day, intervals in table.hours.items() for begin, end in intervals]
    return _merged(found)


def exceptional(table: Timetable) -> tuple[list[Range[int]], list[Range[int]]]:
    """During which minutes since 1970 the usual week does not count, and during which of them it is open."""
    cover: list[tuple[int, int]] = []
    for text in table.exceptions:
        day = date.fromisoformat(text)
        begins = (day - EPOCH).days * DAY
        tail = max((end - DAY for _, end in [*table.hours.get(str(day.weekday()), []), *table.exceptions[text]]), default=0)
        cover.append((begins, begins + DAY + max(tail, 0)))
    special = []
    for low, high in ((r.lower, r.upper) for r in _merged(cover)):
        for number in range(low // DAY - 1, high // DAY + 1):
            for begin, end in table.of(EPOCH + timedelta(days=number)):
                inside = max(low, number * DAY + begin), min(high, number * DAY + end)
                if inside[0] < inside[1]:
                    special.append(inside)
    return _merged(cover), _merged(special)


def _merged(pieces: list[tuple[int, int]]) -> list[Range[int]]:
    found: list[list[int]] = []
    for begin, end in sorted(pieces):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([begin, end])
    return [Range(begin, end) for begin, end in found]
