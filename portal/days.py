"""Days by the clock on the vendor's wall: when one begins, when the next does, and how an address names one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from flask import request
from flask_babel import gettext as _

from core.kernel import clock
from core.kernel.errors import NotFound
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


def asked_span(longest: int = 400) -> tuple[date, date]:
    """The first and the last day of a span out of the address."""
    first, last = asked_day("since"), asked_day("until")
    if not timedelta() <= last - first <= timedelta(days=longest):
        raise NotFound(_("That is no span of days that can be shown."))
    return first, last
