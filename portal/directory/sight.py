"""What a listing's page shows, in the reader's words: hours, whether it is open, products with their attributes, pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from flask_babel import gettext as _

from core.accounts.models import Vendor
from core.accounts.places import countries
from core.directory.attributes import Attribute, fitting, in_language, read_schema
from core.directory.colours import COLOURS
from core.directory.hours import Intervals, Timetable, changes_at, is_open, spell
from core.directory.index import address_of
from core.directory.models import Branch, Listing, ListingImage, Product
from core.directory.public import Sight
from core.kernel import clock
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.payments.link import link_state, link_token
from core.payments.queries import get_link
from core.web import addresses
from core.web.filters import day
from core.web.languages import language, reader
from portal.directory.structured import structured

SOON = timedelta(days=60)  # dates with other hours that are worth saying
Picture = Callable[[ListingImage, int], str]


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a branch is open now, in a sentence."""

    is_open: bool
    words: str


@dataclass(frozen=True, slots=True)
class Where:
    """One branch as its page shows it."""

    branch: Branch
    country: str
    opening: Opening | None
    week: list[tuple[str, str]]
    exceptions: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """One attribute of a product in words, and the sign of a colour, if it is one."""

    name: str
    value: str
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """One product: its price, None where that is said on request, and what is known of it."""

    product: Product
    price: Money | None
    known: list[Said]


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture in the sizes there are."""

    src: str
    srcset: str
    image: ListingImage


def look_of(sight: Sight, *, picture: Picture, only: Branch | None = None) -> dict[str, Any]:
    """The values of templates/portal/public/listing.html, of the listing or of one of its branches."""
    listing, schema = sight.listing, read_schema(sight.category.attributes)
    canonical = addresses.listing(address_of(listing), only.slug if only else "")
    pay_url = _pay_url(sight.vendor, listing, only)
    shown = [only] if only else sight.branches
    return {
        "vendor": sight.vendor, "listing": listing, "category": sight.category, "category_name": in_language(sight.category.names, language()),
        "canonical": canonical, "address": address_of(listing), "pay_url": pay_url, "website_name": _plain(listing.website),
        "places": [where_of(branch) for branch in shown],
        "others": [branch for branch in sight.branches if only and branch.id != only.id],
        "products": [Offered(one, one.price, known_of(schema, one)) for one in sight.products],
        "images": [_seen(image, sight.widths[image.id], picture) for image in sight.images],
        "structured": structured(sight, canonical, only=only, picture=picture),
    }  # fmt: skip


def where_of(branch: Branch) -> Where:
    table = Timetable(branch.hours, branch.exceptions, branch.time_zone)
    names = get_day_names("wide", locale=reader().babel)
    week = [(names[number], spoken(table.hours.get(str(number), []))) for number in range(7)] if any(table.hours.values()) else []
    today = clock.now().astimezone(ZoneInfo(branch.time_zone)).date()
    coming = [(date.fromisoformat(text), intervals) for text, intervals in sorted(branch.exceptions.items())]
    exceptions = [(day(at), spoken(intervals)) for at, intervals in coming if today <= at <= today + SOON]
    return Where(branch, dict(countries()).get(branch.country, branch.country), opening_of(table), week, exceptions)


def spoken(intervals: Intervals) -> str:
    """09:00–12:30, 14:00–18:00."""
    return ", ".join(f"{spell(begin)}–{spell(end)}" for begin, end in intervals) or _("Closed")


def opening_of(table: Timetable) -> Opening | None:
    """Nothing for a branch that has said nothing about it."""
    if not table.known:
        return None
    at = clock.now()
    open_, changes = is_open(table, at), changes_at(table, at)
    if changes is None:
        return Opening(open_, _("Always open") if open_ else _("Closed"))
    zone = ZoneInfo(table.time_zone)
    then, today = changes.astimezone(zone), at.astimezone(zone).date()
    time = f"{then:%H:%M}"
    if open_:
        return Opening(True, _("Open until %(time)s", time=time))
    if then.date() == today:
        return Opening(False, _("Closed, opens at %(time)s", time=time))
    weekday = get_day_names("wide", locale=reader().babel)[then.weekday()]
    return Opening(False, _("Closed, opens %(day)s at %(time)s", day=weekday, time=time))


def known_of(schema: list[Attribute], product: Product) -> list[Said]:
    """The attributes that are said of a product, as far as its category still knows them, in the reader's words."""
    kept = fitting(schema, product.attributes)
    return [Said(one.name(language()), _in_words(one, kept[one.key]), _sign(one, kept[one.key])) for one in schema if one.key in kept]


def _sign(one: Attribute, value: Any) -> str:
    return COLOURS[value][0] if one.kind == "colour" and value in COLOURS else ""


def _in_words(one: Attribute, value: Any) -> str:
    if one.kind == "yes_no":
        return _("Yes") if value == "yes" else _("No")
    if one.kind in ("choice", "choices", "colour"):
        return ", ".join(one.option_name(key, language()) for key in (value if isinstance(value, list) else [value]))
    if one.kind == "date":
        return day(date.fromisoformat(value))
    return f"{value} {one.unit}".strip()


def _seen(image: ListingImage, widths: list[int], picture: Picture) -> Seen:
    srcset = ", ".join(f"{picture(image, width)} {width}w" for width in widths)
    return Seen(picture(image, next((width for width in widths if width >= 640), widths[-1])), srcset, image)


def _pay_url(vendor: Vendor, listing: Listing, only: Branch | None) -> str | None:
    """Where the button leads, while the link takes payments. What it says of its source is written down with the payment: the directory, and on
    a branch's own page that branch."""
    try:
        link = get_link(vendor, listing.mode, listing.link) if listing.link else None
    except NotFound:
        return None
    if link is None or link_state(link) != "open":
        return None
    at = f"&branch={only.public_id}" if only else ""
    return f"{addresses.payment_link(link_token(vendor, link))}?ref=directory{at}"


def _plain(website: str) -> str:
    return website.partition("://")[2].rstrip("/")
