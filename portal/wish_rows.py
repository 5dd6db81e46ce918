"""Dated wishes as rows of a form in the address: read strictly, each mistake said at its row, and nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from werkzeug.datastructures import MultiDict

from core.billing.forecast import Intention
from core.billing.terms import Terms
from core.billing.wishes import (
    AddBranches,
    AddProducts,
    Cancel,
    ChooseTier,
    ConfirmResume,
    Hibernate,
    Keep,
    Reactivate,
    Resume,
    WakeOn,
    Wish,
)
from core.web.fields import plain_text
from core.web.filters import day as day_words

MOST_PLAYED, MOST_SHOWN = 40, 500  # rows that are played, and rows that are shown again
MOST_TYPED = 40  # characters of a field
MOST_AT_ONCE = 100_000  # branches or products in one wish
NAMES = ("on", "do", "n", "tier")
DAY, MONTH = re.compile(r"(20[0-9]{2})-([0-9]{1,2})-([0-9]{1,2})"), re.compile(r"(20[0-9]{2})-([0-9]{1,2})")


@dataclass(frozen=True)
class Kind:
    """A wish that a row may hold: its words, what it needs beside its day ("n", "tier" or nothing), and how it is made."""

    words: Any
    needs: str
    make: Callable[[Any], Wish]


KINDS: dict[str, Kind] = {
    "more_branches": Kind(later("Add branches"), "n", AddBranches),
    "fewer_branches": Kind(later("Close branches"), "n", lambda n: AddBranches(-n)),
    "more_products": Kind(later("Publish products"), "n", AddProducts),
    "fewer_products": Kind(later("Take products out"), "n", lambda n: AddProducts(-n)),
    "tier": Kind(later("Change the plan"), "tier", ChooseTier),
    "tier_now": Kind(later("Change to a smaller plan at once"), "tier", lambda tier: ChooseTier(tier, now=True)),
    "hibernate": Kind(later("Hibernate from the next period on"), "", lambda _none: Hibernate()),
    "hibernate_now": Kind(later("Hibernate from the next day on"), "", lambda _none: Hibernate(now=True)),
    "resume": Kind(later("Wake up"), "", lambda _none: Resume()),
    "wake_off": Kind(later("Take back the day of waking up"), "", lambda _none: WakeOn(None)),
    "confirm": Kind(later("Confirm waking up after the longest hibernation"), "", lambda _none: ConfirmResume()),
    "reactivate": Kind(later("Come back from a suspension"), "", lambda _none: Reactivate()),
    "cancel": Kind(later("Cancel at the end of the period"), "", lambda _none: Cancel()),
    "cancel_now": Kind(later("Cancel at once"), "", lambda _none: Cancel(now=True)),
    "keep": Kind(later("Take back what is planned"), "", lambda _none: Keep()),
}


@dataclass
class WishRow:
    """One row as it was typed, with what is wrong with it, or the wish it makes."""

    number: int
    place: int  # of all that the form has, the empty ones too
    on: str = ""
    do: str = ""
    n: str = ""
    tier: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    intention: Intention | None = None

    @property
    def is_blank(self) -> bool:
        return not (self.on or self.do or self.n or self.tier)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """As it stands in an address."""
        return [(name, getattr(self, name)) for name in NAMES]


@dataclass(frozen=True)
class Bounds:
    """Between which days a wish may lie, and from which plans it may choose."""

    first: date
    last: date
    terms: Terms


def read_rows(args: MultiDict[str, str], bounds: Bounds) -> list[WishRow]:
    """The rows of an address, without the empty ones. A list that is shorter than another lacks its last words."""
    lists = [args.getlist(name)[: MOST_SHOWN * 2] for name in NAMES]
    rows: list[WishRow] = []
    for place, (on, do, n, tier) in enumerate(zip_longest(*lists, fillvalue="")):
        row = WishRow(len(rows) + 1, place, *(clean(text) for text in (on, do, n, tier)))
        if row.is_blank or len(rows) == MOST_SHOWN:
            continue
        rows.append(row)
        _read(row, bounds, wrong=[text for text in (on, do, n, tier) if plain_text(text)])
    return rows


def clean(text: str) -> str:
    """What can be shown again: no more than a field holds, and nothing that no page may contain."""
    shown = "".join(c if c.isprintable() and not 0xD800 <= ord(c) < 0xE000 else "\N{REPLACEMENT CHARACTER}" for c in text.strip())
    return shown[:MOST_TYPED]


def _read(row: WishRow, bounds: Bounds, *, wrong: list[str]) -> None:
    if row.number > MOST_PLAYED:
        row.errors["on"] = _("Up to %(most)s wishes are played. Take some out.", most=MOST_PLAYED)
        return
    if wrong:
        row.errors["on"] = plain_text(wrong[0]) or ""
        return
    on = _read_day(row, bounds)
    kind = KINDS.get(row.do)
    if kind is None:
        row.errors["do"] = _("Choose what should happen.")
        return
    given = _read_number(row) if kind.needs == "n" else _read_tier(row, bounds) if kind.needs == "tier" else None
    if not row.errors and on is not None:
        row.intention = Intention(on, kind.make(given))


def _read_day(row: WishRow, bounds: Bounds) -> date | None:
    on = day_of(row.on)
    if not row.on:
        row.errors["on"] = _("Enter a day, like %(example)s.", example=bounds.last.isoformat())
    elif on is None:
        row.errors["on"] = _(
            "Write the day like %(day)s, or a month like %(month)s.", day=bounds.last.isoformat(), month=f"{bounds.last:%Y-%m}"
        )
    elif on < bounds.first:
        row.errors["on"] = _("This day has passed. The first that can be played is %(day)s.", day=day_words(bounds.first))
    elif on > bounds.last:
        row.errors["on"] = _("Twelve months are played, up to %(day)s.", day=day_words(bounds.last))
    else:
        return on
    return None


def day_of(text: str) -> date | None:
    """`2026-12-17`, or `2026-12` for the first day of a month; None for what is neither."""
    found = DAY.fullmatch(text) or MONTH.fullmatch(text)
    if found is None or not text.isascii():
        return None
    try:
        year, month, day = (*map(int, found.groups()), 1)[:3]
        return date(year, month, day)
    except ValueError:
        return None


def _read_number(row: WishRow) -> int | None:
    if not row.n:
        row.errors["n"] = _("Enter how many.")
    elif not (row.n.isascii() and row.n.isdigit() and len(row.n) <= 12):
        row.errors["n"] = _("Write a whole number with digits only.")
    elif not 1 <= int(row.n) <= MOST_AT_ONCE:
        row.errors["n"] = _("Enter a number from %(least)s to %(most)s.", least=1, most=MOST_AT_ONCE)
    else:
        return int(row.n)
    return None


def _read_tier(row: WishRow, bounds: Bounds) -> str | None:
    if bounds.terms.lists(row.tier):
        return row.tier
    row.errors["tier"] = _("Choose a plan from the list.")
    return None


def errors_of(rows: list[WishRow]) -> list[tuple[str, str]]:
    """(the field's id, what is wrong) of every row, for the top of the page."""
    return [
        (f"{name}-{row.number}", _("Wish %(number)s: %(error)s", number=row.number, error=words))
        for row in rows
        for name, words in row.errors.items()
    ]
