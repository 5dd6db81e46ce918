"""D1: the public search in a directory of 10^5 listings against the same in one of 10^4, question by question, by the clock and in the
processor time of both processes, the portal's and PostgreSQL's: the one thing of a question that a busy machine hardly changes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.stack import Services
from bench.world import make_vendors
from core.directory.prices import Span, priced, ranges_of, size_marks
from core.directory.towns import town_marks
from core.directory.words import learnable, vector, words_of
from core.kernel.clock import now
from core.kernel.ids import uuid7

SMALL, LARGE = 10_000, 100_000
KINDS = {
    "bakery": "bakery bread", "cafe": "coffee house", "restaurant": "kitchen", "crafts": "ceramics", "fitness": "yoga studio", "courses": "workshop",
    "hair": "hair salon", "repairs": "repairs", "stays": "guesthouse", "shops": "shop",
}  # fmt: skip
QUESTIONS = {
    "common": "a word that one in ten has",
    "two": "two words",
    "rare": "a word that few have",
    "typo": "a mistyped word",
    "slips": "a word with two slips",
    "place": "near a place",
    "wide": "a word that few have, within 100 km of a place",
    "open": "a word, near a place, open now",
    "category": "a category, open now",
    "facts": "a word with two attributes",
    "deep": "a page in the middle",
    "price": "a word, within a price",
    "town": "a category in a town, where half of the towns have one kind of business",
    "kinds": "a category in a town that has all kinds",
    "counts": "what a common word's hits are: the numbers beside the filters",
    "counts_all": "the same without any word",
    "counts_near": "the same near a place, open now",
    "counts_wide": "the same for a word that few have, within 100 km of a place",
}
WEEK = "{" + ",".join(f"[{day * 1440 + 540},{day * 1440 + 1080})" for day in range(6)) + "}"


def _names(dice: random.Random, count: int) -> list[str]:
    """Words that nobody has heard, of two to four syllables."""
    syllables = [a + b for a in "bdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "or")]
    return ["".join(dice.choices(syllables, k=dice.choice((2, 3, 3, 4)))) for _ in range(count)]


def fill(connection: psycopg.Connection, size: int) -> None:
    """So many listings of a hundred vendors, with what the search reads of them as the acts would have written it."""
    dice, at = random.Random(7), now()
    vendors = make_vendors(connection, 100)
    names, towns, kinds = _names(dice, size // 5), _names(dice, 400), list(KINDS)
    spots = [(dice.randrange(50_000_000, 58_000_000), dice.randrange(-5_000_000, 1_500_000)) for _ in towns]
    listings, entries, places, known = [], [], [], set()
    for number in range(size):
        vendor, town = vendors[number % 100], number * 7 % len(towns)
        kind = kinds[(number // len(towns) if town % 20 < 10 else number) % 10]  # half of the towns have one kind, the others all of them
        id_, name = uuid7(), f"{dice.choice(names)} {dice.choice(names)}"
        title, handle = f"{name} {KINDS[kind]}".title(), f"h{number:09d}"
        parts = {
            "A": title,
            "B": f"{kind} {towns[town]}",
            "C": " ".join(dice.choices(names, k=6)),
            "D": " ".join(dice.choices(names, k=30)),
        }
        known |= set(learnable([word for letter in "ABC" for word in words_of(parts[letter])]))
        offered = [fact for fact in ("vegan=yes", "flour=rye", "level=beginner") if dice.random() < 0.3]
        listings.append(
            (vendor.id, "live", id_, f"lst_{number:022d}", handle, title, "x", "", kind, "", "", "", "", "published", "", "", "x", at, at)
        )
        prices = priced((dice.randrange(200, 20_000), "GBP") for _ in range(3))
        facts, words = sorted({*offered} | size_marks(prices) | town_marks([towns[town]])), vector(list(parts.values()))
        card = {
            "address": f"x-{handle}",
            "title": title,
            "summary": parts["C"],
            "vendor": vendor.name,
            "towns": [towns[town]],
            "branches": 1,
            "image": None,
        }
        entries.append(
            (
                vendor.id,
                "live",
                id_,
                kind,
                vector([title]),
                words,
                facts,
                json.dumps(ranges_of(prices)),
                "Europe/London",
                WEEK,
                json.dumps(card),
                at,
            )
        )
        lat, lon = (one + dice.randrange(-60_000, 60_000) for one in spots[town])
        places.append(
            (
                vendor.id,
                "live",
                uuid7(),
                id_,
                kind,
                words,
                sorted(offered),
                "x",
                towns[town],
                towns[town].title(),
                "",
                lat,
                lon,
                "Europe/London",
                WEEK,
                "{}",
                "{}",
            )
        )
    _copy(connection, "listings", "vendor_id mode id public_id handle title summary description category website email phone link state reason withdrawn_by created_by created_at updated_at", listings)  # fmt: skip
    _copy(
        connection,
        "directory_entries",
        "vendor_id mode listing_id category named words facts prices time_zone week card updated_at",
        entries,
    )
    _copy(connection, "directory_places", "vendor_id mode branch_id listing_id category words facts slug town town_name postcode lat_e6 lon_e6 time_zone week cover special", places)  # fmt: skip
    _copy(connection, "directory_words", "word", [(word,) for word in sorted(known)])
    for table in ("listings", "directory_entries", "directory_places", "directory_words"):
        connection.execute(f"VACUUM ANALYZE {table}")


def _copy(connection: psycopg.Connection, table: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns.split())}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


class Reader:
    """A process of the portal on one database, which times a question when told to."""

    def __init__(self, services: Services, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from bench.directory import answer; answer()"],
            env=services.environment(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, question: str, times: int) -> list[list[float]]:
        """Of so many the latency and the processor time, in microseconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{question} {times}\n")
        self.process.stdin.flush()
        took: list[list[float]] = json.loads(self.process.stdout.readline())
        return took

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


