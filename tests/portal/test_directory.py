"""The public directory: what anybody finds and reads, what search engines read, and that what is hidden is gone at the next request."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from core.directory.index import address_of
from core.directory.listings import ListingTerms, edit_listing, unpublish_listing
from core.directory.models import Listing
from core.directory.moderate import withdraw_listing
from core.directory.standing import set_visible
from core.kernel.clock import frozen
from core.payments.link import pause_link
from tests.browser import Browser, Page
from tests.core.directory.stalls import live_shop, make_branch, make_image, make_listing, make_product, unheard
from tests.factories import Shop, again, make_link, make_shop, unit
from tests.valid_html import problems_of_html


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def path_of(shop: Shop, listing: Listing) -> str:
    with unit(shop.app):
        return f"/directory/{address_of(again(listing))}"


def titles(page: Page) -> list[str]:
    return [e.text for e in page.all("h2") if any("hit" in p.attrs.get("class", "").split() for p in e.parents)]


def structured(page: Page) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json" nonce="[^"]+">(.*?)</script>', page.html, re.S)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_anybody_finds_a_listing_and_reads_it(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    link = make_link(shop, title="Weekend box")
    listing = make_listing(shop, title=f"{word} Bakery", link=link.public_id, description="Since 1962.", website="https://www.example.com")
    make_branch(shop, listing, name="Quay")
    make_product(shop, listing, name="Rye", attributes={"flour": "rye", "contains": ["milk"], "weight": "800"})
    make_product(shop, listing, name="A secret", publish=False)
    page = stranger.get(f"/directory?q={word}")
    assert titles(page) == [f"{word} Bakery"] and "Bristol" in page.text and "from £4.50" in page.text
    page = stranger.get(path_of(shop, listing))
    assert page.heading == f"{word} Bakery" and "A secret" not in page.text
    for words in ("Since 1962.", "Rye", "£4.50", "Flour", "800 g", "Milk", "Quay", "Monday", "09:00–17:00", "United Kingdom"):
        assert words in page.text, words
    pay = next(e for e in page.all("a") if e.text.startswith("Pay "))
    assert pay.attrs["href"].endswith("?ref=directory")
    assert (
        "Weekend box"
        in stranger.get(
            pay.attrs["href"].replace("http://127.0.0.1", "").partition("/pay/")[1] + pay.attrs["href"].partition("/pay/")[2]
        ).text
    )


def test_a_branch_has_a_page_of_its_own(shop: Shop, stranger: Browser) -> None:
    listing = make_listing(shop)
    one, two = make_branch(shop, listing, name="Quay"), make_branch(shop, listing, name="Station", phone="+44 117 496 0000")
    page = stranger.get(f"{path_of(shop, listing)}/{two.slug}")
    assert page.heading == "Blue Door Bakery, Station" and "Other branches" in page.text and "+44 117 496 0000" in page.text
    stranger.get(f"{path_of(shop, listing)}/{one.slug}x", status=404)
    assert {e.attrs["href"] for e in page.all("a")} >= {path_of(shop, listing), f"{path_of(shop, listing)}/{one.slug}"}


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-27T12:00", "Open until 17:00"),
        ("2026-11-27T08:00", "Closed, opens at 09:00"),
        ("2026-11-27T20:00", "Closed, opens Monday at 09:00"),
    ],
)
def test_it_says_whether_it_is_open(shop: Shop, stranger: Browser, at: str, words: str) -> None:
    listing = make_listing(shop)
    make_branch(shop, listing, hours={str(day): [[540, 1020]] for day in range(5)})
    with frozen(datetime.fromisoformat(at).replace(tzinfo=UTC)):
        assert words in stranger.get(path_of(shop, listing)).text


def test_search_engines_read_what_people_read(shop: Shop, stranger: Browser) -> None:
    listing = make_listing(shop, title="Blue </script><script>alert(1)</script> Door", phone="+44 117 496 0000")
    branch = make_branch(
        shop, listing, street="1 High Street", hours={"4": [[1080, 1560]], "5": [[0, 1440]]}, exceptions={"2030-12-25": []}
    )
    make_product(shop, listing)
    make_image(shop, listing)
    page = stranger.get(path_of(shop, listing))
    said = structured(page)
    assert said["@type"] == "Bakery" and said["name"] == listing.title and said["address"]["streetAddress"] == "1 High Street"
    assert said["geo"] == {"@type": "GeoCoordinates", "latitude": "51.4545", "longitude": "-2.5879"}
    assert said["openingHoursSpecification"][0] | {"@type": ""} == {"@type": "", "dayOfWeek": "Friday", "opens": "18:00", "closes": "02:00"}
    assert said["openingHoursSpecification"][1]["closes"] == "23:59"
    assert said["specialOpeningHoursSpecification"][0]["validFrom"] == "2030-12-25"
    assert said["makesOffer"][0]["price"] == "4.50" and said["image"][0].endswith(".webp")
    canonical = page.all("link", rel="canonical")[0].attrs["href"]
    assert canonical == said["url"] and canonical.endswith(path_of(shop, listing))
    other = structured(stranger.get(f"{path_of(shop, listing)}/{branch.slug}"))
    assert other["url"] == f"{canonical}/{branch.slug}" and other["parentOrganization"]["url"] == canonical
    make_branch(shop, listing, name="Quay")
    assert len(structured(stranger.get(path_of(shop, listing)))["department"]) == 2


def test_an_old_name_leads_to_the_new_address(shop: Shop, stranger: Browser) -> None:
    listing = make_listing(shop, title="Old name")
    before = path_of(shop, listing)
    with unit(shop.app):
        edit_listing(again(listing), by="x", terms=ListingTerms("New name", "bakery", summary="s"))
    answer = stranger.client.get(before)
    assert (
        answer.status_code == 301 and answer.headers["Location"].endswith(path_of(shop, listing)) and "new-name-" in path_of(shop, listing)
    )
    assert stranger.get(before).heading == "New name"


def hide(shop: Shop, listing: Listing, how: str) -> None:
    with unit(shop.app):
        if how == "vendor hidden":
            set_visible(shop.vendor, "live", visible=False, reason="suspended", by="system")
        elif how == "unpublished":
            unpublish_listing(again(listing), by="x")
        else:
            withdraw_listing(again(listing), by="stf_x", reason="Another business’s picture")


@pytest.mark.parametrize("how", ["vendor hidden", "unpublished", "withdrawn"])
def test_what_is_hidden_is_gone_at_the_next_request(shop: Shop, stranger: Browser, how: str) -> None:
    word = unheard()
    listing = make_listing(shop, title=word)
    branch, image = make_branch(shop, listing), make_image(shop, listing)
    addresses = [path_of(shop, listing), f"{path_of(shop, listing)}/{branch.slug}", f"/directory/pictures/{image.public_id}-320.webp"]
    for _ in range(2):  # the second time it is a kept page that is hidden
        assert titles(stranger.get(f"/directory?q={word}")) == [word]
        assert [stranger.client.get(address).status_code for address in addresses] == [200, 200, 200]
    hide(shop, listing, how)
    assert titles(stranger.get(f"/directory?q={word}")) == []
    nothing = stranger.get("/directory/nobody-here-23456789ab", status=404)
    for address in addresses:
        page = stranger.get(address, status=404)
        told = [re.sub(r"req_[0-9A-Za-z]+", "", one.text) for one in (page, nothing)]  # each request has its own number
        assert told[0] == told[1], "nobody learns that there was something"


def test_a_change_is_seen_at_the_next_request(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    listing = make_listing(shop, title=f"{word} first")
    path = path_of(shop, listing)
    for n in range(3):
        assert stranger.get(path).heading.startswith(f"{word} ") and titles(stranger.get(f"/directory?q={word}")) == [
            f"{word} {'first' if not n else n - 1}"
        ]
        with unit(shop.app):
            edit_listing(again(listing), by="x", terms=ListingTerms(f"{word} {n}", "bakery", summary="s"))
        assert stranger.get(path).heading == f"{word} {n}"


def test_a_test_listing_and_a_draft_are_nowhere(app: Flask, shop: Shop, stranger: Browser) -> None:
    word, tested = unheard(), make_shop(app)
    for listing in (make_listing(tested, title=word), make_listing(shop, title=word, publish=False)):
        stranger.get(path_of(shop, listing), status=404)
    assert titles(stranger.get(f"/directory?q={word}")) == []


def test_there_is_a_pay_button_only_while_the_link_takes_payments(shop: Shop, stranger: Browser) -> None:
    link = make_link(shop)
    listing = make_listing(shop, link=link.public_id)
    assert any(e.text.startswith("Pay ") for e in stranger.get(path_of(shop, listing)).all("a"))
    with unit(shop.app):
        pause_link(again(link), by="x")
        edit_listing(again(listing), by="x", terms=ListingTerms("Blue Door", "bakery", summary="s", link=link.public_id))
    assert not any(e.text.startswith("Pay ") for e in stranger.get(path_of(shop, listing)).all("a"))


def test_the_search_is_narrowed_and_goes_on(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    for n in range(23):
        listing = make_listing(shop, title=f"{word} {n}", category="bakery" if n else "fitness")
        if n == 5:
            make_product(shop, listing, attributes={"vegan": "yes"})
            make_branch(shop, listing, town=word)
    first = stranger.get(f"/directory?q={word}")
    assert len(titles(first)) == 20
    more = next(e.attrs["href"] for e in first.all("a") if e.text == "More")
    assert len(titles(stranger.get(more))) == 3
    mended = stranger.get(f"/directory?q={word[:4]}{word[5:]}")
    more = next(e.attrs["href"] for e in mended.all("a") if e.text == "More")
    assert titles(mended) == titles(first) and len(titles(stranger.get(more))) == 3  # of the word that was meant
    assert len(titles(stranger.get(f"/directory?q={word}&category=fitness"))) == 1
    narrowed = stranger.get(f"/directory?q={word}&category=bakery&fact=vegan=yes")
    assert titles(narrowed) == [f"{word} 5"] and next(e for e in narrowed.all("input", value="vegan=yes")).attrs.get("checked") is not None
    assert titles(stranger.get(f"/directory?near={word}&radius=2&q={word}")) == [f"{word} 5"]
    assert titles(stranger.get(f"/directory?near={word}&radius=2&open=y&q=nothing-{unheard()}")) == []
    wrong = stranger.get(f"/directory?near={unheard()}")
    assert any("We know no such place" in error for error in wrong.errors)


def test_slips_are_said(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    make_listing(shop, title=f"{word} oven")
    typed = word[:4] + word[5:]
    page = stranger.get(f"/directory?q={typed}")
    assert titles(page) == [f"{word} oven"] and f"Nothing is called “{typed}”" in page.text


def test_the_map_of_the_site_names_what_is_shown(shop: Shop, stranger: Browser) -> None:
    listing, draft = make_listing(shop), make_listing(shop, publish=False)
    index = stranger.client.get("/sitemap.xml").get_data(as_text=True)
    parts = re.findall(r"<loc>(?:http://[^/]+)([^<]+)</loc>", index)
    whole = "".join(stranger.client.get(part).get_data(as_text=True) for part in parts)
    assert f"{path_of(shop, listing)}</loc><lastmod>" in whole and path_of(shop, draft) not in whole
    assert "/directory/category/bakery</loc>" in whole
    robots = stranger.client.get("/robots.txt").get_data(as_text=True)
    assert "Disallow: /pay/" in robots and "/sitemap.xml" in robots
    for wrong in ("x", "0" * 31):
        stranger.get(f"/directory/sitemap-{wrong}.xml", status=404)


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Geöffnet bis 17:00"), ("fr", "Ouvert jusqu’à 17:00"), ("ar", "مفتوح حتى 17:00"), ("ja", "17:00まで営業")],
)
def test_it_speaks_the_readers_language(shop: Shop, app: Flask, language: str, words: str) -> None:
    listing = make_listing(shop)
    make_branch(shop, listing)
    make_product(shop, listing, attributes={"vegan": "yes"})
    with frozen(datetime(2026, 11, 27, 12, tzinfo=UTC)):
        page = Browser(app).get(f"{path_of(shop, listing)}?lang={language}")
    assert words in re.sub("[\u2066-\u2069]", "", page.text) and page.all("html")[0].attrs["lang"] == language
    assert page.all("html")[0].attrs["dir"] == ("rtl" if language == "ar" else "ltr")
    assert "Vegan" not in page.text or language == "de"


def test_the_pages_are_valid_html(shop: Shop, stranger: Browser) -> None:
    word = unheard()
    listing = make_listing(shop, title=word, link=make_link(shop).public_id, email="mo@example.com", phone="+44 117 496 0000")
    make_branch(shop, listing, exceptions={"2026-12-25": []}), make_branch(shop, listing)
    make_product(shop, listing, attributes={"vegan": "yes", "flour": "rye"})
    make_image(shop, listing)
    for path in (
        "/directory", f"/directory?q={word}", "/directory/category/bakery", f"/directory?q={unheard()}", "/directory?near=nowhere-at-all", path_of(shop, listing),
        f"{path_of(shop, listing)}/bristol-high-street",
    ):  # fmt: skip
        assert problems_of_html(stranger.get(path).html) == [], path
    stranger.get("/directory/category/nothing", status=404)
    assert "noindex" in stranger.get(f"/directory?q={word}").html and "noindex" not in stranger.get("/directory/category/bakery").html
