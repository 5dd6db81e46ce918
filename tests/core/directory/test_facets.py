"""Prices and towns narrow the search, and the numbers beside the filters say what another click would leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.directory.facets import Facets, count_facets
from core.directory.point import Point
from core.directory.prices import Span, marks_between, ranges_of, size_marks
from core.directory.products import archive_product
from core.directory.search import Wish, search
from core.directory.words import fold
from core.kernel.db import db
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


@given(st.lists(st.integers(1, 2**50), min_size=1, max_size=20), st.integers(0, 2**50), st.integers(0, 2**50))
def test_a_price_that_fits_is_among_the_sizes_that_are_looked_for(minors: list[int], one: int, other: int) -> None:
    low, high = sorted((one, other))
    fitting = [minor for minor in minors if low <= minor <= high]
    marks = set(marks_between(Span("GBP", low, high)))
    assert size_marks((minor, "GBP") for minor in fitting) <= marks
    assert size_marks((minor, "EUR") for minor in minors).isdisjoint(marks)


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
    assert counted(shop, Wish(words=unheard())) == Facets() == counted(shop, Wish(words="!!!"))
    assert counted(shop, Wish(words=word, price=Span("GBP", 2, 1))) == Facets()
