"""The directory in a real browser: from a draft to a payer who finds it, with and without scripts; and pages that everybody can use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.core.directory.stalls import live_shop, make_branch, make_image, make_listing, make_product, photograph, unheard
from tests.factories import Shop, make_link
from tests.sight import barriers_in_both, wider_than_screen

Visit = Callable[..., Page]


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app, business="Harbour Street Bakery")


def enter(page: Page, shop: Shop, address: str) -> Page:
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": address}])
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_draft_to_somebody_who_finds_it_and_pays(
    visitor: Visit, shop: Shop, live_server: str, work: Callable[[], int], scripts: bool
) -> None:
    word = unheard()
    make_link(shop, title="Weekend box")
    page = enter(visitor(scripts=scripts, phone=True), shop, live_server)
    page.goto("/portal/listings")
    page.get_by_role("link", name="New listing").first.click()
    page.get_by_label("Name", exact=True).fill(f"{word} bakery")
    page.get_by_label("Category").select_option("bakery")
    page.get_by_label("In one sentence").fill("Slow bread, baked at night.")
    page.get_by_label("Payment link behind the pay button").select_option(label="Weekend box")
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_role("link", name="Add a branch").click()
    page.get_by_label("Name of the branch").fill("Quay")
    page.get_by_label("Town").fill("Bristol")
    page.get_by_label("Latitude").fill("51.4545")
    page.get_by_label("Longitude").fill("-2.5879")
    page.get_by_label("Monday").fill("nine to five")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Monday")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Town")).to_have_value("Bristol")
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
        page.get_by_label(day).fill("00:00-24:00")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Add a product").click()
    page.get_by_label("Name", exact=True).fill("Rye loaf")
    page.get_by_label("Price").fill("4.50")
    page.get_by_label("Flour").select_option("rye")
    page.get_by_label("Milk").check()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Rye loaf").first).to_be_visible()
    page.get_by_role("link", name=f"{word} bakery").first.click()
    page.locator("#picture").set_input_files({"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photograph(exif=True)})
    page.locator("#alt").fill("A loaf on a board")
    page.get_by_role("button", name="Add the picture").click()
    expect(page.get_by_alt_text("A loaf on a board")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    work()
    payer = visitor(scripts=scripts)
    payer.goto("/directory")
    payer.get_by_label("What", exact=True).fill(f"{word[:4]}{word[5:]}")
    payer.get_by_label("Where", exact=True).fill("51.45, -2.59")
    payer.get_by_label("Open now").check()
    payer.get_by_role("button", name="Search").click()
    payer.get_by_role("link", name=f"{word} bakery").click()
    expect(payer.get_by_role("heading", level=1)).to_have_text(f"{word} bakery")
    expect(payer.get_by_text("Always open").first).to_be_visible()
    expect(payer.get_by_alt_text("A loaf on a board")).to_be_visible()
    payer.get_by_alt_text("A loaf on a board").scroll_into_view_if_needed()
    expect(payer.get_by_alt_text("A loaf on a board")).not_to_have_js_property("naturalWidth", 0)
    payer.get_by_role("link", name="Pay Harbour Street Bakery").click()
    expect(payer.get_by_text("Weekend box").first).to_be_visible()


def test_the_pages_are_free_of_barriers_and_fit_a_phone(visitor: Visit, shop: Shop, live_server: str) -> None:
    word = unheard()
    listing = make_listing(
        shop, title=word, link=make_link(shop).public_id, email="mo@example.com", phone="+44 117 496 0000", description="Since 1962."
    )
    make_branch(shop, listing, exceptions={"2026-12-25": []}), make_branch(shop, listing)
    product = make_product(shop, listing, attributes={"vegan": "yes", "flour": "rye", "contains": ["milk", "egg"]})
    make_image(shop, listing)
    mine = f"/portal/listings/{listing.public_id}"
    page, wrong = enter(visitor(phone=True), shop, live_server), []
    page.goto(f"/directory?q={word}")
    found = page.get_by_role("link", name=word).get_attribute("href")
    for path in (
        "/directory", f"/directory?q={word}&category=bakery&fact=vegan=yes", f"/directory?q={unheard()}", found, f"{found}/bristol-high-street", f"{found}?lang=ar",
        "/portal/listings", "/portal/listings/new", mine, f"{mine}/branches/new", f"{mine}/products", f"{mine}/products/{product.public_id}/edit", f"{mine}/preview",
    ):  # fmt: skip
        page.goto(str(path))
        wrong += [(path, found) for found in barriers_in_both(page)]
        assert not wider_than_screen(page), path
    assert wrong == []


def test_the_picture_of_a_photograph_needs_no_more_than_the_screen_shows(visitor: Visit, shop: Shop, work: Callable[[], int]) -> None:
    word = unheard()
    listing = make_listing(shop, title=word)
    make_image(shop, listing, size=(1500, 1000))
    work()
    page = visitor(phone=True)
    page.goto(f"/directory?q={word}")
    page.get_by_role("link", name=word).click()
    picture = page.locator(".listing-pictures img").first
    picture.scroll_into_view_if_needed()
    seen = "img => img.complete ? img.currentSrc : new Promise(done => img.addEventListener('load', () => done(img.currentSrc)))"
    assert picture.evaluate(seen).endswith("-640.webp")
