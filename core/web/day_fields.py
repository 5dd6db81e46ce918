"""Form fields for days and moments, as the reader's clock shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask_babel import gettext as _
from wtforms import Field
from wtforms.widgets import TextInput

from core.web.filters import zone

EARLIEST, LATEST = 2000, 2100


class MomentField(Field):
    """A date and time in the reader's zone, `2026-11-21T14:30`; `data` is an aware instant in UTC or None."""

    widget = TextInput()
    EXAMPLE = "2026-11-21 14:30"
    FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(zone()).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = (valuelist[0] if valuelist else "").strip(" ")
        if not text:
            return
        local = self._read(text)
        if not EARLIEST <= local.year < LATEST:
            raise ValueError(_("Choose a date between %(first)s and %(last)s.", first=EARLIEST, last=LATEST - 1))
        at = local.replace(tzinfo=zone()).astimezone(UTC)
        if not self._is(at.astimezone(zone()).replace(tzinfo=None), local):
            raise ValueError(_("The clocks go forward over that hour, so it does not exist. Choose another time."))
        self.data = at

    def _is(self, shown: datetime, typed: datetime) -> bool:
        """Whether what the clocks show at that instant is what was typed."""
        return shown == typed

    def _read(self, text: str) -> datetime:
        for form in self.FORMATS:
            if len(text) <= 19 and text.isascii():
                try:
                    return datetime.strptime(text, form)
                except ValueError:
                    continue
        raise ValueError(_("Write it like %(example)s.", example=self.EXAMPLE))


class DayField(MomentField):
    """A day in the reader's zone, `2026-11-21`; `data` is the instant at which that day begins there."""

    EXAMPLE = "2026-11-21"
    FORMATS = ("%Y-%m-%d",)

    def _is(self, shown: datetime, typed: datetime) -> bool:
        """In some places the clocks go forward at midnight: a day begins at one o'clock there, and that is the same instant."""
        return shown.date() == typed.date()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(zone()).strftime("%Y-%m-%d") if self.data else ""

    @property
    def day(self) -> date | None:
        """The day itself, as a calendar has it."""
        return self.data.astimezone(zone()).date() if self.data else None

    @property
    def next_day(self) -> datetime | None:
        """When the day after begins there: some days have 23 hours and some 25."""
        if self.data is None:
            return None
        here = self.data.astimezone(zone()).date() + timedelta(days=1)
        return datetime.combine(here, time(), tzinfo=zone()).astimezone(UTC)


def day_begins(day: date | None) -> datetime | None:
    """When this day begins where the reader lives: what a DayField holds."""
    return datetime.combine(day, time(), tzinfo=zone()).astimezone(UTC) if day else None
