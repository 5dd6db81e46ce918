"""How many of what was found are of which kind, in which town, open now, or have which fact: what another click would leave.

Counted are at most so many hits, so a question costs the same however much is found; whoever shows the numbers says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.directory.point import Point
from core.directory.prices import MARK
from core.directory.search import (
    HAVING,
    OF_ENTRY,
    Wish,
    box_around,
    fitting_price,
    in_squares,
    in_town,
    minute_at,
    narrowed,
    near_by,
    open_by,
    places_of,
    somewhere_open,
    within,
)
from core.directory.spelling import look_up
from core.directory.towns import IN, town_mark
from core.directory.words import MOST_ASKED, query, words_of
from core.kernel.ask import ask_for

MOST_HITS = 500
MOST_TOWNS = 12


@dataclass(frozen=True, slots=True)
class Town:
    """A town as it is written, as it is compared, and how many of the hits have a branch there that fits."""

    key: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the hits that were looked at. `is_more`: there are more hits than these, and the counts are of these only."""

    hits: int = 0
    is_more: bool = False
    categories: dict[str, int] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    towns: list[Town] = field(default_factory=list)
    open_now: int = 0


def count_facets(wish: Wish, *, at: datetime, most: int = MOST_HITS) -> Facets:
    """What the hits of a wish are. `wish.words` are looked for as they are: a slip in them has been mended before."""
    words = words_of(wish.words)[:MOST_ASKED]
    if (wish.words.strip() and not words) or (wish.price and wish.price.is_empty):
        return Facets()
    sql, values = _sql(wish, query(words, whole=look_up(words).whole), at)
    return _read(ask_for(sql, values | {"at": at, "most": most, "one_more": most + 1, "towns": MOST_TOWNS}), most)


def _sql(wish: Wish, words: str, at: datetime) -> tuple[str, dict[str, Any]]:
    """One question: the hits, and what they are, each line (what, which, its name, how many). Every branch is looked at once."""
    if wish.near:
        towns, (hits, values) = TOWNS_OF_PLACES, _hits_near(wish.near, wish, words, at)
        values["all_fit"] = wish.price is None
    elif wish.open_now:
        towns, (hits, values) = TOWNS_OF_BRANCHES, _hits_open(wish, words, at)
    else:
        towns, (hits, values) = TOWNS + (" AND one = %(town_mark)s" if wish.town else ""), _hits(wish, words, at)
    sql = f"""
        WITH {hits},
        told AS MATERIALIZED (SELECT one, count(*) AS many FROM (SELECT unnest(facts) AS one FROM hits) f WHERE NOT one ^@ '{MARK}' GROUP BY one)
        SELECT 'all', '', '', count(*) FROM found
        UNION ALL SELECT 'category', category, CAST(count(*) FILTER (WHERE open) AS text), count(*) FROM hits GROUP BY category
        UNION ALL SELECT 'fact', one, '', many FROM told WHERE left(one, 1) <> '{IN}'
        UNION ALL SELECT 'town', town, (SELECT min(p.town_name) FROM directory_places p WHERE p.mode = 'live' AND p.town = t.town), many
                  FROM ({towns} ORDER BY many DESC, town LIMIT %(towns)s) t"""
    return sql, values | {"town_mark": town_mark(wish.town)}


# By the marks of the entries; or, where the very branch counts, by what was gathered of the branches, each town once for a listing.
TOWNS = f"SELECT substr(one, {len(IN) + 1}) AS town, many FROM told WHERE left(one, 1) = '{IN}'"
TOWNS_OF_BRANCHES = """SELECT town, count(*) AS many
                       FROM (SELECT unnest(CASE WHEN cardinality(towns) = 1 THEN towns ELSE ARRAY(SELECT DISTINCT unnest(towns)) END) AS town FROM hits) t
                       WHERE town <> '' GROUP BY town"""
# The same where the places were kept. When all of them are of hits, nobody has to ask of which they are.
TOWNS_OF_PLACES = """SELECT town, count(*) AS many
                     FROM (SELECT DISTINCT d.town, d.listing_id, d.vendor_id FROM places d
                           WHERE d.town <> '' AND (%(all_fit)s AND (SELECT count(*) FROM found) <= %(most)s
                                                   OR (d.listing_id, d.vendor_id) IN (SELECT h.listing_id, h.vendor_id FROM hits h))) t
                     GROUP BY town"""


