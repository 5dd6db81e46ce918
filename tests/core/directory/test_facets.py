"""Prices and towns narrow the search, and the numbers beside the filters say what another click would leave."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.directory.branches import BranchTerms, archive_branch, edit_branch
from core.directory.facets import Facets, count_facets
from core.directory.point import Point
from core.directory.prices import Span, marks_between, ranges_of, size_marks
from core.directory.products import archive_product
from core.directory.search import EARTH_METRES, RADII, Wish, search, within
from core.directory.words import fold
from core.kernel.db import db
from migrations import look_again
from tests.core.directory.stalls import BRISTOL, live_shop, make_branch, make_listing, make_product, unheard
from tests.factories import Shop, again, unit

NOON, NIGHT = datetime(2026, 11, 26, 12, tzinfo=UTC), datetime(2026, 11, 26, 3, tzinfo=UTC)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def found(shop: Shop, wish: Wish, at: datetime = NOON) -> list[str]:
    with unit(shop.app):
        return [hit.card["title"] for hit in search(wish, at=at).hits]


def counted(shop: Shop, wish: Wish, at: datetime = NOON, **how: Any) -> Facets:
    with unit(shop.app):
        return count_facets(wish, at=at, **how)


@given(st.lists(st.integers(1, 2**62), min_size=1, max_size=20), st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_price_that_fits_is_among_the_sizes_that_are_looked_for(minors: list[int], one: int, other: int) -> None:
    low, high = sorted((one, other))
    for least, most in ((low, high), (None, high), (low, None)):
        marks = set(marks_between(Span("GBP", least, most)))
        for minor in minors:
            if (least or 0) <= minor and (most is None or minor <= most):
                assert size_marks([(minor, "GBP")]) & marks, (minor, least, most)
            elif size_marks([(minor, "GBP")]) & marks:  # what does not fit is no further off than an eighth of what is asked for
                assert (least or 0) * 7 // 8 <= minor and (most is None or minor <= most * 9 // 8 + 1), (minor, least, most)
        assert size_marks((minor, "EUR") for minor in minors).isdisjoint(marks)
        assert len(marks) <= 64 + 14


def test_prices_are_written_as_postgresql_writes_them(app: Flask) -> None:
    prices = [(450, "GBP"), (451, "GBP"), (900, "GBP"), (5, "JPY")]
    assert ranges_of(prices) == {"GBP": "{[450,452),[900,901)}", "JPY": "{[5,6)}"}
    with unit(app):
        asked = text("SELECT CAST(range_agg(int8range(p, p, '[]')) AS text) FROM unnest(CAST(:prices AS int8[])) AS p")
        for currency, written in ranges_of(prices).items():
            assert db.session.scalar(asked, {"prices": [minor for minor, of in prices if of == currency]}) == written


def test_a_listing_is_found_by_a_price_it_really_has(shop: Shop) -> None:
    word = unheard()
    listing = make_listing(shop, title=word)
    make_product(shop, listing, price_minor=450)
    dear = make_product(shop, listing, name="Cake", price_minor=9_000)
    make_product(shop, listing, name="Wedding cake", price_minor=None)
    make_product(shop, listing, name="Secret", price_minor=2_000, publish=False)
    fits = [(None, 450), (450, 450), (400, 500), (8_999, None), (0, 10**12)]
    for least, most in fits:
        assert found(shop, Wish(words=word, price=Span("GBP", least, most))) == [word], (least, most)
    for least, most in [(451, 8_999), (None, 449), (9_001, None), (500, 400), (1_999, 2_001)]:  # between two prices there is none
        assert found(shop, Wish(words=word, price=Span("GBP", least, most))) == [], (least, most)
    assert found(shop, Wish(words=word, price=Span("EUR", 400, 500))) == []
    with unit(shop.app):
        archive_product(again(listing), again(dear), by="x")
    assert found(shop, Wish(words=word, price=Span("GBP", 8_000, None))) == []


def test_a_town_is_that_of_a_branch_which_fits_everything_else_too(shop: Shop) -> None:
    word, town = unheard(), unheard()
    listing = make_listing(shop, title=word)
    make_branch(shop, listing, town=town.title(), hours={})
    make_branch(shop, listing, town="Bristol")
    assert found(shop, Wish(words=word, town=fold(town))) == [word]
    assert found(shop, Wish(words=word, town="bristol", open_now=True)) == [word]
    assert found(shop, Wish(words=word, town=fold(town), open_now=True)) == []
    assert found(shop, Wish(words=word, town=fold(town), near=Point(*BRISTOL), radius_km=5)) == [word]


def test_a_town_without_a_branch_in_it_finds_nothing_any_more(shop: Shop) -> None:
    """By itself a town is found among the facts of the entry, which follow the branches."""
    word, town = unheard(), unheard()
    listing = make_listing(shop, title=word)
    assert found(shop, Wish(town=fold(town))) == []
    branch = make_branch(shop, listing, town=town.title())
    other = make_listing(shop, title=f"{word} gym", category="fitness")
    make_branch(shop, other, town=town.upper())
    assert found(shop, Wish(town=fold(town))) == [f"{word} gym", word]
    assert found(shop, Wish(town=fold(town), category="bakery")) == [word]
    told = counted(shop, Wish(town=fold(town)))
    assert (told.hits, told.open_now, told.categories) == (2, 2, {"bakery": 1, "fitness": 1})
    assert [(one.key, one.count) for one in told.towns] == [(fold(town), 2)]
    with unit(shop.app):
        archive_branch(again(listing), again(branch), by="x")
    assert found(shop, Wish(town=fold(town))) == [f"{word} gym"]


def test_a_town_is_named_as_it_is_written(shop: Shop) -> None:
    word, town = unheard(), unheard()
    listing = make_listing(shop, title=word)
    for name in ("Quay", "Hill"):
        make_branch(shop, listing, name=name, town=f"Saint {town.title()}")
    for wish in (Wish(words=word), Wish(words=word, open_now=True), Wish(words=word, near=Point(*BRISTOL)), Wish(town=f"saint {town}")):
        assert [(one.key, one.name, one.count) for one in counted(shop, wish).towns] == [(f"saint {town}", f"Saint {town.title()}", 1)]


def test_what_was_shown_before_there_were_marks_has_them_now(shop: Shop) -> None:
    """What the migration writes is what the act writes."""
    listing = make_listing(shop, title=unheard())
    for minor in (1, 2, 3, 7, 8, 15, 16, 450, 451, 452, 9_000, 10**9):
        make_product(shop, listing, name=f"For {minor}", price_minor=minor, attributes={"vegan": "yes"})
    make_branch(shop, listing, town=unheard())
    make_branch(shop, listing, town="Bath")
    migration = import_module("migrations.versions.0076_search_marks")
    asked = {
        "SELECT facts FROM directory_entries WHERE listing_id = :id":
            """UPDATE directory_entries SET facts = ARRAY(SELECT one FROM unnest(facts) AS one WHERE one NOT LIKE '@%' AND one NOT LIKE '~%/%')
               WHERE listing_id = :id""",
        "SELECT category, CAST(words AS text), facts FROM directory_places WHERE listing_id = :id ORDER BY branch_id":
            "UPDATE directory_places SET category = '', words = '', facts = '{}' WHERE listing_id = :id",
        "SELECT time_zone, week, cover, special FROM directory_entries WHERE listing_id = :id":
            "UPDATE directory_entries SET time_zone = '', week = '{}', cover = '{}', special = '{}' WHERE listing_id = :id",
    }  # fmt: skip
    other = make_listing(shop, title=unheard())
    make_branch(shop, other, exceptions={"2026-12-24": [[540, 780]]})
    for one in (listing, other):
        with unit(shop.app):
            written = [list(db.session.execute(text(what), {"id": one.id})) for what in asked]
            for forget in asked.values():
                db.session.execute(text(forget), {"id": one.id})
            assert [list(db.session.execute(text(what), {"id": one.id})) for what in asked] != written
            for _ in range(2):  # once more changes nothing
                key: Any = (listing.vendor_id, "", listing.id)
                while key and key[0] == listing.vendor_id:  # one entry after the other
                    step = {"vendor_id": key[0], "mode": key[1], "id": key[2], "most": 1}
                    key = db.session.connection().exec_driver_sql(migration.FILL, step).first()
                assert [list(db.session.execute(text(what), {"id": one.id})) for what in asked] == written


def test_what_an_older_process_wrote_is_mended_when_somebody_looks_again(shop: Shop) -> None:
    """Such a one knows neither the marks of an entry nor the words of a place."""
    word, town = unheard(), unheard()
    listing = make_listing(shop, title=word)
    make_branch(shop, listing, town=town)
    wishes = [Wish(words=word, town=fold(town)), Wish(words=word, near=Point(*BRISTOL))]
    with unit(shop.app):
        for table, told in (("directory_entries", "facts = '{}', time_zone = ''"), ("directory_places", "words = '', category = ''")):
            db.session.execute(text(f"UPDATE {table} SET {told} WHERE listing_id = :id"), {"id": listing.id})
    assert [found(shop, wish) for wish in wishes] == [[], []]
    look_again.main()
    assert [found(shop, wish) for wish in wishes] == [[word], [word]]


def test_of_one_branch_the_entry_knows_the_hours_and_of_several_the_places_do(shop: Shop) -> None:
    word = unheard()
    listing = make_listing(shop, title=word)
    first = make_branch(shop, listing)
    assert (found(shop, Wish(words=word, open_now=True)), counted(shop, Wish(words=word)).open_now) == ([word], 1)
    with unit(shop.app):
        edit_branch(
            again(listing),
            again(first),
            by="x",
            terms=BranchTerms(name="High Street", town="Bristol", country="GB", time_zone="Europe/London", hours={}),
        )
    assert (found(shop, Wish(words=word, open_now=True)), counted(shop, Wish(words=word)).open_now) == ([], 0)
    second = make_branch(shop, listing, name="Quay", town="Bath")
    assert (found(shop, Wish(words=word, open_now=True)), counted(shop, Wish(words=word)).open_now) == ([word], 1)
    assert counted(shop, Wish(words=word, town="bristol")).open_now == 0 and counted(shop, Wish(words=word, town="bath")).open_now == 1
    with unit(shop.app):
        archive_branch(again(listing), again(second), by="x")
    assert (found(shop, Wish(words=word, open_now=True)), counted(shop, Wish(words=word)).open_now) == ([], 0)


def test_near_a_place_everything_else_counts_as_it_does_anywhere(shop: Shop) -> None:
    """Words, category, facts and prices of a listing, judged by what its places know of it."""
    word = unheard()
    here = Wish(words=word, near=Point(*BRISTOL), radius_km=5)
    rye, gym = make_listing(shop, title=f"{word} rye"), make_listing(shop, title=f"{word} gym", category="fitness")
    for one in (rye, gym):
        make_branch(shop, one)
    make_product(shop, rye, attributes={"vegan": "yes"}, price_minor=450)
    make_product(shop, gym, name="Day pass", price_minor=900)
    for more, title in [({"category": "fitness"}, "gym"), ({"facts": ("vegan=yes",)}, "rye"), ({"price": Span("GBP", 800, 1_000)}, "gym"), ({"words": f"{word} rye"}, "rye")]:  # fmt: skip
        wish = replace(here, **more)
        assert found(shop, wish) == [f"{word} {title}"], more
        assert counted(shop, wish).hits == 1, more


def stalls(shop: Shop) -> str:
    """Three listings with the same word."""
    word = unheard()
    rye, plain, gym = (make_listing(shop, title=f"{word} {name}", category=kind) for name, kind in (("rye", "bakery"), ("plain", "bakery"), ("gym", "fitness")))  # fmt: skip
    make_product(shop, rye, attributes={"flour": "rye", "vegan": "yes"})
    make_product(shop, plain, attributes={"vegan": "yes", "contains": ["milk", "nuts"]})
    make_branch(shop, rye)
    make_branch(shop, rye, name="Quay")
    make_branch(shop, plain, town="Bath", at=(51_381_300, -2_359_000), hours={})
    make_branch(shop, gym, time_zone="Asia/Tokyo", at=None)
    return word


def test_what_was_found_is_counted_by_kind_town_fact_and_hours(shop: Shop) -> None:
    word = stalls(shop)
    told = counted(shop, Wish(words=word))
    assert (told.hits, told.is_more, told.categories, told.open_now) == (3, False, {"bakery": 2, "fitness": 1}, 1)
    assert told.facts == {"vegan=yes": 2, "flour=rye": 1, "contains=milk": 1, "contains=nuts": 1}  # and no mark of a price
    assert [(town.name, town.count) for town in told.towns] == [("Bristol", 2), ("Bath", 1)]  # two branches are one listing


def test_every_number_is_what_a_click_would_find(shop: Shop) -> None:
    """Under any filters at once: what is counted of a filter is what the search finds with that one too."""
    word = stalls(shop)
    wishes = [
        Wish(words=word), Wish(words=word, category="bakery"), Wish(words=word, facts=("vegan=yes",)), Wish(words=word, town="bristol"),
        Wish(words=word, open_now=True), Wish(words=word, near=Point(*BRISTOL), radius_km=50), Wish(words=word, price=Span("GBP", 400, 500)),
        Wish(words=word, near=Point(*BRISTOL), radius_km=5, open_now=True, category="bakery", price=Span("GBP", 1, None)),
        Wish(words=word, town="bath"), Wish(words=word, town="bristol", open_now=True), Wish(words=word, town="bath", near=Point(*BRISTOL), radius_km=50),
    ]  # fmt: skip
    for wish in wishes:
        for at in (NOON, NIGHT):
            told = counted(shop, wish, at)
            assert told.hits == len(found(shop, wish, at)), wish
            for fact, count in told.facts.items():
                assert len(found(shop, replace(wish, facts=(*wish.facts, fact)), at)) == count, (wish, fact)
            for town in told.towns:
                assert len(found(shop, replace(wish, town=town.key), at)) == town.count, (wish, town)
            for kind, count in told.categories.items():
                assert len(found(shop, replace(wish, category=kind), at)) == count, (wish, kind)
            assert len(found(shop, replace(wish, open_now=True), at)) == told.open_now, wish


def test_more_than_may_be_counted_is_said_and_not_counted(shop: Shop) -> None:
    word = stalls(shop)
    told = counted(shop, Wish(words=word), most=2)
    assert (told.hits, told.is_more, sum(told.categories.values())) == (2, True, 2)
    assert not counted(shop, Wish(words=word), most=3).is_more
    for wish in (Wish(words=word, near=Point(*BRISTOL), radius_km=50), Wish(words=word, open_now=True), Wish(words=word, town="bristol")):
        told = counted(shop, wish, most=1)
        there = len(found(shop, wish))
        assert (told.hits, told.is_more, sum(told.categories.values())) == (1, there > 1, 1), wish
        assert told.open_now <= 1 and max(one.count for one in told.towns) == 1
    assert counted(shop, Wish(words=unheard())) == Facets() == counted(shop, Wish(words="!!!"))
    assert counted(shop, Wish(words=word, price=Span("GBP", 2, 1))) == Facets()


def test_of_more_hits_near_a_place_than_are_counted_the_towns_are_those_of_the_counted(shop: Shop) -> None:
    word = unheard()
    wish = Wish(words=word, near=Point(*BRISTOL), radius_km=50)
    for town in ("Bristol", "Clifton", "Redland"):
        listing = make_listing(shop, title=f"{word} {town}")
        make_branch(shop, listing, town=town)
        make_branch(shop, listing, town="Bath", name="Quay", hours={})
        make_branch(shop, listing, town="Bath", name="Hill", hours={})
    told = counted(shop, wish)
    assert [(one.name, one.count) for one in told.towns] == [("Bath", 3), ("Bristol", 1), ("Clifton", 1), ("Redland", 1)]
    assert (told.hits, told.open_now) == (3, 3)  # one branch that is open is enough
    told = counted(shop, replace(wish, town="bath"))
    assert (told.hits, told.open_now, [(one.name, one.count) for one in told.towns]) == (3, 0, [("Bath", 3)])
    told = counted(shop, wish, most=2)
    assert (told.hits, told.is_more, told.towns[0].count, len(told.towns)) == (2, True, 2, 3)


LATITUDES, LONGITUDES = st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000)


@given(LATITUDES, LONGITUDES, st.sampled_from(RADII))
def test_a_square_that_nobody_measures_lies_within_the_circle(lat: int, lon: int, radius_km: int) -> None:
    """The furthest of it are its corners, and the middle of the side that is nearer to the equator."""
    values: dict[str, Any] = {}
    within(Point(lat, lon), radius_km, values)
    for north in (values["inner_south"], values["inner_north"], min(max(0, values["inner_south"]), values["inner_north"])):
        for east in (values["inner_west"], lon, values["inner_east"]):
            if abs(north) <= 90_000_000:
                assert distance((lat, lon), (north, east)) <= radius_km * 1_000, (north, east)


def distance(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Metres, by the arc between two directions: another way to the same than the search's."""
    a, b = (
        (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
        for lat, lon in ((math.radians(lat / 1e6), math.radians(lon / 1e6)) for lat, lon in (one, other))
    )
    return 2 * EARTH_METRES * math.asin(min(1.0, math.dist(a, b) / 2))


def test_at_the_edge_of_the_circle_the_numbers_are_those_of_the_search(shop: Shop) -> None:
    """Some inside of the square that is not measured, some between it and the circle, some outside."""
    word = unheard()
    for n, part in enumerate((0.0, 0.69, 0.705, 0.95, 0.999, 1.001, 1.2)):
        for side, (north, east) in enumerate(((1, 0), (0, 1), (0.7071, 0.7071), (-0.7071, 0.7071))):
            listing = make_listing(shop, title=f"{word} {n} {side}")
            reach = 5_000 * part / 0.111195
            make_branch(
                shop, listing, at=(BRISTOL[0] + int(reach * north), BRISTOL[1] + int(reach * east / math.cos(math.radians(51.4545))))
            )
    for radius in (2, 5, 10):
        wish = Wish(words=word, near=Point(*BRISTOL), radius_km=radius)
        with unit(shop.app):
            there = search(wish, at=NOON, limit=100).hits
        assert counted(shop, wish).hits == len(there) and all((hit.metres or 0) <= radius * 1_000 for hit in there)
    assert 4 * 4 <= counted(shop, replace(wish, radius_km=5)).hits < 4 * 6