@dataclass(frozen=True, slots=True)
class Known:
    """Some words of names, towns and places of this directory: towns with one kind of business and towns with all of them apart."""

    names: list[str]
    towns: list[str]
    of_one_kind: list[str]
    of_all_kinds: list[str]
    spots: list[tuple[int, int]]


def _known() -> Known:
    from sqlalchemy import text

    from core.kernel.db import db

    rows = db.session.execute(
        text("SELECT card->>'title', card->'towns'->>0 FROM directory_entries TABLESAMPLE SYSTEM (5) LIMIT 400")
    ).all()
    spots = db.session.execute(text("SELECT lat_e6, lon_e6 FROM directory_places TABLESAMPLE SYSTEM (5) LIMIT 400")).all()
    kinds = db.session.execute(text("SELECT town, count(DISTINCT category) FROM directory_places GROUP BY town")).all()
    return Known(
        [row[0].split()[0].lower() for row in rows],
        [row[1] for row in rows],
        sorted(town for town, many in kinds if many == 1),
        sorted(town for town, many in kinds if many > 1),
        [(row[0], row[1]) for row in spots],
    )


def answer() -> None:
    """The other end of Reader: each question in a unit of work of its own, with other words each time."""
    from sqlalchemy import text

    from core.directory.facets import count_facets
    from core.directory.point import Point
    from core.directory.search import Wish, search
    from core.kernel.db import db, unit_of_work
    from wsgi import create_app

    dice = random.Random(5)
    with create_app().app_context():
        with unit_of_work():
            known = _known()
        noon = datetime(2026, 11, 26, 12, tzinfo=now().tzinfo)
        common, kinds = [word for words in KINDS.values() for word in words.split()], list(KINDS)
        with unit_of_work():
            server = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            middle = search(Wish(words="bakery"), at=noon).next
            for _ in range(30):
                middle = search(Wish(words="bakery"), at=noon, after=middle).next

        def near() -> Point:
            return Point(*dice.choice(known.spots))

        def mistyped(longer_than: int) -> str:
            word, place = dice.choice([one for one in known.names if len(one) > longer_than]), dice.randrange(1, 4)
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

        def mistyped_twice() -> str:
            word = mistyped(7)
            return word[:5] + word[6:]

        asked: dict[str, Callable[[], Wish]] = {
            "common": lambda: Wish(words=dice.choice(common)),
            "two": lambda: Wish(words=f"{dice.choice(common)} {dice.choice(known.towns)}"),
            "rare": lambda: Wish(words=dice.choice(known.names)),
            "typo": lambda: Wish(words=mistyped(5)),
            "slips": lambda: Wish(words=mistyped_twice()),
            "place": lambda: Wish(near=near(), radius_km=5),
            "wide": lambda: Wish(words=dice.choice(known.names), near=near(), radius_km=100),
            "open": lambda: Wish(words=dice.choice(common), near=near(), radius_km=10, open_now=True),
            "category": lambda: Wish(category=dice.choice(kinds), open_now=True),
            "facts": lambda: Wish(words=dice.choice(common), facts=("vegan=yes", "flour=rye")),
            "deep": lambda: Wish(words="bakery"),
            "price": lambda: Wish(words=dice.choice(common), price=Span("GBP", low := dice.randrange(200, 15_000), low + 500)),
            "town": lambda: Wish(category=dice.choice(kinds), town=dice.choice(known.of_one_kind)),
            "kinds": lambda: Wish(category=dice.choice(kinds), town=dice.choice(known.of_all_kinds)),
            "counts": lambda: Wish(words=dice.choice(common)),
            "counts_all": Wish,
            "counts_near": lambda: Wish(near=near(), radius_km=10, open_now=True),
            "counts_wide": lambda: Wish(words=dice.choice(known.names), near=near(), radius_km=100),
        }
        for line in sys.stdin:
            name, times = line.split()
            took = []
            for _ in range(int(times)):
                wish = asked[name]()
                began, spent = time.perf_counter(), _spent(server)
                with unit_of_work():
                    if name.startswith("counts"):
                        count_facets(wish, at=noon)
                    else:
                        search(wish, at=noon, after=middle if name == "deep" else None)
                took.append(((time.perf_counter() - began) * 1e6, (_spent(server) - spent) / 1e3))
                db.session.remove()
            print(json.dumps(took), flush=True)


