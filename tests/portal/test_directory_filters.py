"""The filters of the public search: price, town and what a category knows, with honest numbers, and without a script."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from core.directory.facets import MOST_HITS
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.core.directory.stalls import live_shop, make_branch, make_listing, make_product, unheard
from tests.factories import Shop, unit
from tests.valid_html import problems_of_html


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def titles(page: Page) -> list[str]:
    return [e.text for e in page.all("h2") if any("hit" in p.attrs.get("class", "").split() for p in e.parents)]


def typed(page: Page, name: str) -> str:
    """What stands in a field of the search."""
    return next(e.attrs.get("value", "") for e in page.all("input", name_=name) if e.attrs.get("type") != "radio" or "checked" in e.attrs)


def market(shop: Shop) -> str:
    word = unheard()
    jug, bowl = make_listing(shop, title=f"{word} jug", category="crafts"), make_listing(shop, title=f"{word} bowl", category="crafts")
    make_product(shop, jug, price_minor=4_500, attributes={"colour": "blue", "handmade": "yes"})
    make_product(shop, bowl, price_minor=900, attributes={"colour": "green", "handmade": "yes"})
    make_branch(shop, jug)
    make_branch(shop, bowl, town="Bath")
    return word


def test_a_price_narrows_the_search_and_stays_in_the_form(shop: Shop, stranger: Browser) -> None:
    word = market(shop)
    page = stranger.get(f"/directory?q={word}&price_from=10&price_to=50.00&currency=GBP")
    assert titles(page) == [f"{word} jug"] and typed(page, "price_from") == "10"
    assert titles(stranger.get(f"/directory?q={word}&price_to=9.00")) == [f"{word} bowl"]
    assert titles(stranger.get(f"/directory?q={word}&price_to=9.00&currency=EUR")) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("price_from=lots", ""), ("price_from=9&price_to=5", "The highest price is below the lowest."),
        ("price_to=5&currency=XXX", "Choose a currency from the list."), ("price_to=5.001", ""),
    ],
)  # fmt: skip
def test_a_price_that_is_none_is_said_at_its_field(shop: Shop, stranger: Browser, query: str, words: str) -> None:
    page = stranger.get(f"/directory?q=bread&{query}")
    assert page.errors and any(words in error for error in page.errors) and typed(page, "q") == "bread"
    assert problems_of_html(page.html) == []


def test_the_numbers_are_those_of_what_was_found(shop: Shop, stranger: Browser) -> None:
    word = market(shop)
    page = stranger.get(f"/directory?q={word}")
    for words in ("2 were found", "Bath (1)", "Bristol (1)", "Crafts"):
        assert words in page.text, words
    assert [e.text for e in page.all("option") if e.text.endswith("(2)")]
    page = stranger.get(f"/directory?q={word}&category=crafts")
    for words in ("Blue (1)", "Green (1)", "Yes (2)"):
        assert words in page.text, words
    assert "Red (" not in page.text  # a click that would find nothing is not offered
    one = stranger.get(f"/directory?q={word}&category=crafts&fact=colour%3Dblue")
    assert (
        titles(one) == [f"{word} jug"]
        and "Green (" not in one.text
        and one.all("input", value="colour=blue")[0].attrs.get("checked") is not None
    )
    assert problems_of_html(one.html) == []


MANY = """WITH made AS (
              INSERT INTO listings
              SELECT (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid(), 'public_id', 'lst_' || left(md5(random() || ''), 22),
                                                                  'handle', left(md5(random() || ''), 12)))).*
              FROM listings l, generate_series(1, :more) WHERE l.id = :id RETURNING id)
          INSERT INTO directory_entries
          SELECT (jsonb_populate_record(e, jsonb_build_object('listing_id', made.id))).* FROM directory_entries e, made WHERE e.listing_id = :id"""


def test_where_counting_ends_is_said_and_the_numbers_are_of_so_many(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    listing = make_listing(shop, title=word, category="crafts")
    for more, said in [
        (MOST_HITS - 1, f"{MOST_HITS} were found. The numbers in brackets say how many are left"),
        (1, f"More than {MOST_HITS} were found. The numbers in brackets count {MOST_HITS} of them."),
    ]:
        with unit(shop.app):
            db.session.execute(text(MANY), {"id": listing.id, "more": more})
            db.session.execute(text("UPDATE directory_pulse SET version = version + 1"))
        page = stranger.get(f"/directory?q={word}")
        assert said in page.text and [e.text for e in page.all("option") if e.text.endswith(f"({MOST_HITS})")], more
    with unit(shop.app):  # tests share the directory
        for table, column in (("directory_entries", "listing_id"), ("listings", "id")):
            db.session.execute(text(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM listings WHERE title = :word) AND {column} <> :id"), {"word": word, "id": listing.id})  # fmt: skip


def test_a_town_is_chosen_and_left_again(shop: Shop, stranger: Browser) -> None:
    word = market(shop)
    page = stranger.get(f"/directory?q={word}&town=bath")
    assert titles(page) == [f"{word} bowl"] and typed(page, "town") == "bath"
    assert titles(stranger.get(f"/directory?q={word}&town=")) == [f"{word} bowl", f"{word} jug"]
    assert titles(stranger.get(f"/directory?q={word}&town=%00")) == [f"{word} bowl", f"{word} jug"]
    assert titles(stranger.get(f"/directory?q={word}&town=Nowhere")) == []


def test_the_next_page_keeps_every_filter(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    for n in range(21):
        listing = make_listing(shop, title=f"{word} {n}", category="crafts")
        make_product(shop, listing, price_minor=4_500, attributes={"handmade": "yes"})
    page = stranger.get(f"/directory?q={word}&category=crafts&price_from=40&fact=handmade%3Dyes")
    assert "21 were found" in page.text and len(titles(page)) == 20
    more = next(e.attrs["href"] for e in page.all("a", rel="next"))
    for part in ("price_from=40", "currency=GBP", "handmade%3Dyes", "category=crafts"):
        assert part in more
    assert titles(stranger.get(more)) == [f"{word} 0"]


def test_a_colour_is_shown_with_its_sign(shop: Shop, stranger: Browser) -> None:
    word = market(shop)
    page = stranger.get(next(e.attrs["href"] for e in stranger.get(f"/directory?q={word}+jug").all("a") if word in e.text))
    assert "Colour" in page.text and "Blue" in page.text and page.all("circle", fill="#1f5fbf")
