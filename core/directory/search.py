"""The public search: words with their slips forgiven, a category, facts and prices of products, a town, near a place, open now; by keyset,
however many there are.

It looks across vendors and sees only what is shown (index.py writes that). First come listings that have the words in their name, then those
that have them anywhere, each newest first; near a place, the nearest first. How common a word is decides how PostgreSQL had best look for it,
so every question is planned for its own words.
"""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.directory.hours import DAY, MONDAY_OF_1970, WEEK
from core.directory.net import SQUARES, is_flat, squares_of
from core.directory.point import Point
from core.directory.prices import Span, as_condition
from core.directory.spelling import Known, look_up, spellings
from core.directory.towns import town_mark
from core.directory.words import MOST_ASKED, query, words_of
from core.kernel.ask import ask_for
from core.kernel.errors import NotFound

PAGE = 20
RADII = (2, 5, 10, 25, 50, 100)  # kilometres
EARTH_METRES = 6_371_000
METRES_PER_DEGREE = 111_195
MOST_FACTS = 12
STEEPEST = 75_000_000  # latitude up to which the nearest are taken as on a flat map
HAVING = "e.words @@ CAST(%(words)s AS tsquery)"
_CURSOR = re.compile(r"([nwd])~(\d{1,9})~([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody looks for. `facts` are key=value of products, `town` is folded; `radius_km` counts only near a place.

    Of a listing with several branches one has to fit all that is said of places: in that town, near, and open.
    """

    words: str = ""
    category: str = ""
    facts: tuple[str, ...] = ()
    price: Span | None = None
    town: str = ""
    near: Point | None = None
    radius_km: int = 10
    open_now: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One listing found, as its line shows it; how far it is when that was asked."""

    vendor_id: uuid.UUID
    listing_id: uuid.UUID
    category: str
    card: dict[str, Any]
    metres: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Some listings, where the next ones begin (None at the end), and the words looked for where those typed were found nowhere."""

    hits: list[Hit]
    next: str | None
    instead: str = ""


@dataclass(slots=True)
class Question:
    """A question in SQL, put together piece by piece."""

    where: list[str]
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, **values: Any) -> None:
        self.where.append(condition)
        self.values |= values


def search(wish: Wish, *, at: datetime, after: str | None = None, limit: int = PAGE) -> Found:
    """One page of what fits, as things are at this instant."""
    words = words_of(wish.words)[:MOST_ASKED]
    if (wish.words.strip() and not words) or (wish.price and wish.price.is_empty):
        return Found([], None)
    known = look_up(words)
    found = Found([], None) if _is_nowhere(words, known, at) else _search(wish, words, known.whole, at, after, limit)
    if found.hits or after or not known.unknown:
        return found
    for other in spellings(words, known):  # what they put in the place of a word stands in the directory
        found = _search(wish, other, known.whole | (set(other) - set(words)), at, None, limit)
        if found.hits:
            return replace(found, instead=" ".join(other))
    return found


def _is_nowhere(words: list[str], known: Known, at: datetime) -> bool:
    """Whether no listing has these words, one of which is unknown: mostly so, which is sooner seen than that none has them in its name and
    none elsewhere. Where some have them they stand in descriptions."""
    return bool(known.unknown) and not _newest(Wish(), [HAVING], query(words, whole=known.whole), at, None, PAGE + 1)


def _search(wish: Wish, words: list[str], whole: set[str], at: datetime, after: str | None, limit: int) -> Found:
    kind, number, last = _read(after)
    asked = query(words, whole=whole)
    if wish.near:
        rows = _near(wish, asked, at, (number, last) if kind == "d" else None, limit + 1)
        return _page(rows, limit, [f"d~{hit.metres}~{hit.listing_id}" for hit in rows])
    if not words:
        rows = _newest(wish, [], asked, at, last, limit + 1)
        return _page(rows, limit, [f"w~0~{hit.listing_id}" for hit in rows])
    named = _newest(wish, ["e.named @@ CAST(%(words)s AS tsquery)"], asked, at, last, limit + 1) if kind != "w" else []
    marks = [f"n~0~{hit.listing_id}" for hit in named]
    if len(named) <= limit:
        elsewhere = [HAVING, "NOT e.named @@ CAST(%(words)s AS tsquery)"]
        others = _newest(wish, elsewhere, asked, at, last if kind == "w" else None, limit + 1 - len(named))
        marks += [f"w~0~{hit.listing_id}" for hit in others]
        named += others
    return _page(named, limit, marks)


def _page(rows: list[Hit], limit: int, marks: list[str]) -> Found:
    return Found(rows[:limit], marks[limit - 1] if len(rows) > limit else None)


def _read(after: str | None) -> tuple[str, int, uuid.UUID | None]:
    """Where a page begins; an address that no page of ours leads to is none."""
    if not after:
        return "", 0, None
    match = _CURSOR.fullmatch(after)
    try:
        return (match[1], int(match[2]), uuid.UUID(match[3])) if match else _no_page()
    except ValueError:
        return _no_page()


def _no_page() -> Any:
    raise NotFound("That page of the list does not exist.")


def _newest(wish: Wish, having: list[str], words: str, at: datetime, last: uuid.UUID | None, most: int) -> list[Hit]:
    if wish.town and wish.category and not (having or wish.facts or wish.price):
        return _newest_in_town(wish, at, last, most)
    asked = narrowed(wish, having, words)
    if wish.open_now:
        asked.add(somewhere_open(places_of(wish, at, asked.values), open_at("e")))
    if last:
        asked.add("e.listing_id < %(last)s", last=last)
    sql = f"""SELECT e.vendor_id, e.listing_id, e.category, e.card, NULL FROM directory_entries e
              WHERE {" AND ".join(asked.where)} ORDER BY e.listing_id DESC LIMIT %(most)s"""
    return [Hit(*row) for row in ask_for(sql, asked.values | {"most": most})]


def _newest_in_town(wish: Wish, at: datetime, last: uuid.UUID | None, most: int) -> list[Hit]:
    """Of one category in one town: the places stand in this order in an index of their own, and are read until there are enough."""
    values: dict[str, Any] = {"category": wish.category, "most": most, "last": last}
    places = ["p.mode = 'live'", "p.category = %(category)s", *places_of(wish, at, values), *(["p.listing_id < %(last)s"] if last else [])]
    sql = f"""SELECT e.vendor_id, e.listing_id, e.category, e.card, NULL
              FROM (SELECT p.vendor_id, p.listing_id FROM directory_places p WHERE {" AND ".join(places)}
                    GROUP BY p.listing_id, p.vendor_id ORDER BY p.listing_id DESC, p.vendor_id DESC LIMIT %(most)s) d
              JOIN directory_entries e ON e.vendor_id = d.vendor_id AND e.mode = 'live' AND e.listing_id = d.listing_id
              ORDER BY e.listing_id DESC"""
    return [Hit(*row) for row in ask_for(sql, values)]


OF_ENTRY = "p.vendor_id = e.vendor_id AND p.mode = e.mode AND p.listing_id = e.listing_id"


def minute_at(of: str) -> str:
    """What the clock of a branch, or of an entry that has only one, shows `at`: in minutes since 1970."""
    return f"CAST(floor(date_part('epoch', %(at)s AT TIME ZONE {of}.time_zone) / 60) AS int)"


def open_by(of: str, minute: str) -> str:
    """Whether it is open when its clock shows this: what index.py has written down is asked, as in hours.py. Of the week, minutes since Monday."""
    of_week = f"(({minute} - {MONDAY_OF_1970}) %% {WEEK})"
    return f"""CASE WHEN {of}.cover @> {minute} THEN {of}.special @> {minute}
                            ELSE {of}.week @> {of_week} OR {of}.week @> ({of_week} + {WEEK}) END"""


def open_at(of: str) -> str:
    """Whether it is open `at`. What the clock shows is worked out once: it costs more than all comparisons with it."""
    return f"(SELECT {open_by(of, 'wall.minute')} FROM (SELECT {minute_at(of)} AS minute OFFSET 0) wall)"


OPEN = open_at("p")
# Millionths of a degree as radians, whole and halved: what is the same for every place is worked out once.
RADIAN, HALF = math.radians(1) / 1_000_000, math.radians(1) / 2_000_000
METRES = f"""CAST({2 * EARTH_METRES}::float8 * asin(least(1, sqrt(power(sin((p.lat_e6 - %(lat)s) * {HALF!r}::float8), 2)
             + %(shrunk)s::float8 * cos(p.lat_e6 * {RADIAN!r}::float8) * power(sin((p.lon_e6 - %(lon)s) * {HALF!r}::float8), 2)))) AS int)"""
assert WEEK == 7 * DAY


def _near(wish: Wish, words: str, at: datetime, after: tuple[int, uuid.UUID | None] | None, most: int) -> list[Hit]:
    """Places within a box around the point, by an index; of these the ones within the circle, by the distance along the globe.

    A place knows the words, the category and the facts of its listing. They are put in order first, and listings are looked up only until
    there are enough.
    """
    if wish.near is None:
        raise RuntimeError("near nothing")
    if not (words or wish.price or after):
        enough = _nearest(wish.near, wish, at, most)
        if enough is not None:
            return enough
    asked = near_by(wish, words)
    box = box_around(wish.near, wish.radius_km, asked.values)
    places = [*(in_squares(box, wish.radius_km, asked.values) if words else box), *asked.where, *places_of(wish, at, asked.values)]
    having = [fitting_price(wish, asked)] if wish.price else []
    if after:
        having.append("(d.metres, d.listing_id) > (%(far)s, %(last)s)")
        asked.values |= {"far": after[0], "last": after[1]}
    sql = f"""SELECT e.vendor_id, e.listing_id, e.category, e.card, d.metres
              FROM (SELECT q.vendor_id, q.mode, q.listing_id, min(q.metres) AS metres
                    FROM (SELECT p.vendor_id, p.mode, p.listing_id, {METRES} AS metres
                          FROM directory_places p WHERE {" AND ".join(places)} OFFSET 0) q
                    WHERE q.metres <= %(radius)s GROUP BY q.vendor_id, q.mode, q.listing_id ORDER BY metres, q.listing_id) d
              JOIN directory_entries e ON e.vendor_id = d.vendor_id AND e.mode = d.mode AND e.listing_id = d.listing_id
              WHERE {" AND ".join(having or ["true"])} ORDER BY d.metres, d.listing_id LIMIT %(most)s"""
    return [Hit(*row) for row in ask_for(sql, asked.values | {"most": most})]


def _nearest(point: Point, wish: Wish, at: datetime, most: int) -> list[Hit] | None:
    """The same without words for a first page: an index gives places in the order of a flat map, and only so many are looked at.

    That map is stretched from west to east, by no more than one over the cosine of the latitude. So whatever was not looked at is at least as
    far away as `sure`, and what is nearer than that is all there is, in its right order. None where it may not be enough for the page.
    """
    asked = near_by(wish, "")
    box_around(point, wish.radius_km, asked.values)
    if abs(point.lat_e6) > STEEPEST or not is_flat(asked.values["west"], asked.values["east"]):
        return None  # a map that ends within the circle
    narrow = math.cos(max(abs(asked.values["south"]), abs(asked.values["north"])) * RADIAN)
    looked_at = int(most * 9 / (5 * narrow))
    asked.values |= {"looked_at": looked_at, "metres": narrow * METRES_PER_DEGREE * 99 / 100_000_000, "most": most}
    places = [on_map(), *asked.where, *places_of(wish, at, asked.values)]
    sql = f"""WITH nearest AS MATERIALIZED (
                  SELECT p.vendor_id, p.listing_id, {METRES} AS metres, {SPOT} <-> point(%(lon)s, %(lat)s) AS away
                  FROM directory_places p WHERE {" AND ".join(places)} ORDER BY away LIMIT %(looked_at)s),
              sure AS MATERIALIZED (
                  SELECT CASE WHEN count(*) = %(looked_at)s THEN least(floor(max(away) * %(metres)s), %(radius)s + 1) ELSE %(radius)s + 1 END AS metres
                  FROM nearest)
              SELECT e.vendor_id, e.listing_id, e.category, e.card, d.metres, s.metres > %(radius)s
              FROM sure s LEFT JOIN (
                  SELECT n.vendor_id, n.listing_id, min(n.metres) AS metres FROM nearest n, sure WHERE n.metres < sure.metres
                  GROUP BY n.listing_id, n.vendor_id ORDER BY metres, n.listing_id LIMIT %(most)s) d ON true
              LEFT JOIN directory_entries e ON e.vendor_id = d.vendor_id AND e.mode = 'live' AND e.listing_id = d.listing_id
              ORDER BY d.metres, d.listing_id"""
    rows = ask_for(sql, asked.values)
    hits = [Hit(*row[:5]) for row in rows if row[1]]
    return hits if len(hits) == most or rows[0][5] else None


def places_of(wish: Wish, at: datetime, values: dict[str, Any]) -> list[str]:
    """What a branch `p` has to be, beside near."""
    found = in_town(wish, values)
    if wish.open_now:
        found.append(OPEN)
        values["at"] = at
    return found


def in_town(wish: Wish, values: dict[str, Any]) -> list[str]:
    """That a branch `p` is in the town, if one was asked for."""
    values |= {"town": wish.town} if wish.town else {}
    return ["p.town = %(town)s"] if wish.town else []


def somewhere_open(places: list[str], only: str) -> str:
    """That an entry `e` has such a branch; of an only branch it knows the hours itself, and its town: whether that one is open."""
    branch = f"EXISTS (SELECT FROM directory_places p WHERE {' AND '.join([OF_ENTRY, *places])})"
    return f"CASE WHEN e.time_zone <> '' THEN {only} ELSE {branch} END"


def box_around(point: Point, radius_km: int, values: dict[str, Any]) -> list[str]:
    """A box around the circle, for an index; and the values with which distances are worked out."""
    shrunk = math.cos(point.lat_e6 * RADIAN)
    values |= {"lat": point.lat_e6, "lon": point.lon_e6, "shrunk": shrunk, "radius": radius_km * 1000}
    reach = radius_km * 1_000_000 // (METRES_PER_DEGREE // 1000) + 1
    values |= {"south": point.lat_e6 - reach, "north": point.lat_e6 + reach}
    return ["p.lat_e6 BETWEEN %(south)s AND %(north)s", _longitudes(point, radius_km, values)]


SPOT = "point(p.lon_e6, p.lat_e6)"


def on_map() -> str:
    """The box once more as one on a map, for the index that knows both of its sides. Only of a box that is in one piece."""
    return f"{SPOT} <@ box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))"


def in_squares(box: list[str], radius_km: int, values: dict[str, Any]) -> list[str]:
    """The box for those who look for words: by the squares of the net that it touches, so that an index gathers only what has both. The box
    itself is asked in words for which there is no index, or all that lies there would be gathered first."""
    sides = (values[side] for side in ("west", "south", "east", "north"))
    squares = squares_of(*sides, radius_km=radius_km)
    if squares is None:
        return box
    values["squares"] = squares
    return [f"{SQUARES} && CAST(%(squares)s AS int[])", *[f"({side}) IS TRUE" for side in box]]


def within(point: Point, radius_km: int, values: dict[str, Any]) -> str:
    """Whether a place of the box lies within the circle. Of what lies in a square inside the circle the distance is not worked out."""
    reach = radius_km * 700_000_000 // METRES_PER_DEGREE  # a little less than the radius by the root of two
    nearest = max(abs(point.lat_e6) - reach, 0)  # to the equator, where a degree is widest
    aside = min(radius_km * 700_000_000 // (int(METRES_PER_DEGREE * math.cos(nearest * RADIAN)) + 1), 180_000_000)
    values |= {"inner_south": point.lat_e6 - reach, "inner_north": point.lat_e6 + reach}
    values |= {"inner_west": point.lon_e6 - aside, "inner_east": point.lon_e6 + aside}
    return f"""(p.lat_e6 BETWEEN %(inner_south)s AND %(inner_north)s AND p.lon_e6 BETWEEN %(inner_west)s AND %(inner_east)s
                OR {METRES} <= %(radius)s)"""


def _longitudes(point: Point, radius_km: int, values: dict[str, Any]) -> str:
    """The box's east and west; across the date line it is two boxes, and at a pole every longitude is near."""
    edge = abs(point.lat_e6) // 1_000_000 + 2  # where the box is narrowest
    shrunk = int(METRES_PER_DEGREE * math.cos(math.radians(edge))) if edge < 89 else 0
    reach = radius_km * 1_000_000_000 // shrunk + 1 if shrunk else 180_000_000
    west, east = point.lon_e6 - reach, point.lon_e6 + reach
    values |= {"west": west, "east": east}
    if reach >= 180_000_000:
        return "p.lon_e6 BETWEEN least(%(west)s, -180000000) AND greatest(%(east)s, 180000000)"
    if west < -180_000_000:
        values["west"] = west + 360_000_000
        return "(p.lon_e6 >= %(west)s OR p.lon_e6 <= %(east)s)"
    if east > 180_000_000:
        values["east"] = east - 360_000_000
        return "(p.lon_e6 >= %(west)s OR p.lon_e6 <= %(east)s)"
    return "p.lon_e6 BETWEEN %(west)s AND %(east)s"


def narrowed(wish: Wish, having: list[str], words: str) -> Question:
    """What an entry has to be by itself. That it has a branch in a town is one thing; that the very branch is open or near, another.

    Its words are asked for before its facts: where PostgreSQL goes from one entry to the next, that is the cheaper look. Within a town the
    category is asked of those the town leaves; in words for which there is no index, or a whole category would be gathered for a few.
    """
    asked = Question(["e.mode = 'live'"])
    if wish.category:
        asked.add("(e.category = %(category)s) IS TRUE" if wish.town else "e.category = %(category)s", category=wish.category)
    for condition in having:
        asked.add(condition, words=words)
    facts = [*wish.facts[:MOST_FACTS], *([town_mark(wish.town)] if wish.town else [])]
    if facts:
        asked.add("e.facts @> CAST(%(facts)s AS text[])", facts=facts)
    if wish.price:
        asked.add(fitting_price(wish, asked))
    return asked


def near_by(wish: Wish, words: str) -> Question:
    """What a place knows of its listing: all of that but the prices."""
    asked = Question(["p.mode = 'live'"])
    if wish.category:
        asked.add("p.category = %(category)s", category=wish.category)
    if words:
        asked.add("p.words @@ CAST(%(words)s AS tsquery)", words=words)
    if wish.facts:
        asked.add("p.facts @> CAST(%(facts)s AS text[])", facts=list(wish.facts[:MOST_FACTS]))
    return asked


def fitting_price(wish: Wish, asked: Question) -> str:
    """That one of the prices of an entry `e` is among those asked for."""
    if wish.price is None:
        return "true"
    condition, values = as_condition(wish.price)
    asked.values |= values
    return condition