def _hits(wish: Wish, words: str, at: datetime) -> tuple[str, dict[str, Any]]:
    """Those that fit by themselves; only then they are asked whether they are open."""
    asked = narrowed(wish, [HAVING] if words else [], words)
    is_open = somewhere_open(places_of(replace(wish, open_now=True), at, asked.values), open_by("e", "e.minute"))
    return (
        f"""
        found AS MATERIALIZED (
            SELECT e.vendor_id, e.mode, e.listing_id, e.category, e.facts, e.time_zone, e.week, e.cover, e.special FROM directory_entries e
            WHERE {" AND ".join(asked.where)} {_order(wish, words)} LIMIT %(one_more)s),
        hits AS MATERIALIZED (
            SELECT e.category, e.facts, {is_open} AS open
            FROM (SELECT f.*, CASE WHEN f.time_zone <> '' THEN {minute_at("f")} END AS minute FROM found f LIMIT %(most)s) e)""",
        asked.values,
    )


def _order(wish: Wish, words: str) -> str:
    """Of one word and nothing else the newest are taken. How common it is PostgreSQL knows, and walks from the newest when it is common;
    in no order it would gather all that have it first. Of several conditions it can only guess, and a wrong guess would walk through all."""
    alone = words and " & " not in words and not (wish.category or wish.facts or wish.price or wish.town)
    return "ORDER BY e.listing_id DESC" if alone else ""


def _hits_open(wish: Wish, words: str, at: datetime) -> tuple[str, dict[str, Any]]:
    """Those of which a branch is open, one after the other until there are enough."""
    asked = narrowed(wish, [HAVING] if words else [], words)
    places = " AND ".join([OF_ENTRY, *places_of(wish, at, asked.values)])
    return (
        f"""
        found AS MATERIALIZED (
            SELECT e.category, e.facts, true AS open, d.towns FROM directory_entries e
            CROSS JOIN LATERAL (SELECT array_agg(p.town) AS towns FROM directory_places p WHERE {places}) d
            WHERE {" AND ".join([*asked.where, "d.towns IS NOT NULL"])} LIMIT %(one_more)s),
        hits AS NOT MATERIALIZED (SELECT * FROM found LIMIT %(most)s)""",
        asked.values,
    )


def _hits_near(point: Point, wish: Wish, words: str, at: datetime) -> tuple[str, dict[str, Any]]:
    """Those of which a branch lies within the circle. All but its prices a place knows of its listing."""
    asked = near_by(wish, words)
    around = box_around(point, wish.radius_km, asked.values)
    box = [*(in_squares(around, wish.radius_km, asked.values) if words else around), *asked.where, *in_town(wish, asked.values)]
    box.append(within(point, wish.radius_km, asked.values))
    is_open = open_by("p", "p.minute")
    fitting = ""
    if wish.price:
        listings = "directory_entries e ON (e.vendor_id, e.mode, e.listing_id) = (d.vendor_id, 'live', d.listing_id)"
        fitting = f"JOIN {listings} WHERE {fitting_price(wish, asked)}"
    return (
        f"""
        places AS MATERIALIZED (
            SELECT p.listing_id, p.vendor_id, p.category, p.facts, p.town, {"true" if wish.open_now else is_open} AS open
            FROM (SELECT p.listing_id, p.vendor_id, p.category, p.facts, p.town, p.week, p.cover, p.special, {minute_at("p")} AS minute
                  FROM directory_places p WHERE {" AND ".join(box)} OFFSET 0) p
            WHERE {is_open if wish.open_now else "true"}),
        found AS MATERIALIZED (
            SELECT DISTINCT ON (d.listing_id, d.vendor_id) d.* FROM places d {fitting}
            ORDER BY d.listing_id, d.vendor_id, d.open DESC LIMIT %(one_more)s),
        hits AS MATERIALIZED (SELECT * FROM found LIMIT %(most)s)""",
        asked.values,
    )


def _read(rows: list[tuple[Any, ...]], most: int) -> Facets:
    counts: dict[str, dict[str, int]] = {"all": {}, "category": {}, "fact": {}}
    towns, open_now = [], 0
    for what, which, name, count in rows:
        if what == "town":
            towns.append(Town(which, name or which.title(), count))
        else:
            counts[what][which] = count
            open_now += int(name or 0)  # so many of a category
    found = counts["all"].get("", 0)
    return Facets(min(found, most), found > most, counts["category"], counts["fact"], towns, open_now)
