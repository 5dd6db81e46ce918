"""Days by the clock on the vendor's wall: when one begins, when the next does, and how an address names one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.kernel import clock
from core.kernel.errors import NotFound
from core.web.day_fields import DayField
from core.web.fields import ChoiceField, Form, ValidationError, options
from core.web.filters import zone

DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


def today() -> date:
    """The vendor's present day."""
    return clock.now().astimezone(zone()).date()


def beginning(day: date) -> datetime:
    """The instant a day begins there."""
    return datetime.combine(day, time(), tzinfo=zone()).astimezone(UTC)


def end(day: date) -> datetime:
    """The instant the day after begins: some days have 23 hours and some 25."""
    return beginning(day + timedelta(days=1))


def asked_day(name: str) -> date:
    """A day out of the address, `2026-11-21`. Anything else names no page of ours."""
    text = request.args.get(name, "")
    if DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise NotFound(_("That day does not exist."))


def _quarter(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _before(day: date) -> date:
    return day - timedelta(days=1)


# name -> (what it is called, the first and the last day of it). Weeks begin on Monday.
SPANS: dict[str, tuple[Any, Callable[[date], tuple[date, date]]]] = {
    "today": (later("Today"), lambda day: (day, day)),
    "yesterday": (later("Yesterday"), lambda day: (_before(day), _before(day))),
    "week": (later("This week"), lambda day: (day - timedelta(days=day.weekday()), day)),
    "last_week": (later("Last week"), lambda day: (day - timedelta(days=day.weekday() + 7), day - timedelta(days=day.weekday() + 1))),
    "month": (later("This month"), lambda day: (day.replace(day=1), day)),
    "last_month": (later("Last month"), lambda day: (_before(day.replace(day=1)).replace(day=1), _before(day.replace(day=1)))),
    "quarter": (later("This quarter"), lambda day: (_quarter(day), day)),
    "last_quarter": (later("Last quarter"), lambda day: (_quarter(_before(_quarter(day))), _before(_quarter(day)))),
    "year": (later("This year"), lambda day: (day.replace(month=1, day=1), day)),
    "last_year": (later("Last year"), lambda day: (date(day.year - 1, 1, 1), date(day.year - 1, 12, 31))),
}


def span_choices() -> list[tuple[str, str]]:
    """Every span, for a list to choose from; without one the days beside it count."""
    return [("", _("From – until")), *((name, str(words)) for name, (words, _days) in SPANS.items())]


class SpanForm(Form):
    """Filters by time: a span by its name, which moves on with the days, or two days. The merchant's clock says when a day begins."""

    class Meta:
        csrf = False  # reading changes nothing

    span = ChoiceField(later("Time"), choices=lambda: options(span_choices()), default="")
    since = DayField(later("From"))
    until = DayField(later("Until"))

    def validate_until(self, field: DayField) -> None:
        if not self.span.data and self.since.day and field.day and field.day < self.since.day:
            raise ValidationError(_("This day comes before the first one."))

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day that are asked for."""
        if self.span.data:
            return SPANS[self.span.data][1](today())
        return self.since.day, self.until.day

    @property
    def begins(self) -> datetime | None:
        first = self.days[0]
        return beginning(first) if first else None

    @property
    def ends(self) -> datetime | None:
        """The instant after the last day: some days have 23 hours and some 25."""
        last = self.days[1]
        return end(last) if last else None

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page; beside a span the two days say nothing."""
        return {
            name: field.raw_data[0]
            for name, field in self._fields.items()
            if field.data and field.raw_data and not (self.span.data and name in ("since", "until"))
        }


def asked_span(longest: int = 400) -> tuple[date, date]:
    """The first and the last day of a span out of the address."""
    first, last = asked_day("since"), asked_day("until")
    if not timedelta() <= last - first <= timedelta(days=longest):
        raise NotFound(_("That is no span of days that can be shown."))
    return first, last
