"""How many of what was found are of which kind, in which town, open now, or have which fact: what another click would leave.

Counted are at most so many hits, so a question costs the same however much is found; whoever shows the numbers says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.directory.prices import MARK
from core.directory.search import OPEN, Question, Wish, narrowed, nearby, places_of, somewhere
from core.directory.spelling import whole_words
from core.directory.words import MOST_ASKED, query, words_of
from core.kernel.ask import ask_for

MOST_HITS = 1_000
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
    asked = narrowed(wish)
    if words:
        asked.add("e.words @@ CAST(%(words)s AS tsquery)", words=query(words, whole=whole_words(words)))
    places = [*nearby(wish, asked.values), *places_of(wish, at, asked.values)]
    if places:
        asked.add(somewhere(places))
    rows = ask_for(_sql(asked, places), asked.values | {"at": at, "most": most, "one_more": most + 1, "towns": MOST_TOWNS})
    return _read(rows, most)


def _sql(asked: Question, places: list[str]) -> str:
    """One question: the hits, and what they are, each line (what, which, its name, how many)."""
    mine = "p.vendor_id = e.vendor_id AND p.mode = e.mode AND p.listing_id = e.listing_id"
    fits = " AND ".join([mine, *places])
    return f"""
        WITH found AS MATERIALIZED (
            SELECT e.vendor_id, e.mode, e.listing_id, e.category, e.facts FROM directory_entries e
            WHERE {" AND ".join(asked.where)} LIMIT %(one_more)s),
        hits AS MATERIALIZED (SELECT * FROM found LIMIT %(most)s)
        SELECT 'all', '', '', count(*) FROM found
        UNION ALL SELECT 'category', category, '', count(*) FROM hits GROUP BY category
        UNION ALL SELECT 'fact', fact, '', count(*) FROM hits, unnest(facts) AS fact WHERE left(fact, 1) <> '{MARK}' GROUP BY fact
        UNION ALL SELECT 'open', '', '', count(*) FROM hits e WHERE {somewhere([*places, OPEN])}
        UNION ALL (SELECT 'town', p.town, min(p.town_name), count(DISTINCT (e.vendor_id, e.listing_id))
                   FROM hits e JOIN directory_places p ON {fits}
                   WHERE p.town <> '' GROUP BY p.town ORDER BY 4 DESC, 2 LIMIT %(towns)s)"""


def _read(rows: list[tuple[Any, ...]], most: int) -> Facets:
    counts: dict[str, dict[str, int]] = {"all": {}, "category": {}, "fact": {}, "open": {}}
    towns = []
    for what, which, name, count in rows:
        if what == "town":
            towns.append(Town(which, name or which.title(), count))
        else:
            counts[what][which] = count
    found = counts["all"].get("", 0)
    return Facets(min(found, most), found > most, counts["category"], counts["fact"], towns, counts["open"].get("", 0))
