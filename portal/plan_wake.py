"""The day on which a hibernation ends by itself: read strictly from the address, with what is wrong said at its field, and what happens on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import request
from flask_babel import gettext as _

from core.billing.effects import Notice
from core.billing.hibernate import days_to_wake, wakes_on
from core.billing.midnight import NEXT_INVOICE, price_of_waking
from core.billing.models import KeptSubscription
from core.billing.queries import as_of_now
from core.billing.wishes import Hibernate, WakeOn
from core.subscriptions.quote import Quote, quote_wish
from core.web.filters import day as day_words
from core.web.filters import money
from portal.wish_rows import clean, day_of

NAME = "until"


@dataclass(frozen=True)
class DayToWake:
    """As it was typed, between which days it may lie, and the day it is; without one there is nothing to confirm where it is `needed`."""

    typed: str
    day: date | None
    error: str
    first: date
    last: date
    needed: bool

    @property
    def is_whole(self) -> bool:
        return not self.error and (self.day is not None or not self.needed)

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(NAME, self.error)] if self.error else []


def day_to_wake(row: KeptSubscription, name: str, *, at_once: bool) -> DayToWake | None:
    """For the acts that have such a day. Refuses what the act refuses whatever its day."""
    if name not in ("hibernate", "wake-on"):
        return None
    needed = name == "wake-on"
    after = quote_wish(row, WakeOn(None) if needed else Hibernate(at_once)).after
    first, last = days_to_wake(after)
    given = request.args.get(NAME)
    if given is None:
        before = wakes_on(quote_wish(row, WakeOn(None)).before or after) if needed else None
        return DayToWake(before.isoformat() if before else "", None, "", first, last, needed)
    typed = clean(given)
    day, error = _read(typed, first, last, needed=needed)
    return DayToWake(typed, day, error, first, last, needed)


def _read(typed: str, first: date, last: date, *, needed: bool) -> tuple[date | None, str]:
    if not typed:
        return None, _("Enter a day, like %(example)s.", example=first.isoformat()) if needed else ""
    day = day_of(typed)
    if day is None:
        return None, _("Write the day like %(day)s, or a month like %(month)s.", day=first.isoformat(), month=f"{last:%Y-%m}")
    if not first <= day <= last:
        return None, _("Choose a day from %(first)s to %(last)s.", first=day_words(first), last=day_words(last))
    return day, ""


def waking_of(quote: Quote) -> str:
    """What a wish says of waking up by itself; empty when it says nothing of it."""
    told = next((each for each in quote.effects if isinstance(each, Notice) and each.wakes_on is not None), None)
    return waking_words(told) if told else ""


def waking_ahead(row: KeptSubscription) -> str:
    """The same of a plan as it stands: its day, while that lies ahead, and what it costs as far as is known now."""
    state, offer = as_of_now(row)
    on = wakes_on(state)
    if on is None or on <= state.today:
        return ""
    return waking_words(price_of_waking(state, Notice("wake_ahead", state.today, wakes_on=on), offer))


def waking_words(told: Notice) -> str:
    """The day on which it wakes up by itself, and what that costs."""
    values = {"day": day_words(told.wakes_on), "amount": money(told.wakes_for)}
    if not told.wakes_for:
        return _("On %(day)s it wakes up by itself, nothing is charged for that, and your listings are back in the directory.", **values)
    if told.detail == NEXT_INVOICE:
        return _(
            "On %(day)s it wakes up by itself and your listings are back in the directory; %(amount)s go onto the next invoice.", **values
        )
    return _("On %(day)s it wakes up by itself: your listings are back in the directory as soon as the card has paid %(amount)s.", **values)