def _spent(server: int) -> int:
    """Nanoseconds of processor time so far, of this process and of the server's that answers it."""
    return time.process_time_ns() + int(Path(f"/proc/{server}/schedstat").read_text().split()[0])


def _at(took: list[float], share: float) -> float:
    return sorted(took)[min(int(len(took) * share), len(took) - 1)]


def _rounds(large: Reader, small: Reader, rounds: int, times: int) -> Iterator[tuple[str, list[list[float]], list[list[float]]]]:
    for reader in (large, small):
        for name in QUESTIONS:
            reader.ask(name, 30)
    for number in range(rounds):
        say(f"D1 round {number + 1} of {rounds}")
        for name in QUESTIONS:
            yield name, large.ask(name, times), small.ask(name, times)


def d1(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Two databases on one server, asked in turns through the room's own question, without the pages kept in Redis."""
    for database, size in (("portal_small", SMALL), ("portal_large", LARGE)):
        with services.connect(database) as connection:
            if not connection.execute("SELECT 1 FROM directory_entries LIMIT 1").fetchone():
                say(f"filling in {size:,} listings")
                fill(connection, size)
    rounds, times = (7, 200) if full else (3, 100)
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in QUESTIONS}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in QUESTIONS}
    whole: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    large, small = Reader(services, "portal_large"), Reader(services, "portal_small")
    try:
        for name, ours, theirs in _rounds(large, small, rounds, times):
            for which, found in enumerate((seen, spent)):
                found[name].append((_at([one[which] for one in ours], 0.5), _at([one[which] for one in theirs], 0.5)))
            whole[name] += [one[0] for one in ours]
    finally:
        large.close()
        small.close()
    figures = []
    for name, what in QUESTIONS.items():
        title, note = f"{what}: p50, {LARGE:,} listings", f"limit: {SMALL:,}"
        figures.append(compared("D1", title, "us", seen[name], goal=1.5, at_least=False, note=note))
        figures.append(compared("D1", "… processor time", "us", spent[name], goal=1.5, at_least=False, note=note))
        figures.append(alone("D1", f"{what}: p99", "us", _at(whole[name], 0.99)))
    return figures


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"D1": d1}
