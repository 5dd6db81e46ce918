"""The portal's pages of the directory: making, mending and publishing a listing with its branches, products and pictures."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from core.directory.models import Branch, Listing, Product
from core.directory.standing import set_visible
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.core.directory.stalls import live_shop, make_branch, make_image, make_listing, make_product, photograph
from tests.factories import Shop, fresh, make_colleague, make_link, make_shop, unit
from tests.valid_html import problems_of_html


def only(shop: Shop, kind: type) -> object:
    with unit(shop.app):
        return db.session.query(kind).filter_by(vendor_id=shop.vendor.id).one()


def at(listing: Listing, rest: str = "") -> str:
    return f"/portal/listings/{listing.public_id}{rest}"


def press(browser: Browser, page: Page, action: str) -> Page:
    return browser.submit(page.form(action))


def test_a_listing_is_made_completed_and_published(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Weekend box")
    empty = owner.get("/portal/listings")
    assert "Not in the directory yet" in empty.text
    form = owner.get("/portal/listings/new").form("/portal/listings/new")
    made = owner.submit(form, title="Blue Door", category="bakery", summary="Slow bread", website="blue-door.example", link=link.public_id)
    listing = only(shop, Listing)
    assert isinstance(listing, Listing) and made.heading == "Blue Door" and "Draft" in made.text
    assert listing.website == "https://blue-door.example" and "Weekend box" in made.text
    branch = owner.get(at(listing, "/branches/new")).form()
    assert branch.values["country"] == "GB" and branch.values["time_zone"] == "Europe/London"
    owner.submit(branch, name="Quay", town="Bristol", lat="51.4545", lon="-2.5879", hours_4="18:00-02:00", exceptions="2026-12-25 closed")
    kept = only(shop, Branch)
    assert isinstance(kept, Branch) and kept.hours == {"4": [[1080, 1560]]} and kept.exceptions == {"2026-12-25": []}
    product = owner.get(at(listing, "/products/new")).form()
    owner.submit(product, name="Rye", price="4.50", attr_flour="rye", attr_weight="800", attr_contains=["milk", "nuts"], publish="1")
    loaf = only(shop, Product)
    assert isinstance(loaf, Product) and loaf.state == "published" and loaf.price_minor == 450
    assert loaf.attributes == {"flour": "rye", "weight": "800", "contains": ["milk", "nuts"]}
    done = press(owner, owner.get(at(listing)), at(listing, "/do/publish"))
    assert "It is in the directory now." in done.notices
    assert fresh(shop, listing).state == "published"


@pytest.mark.parametrize(
    ("page", "typed", "field", "words"),
    [
        ("/portal/listings/new", {"title": ""}, "title", "Write the name"),
        ("/portal/listings/new", {"website": "ftp://x"}, "website", "Write an address"),
        ("/portal/listings/new", {"email": "mo"}, "email", "name@example.com"),
        ("/branches/new", {"hours_2": "nine to five"}, "hours_2", "Write times like"),
        ("/branches/new", {"exceptions": "Christmas closed"}, "exceptions", "Christmas"),
        ("/branches/new", {"lat": "north", "lon": "0"}, "lat", "Write degrees"),
        ("/branches/new", {"lat": "51"}, "lon", "both latitude and longitude"),
        ("/products/new", {"attr_weight": "heavy"}, "attr_weight", "Write a number"),
        ("/products/new", {"price": "lots"}, "price", ""),
        ("/products/new", {"name": ""}, "name", "Give the product a name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    shop: Shop, owner: Browser, page: str, typed: dict[str, str], field: str, words: str
) -> None:
    path = page if page.startswith("/portal") else at(make_listing(shop), page)
    good = {
        "title": "Blue Door",
        "category": "bakery",
        "summary": "Kept text",
        "name": "Kept text",
        "town": "Kept text",
        "description": "Kept text",
    }
    form = owner.get(path).form()
    answer = owner.submit(form, status=422, **{name: value for name, value in (good | typed).items() if name in form.values})
    wrong = next(e for e in answer.elements if e.attrs.get("name") == field)
    assert wrong.attrs.get("aria-invalid") == "true" and any(words in error for error in answer.errors), answer.errors
    assert "Kept text" in answer.html and answer.error_summary


def test_what_was_kept_stands_in_the_forms_again(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop, email="mo@example.com")
    branch = make_branch(shop, listing, hours={"4": [[1080, 1560]]}, exceptions={"2030-12-25": []})
    product = make_product(shop, listing, attributes={"flour": "rye", "contains": ["egg", "nuts"]})
    assert owner.get(at(listing, "/edit")).form().values["email"] == "mo@example.com"
    there = owner.get(at(listing, f"/branches/{branch.public_id}/edit")).form()
    assert (there.values["hours_4"], there.values["exceptions"], there.values["lat"]) == ("18:00-02:00", "2030-12-25 closed", "51.4545")
    page = owner.get(at(listing, f"/products/{product.public_id}/edit"))
    form = page.form()
    assert (form.values["price"], form.values["attr_flour"], form.values["attr_contains"]) == ("4.50", "rye", ["egg", "nuts"])
    owner.submit(form, name="Rye and oats")
    assert fresh(shop, product).attributes == {"flour": "rye", "contains": ["egg", "nuts"]} and fresh(shop, product).name == "Rye and oats"


def test_putting_away_can_be_undone(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop)
    branch, product = make_branch(shop, listing), make_product(shop, listing)
    for row, path in ((branch, f"/branches/{branch.public_id}"), (product, f"/products/{product.public_id}"), (listing, "")):
        page = press(owner, owner.get(at(listing)), at(listing, f"{path}/do/archive"))
        assert fresh(shop, row).archived_at is not None
        press(owner, page, at(listing, f"{path}/do/unarchive"))
        assert fresh(shop, row).archived_at is None


def test_products_are_published_and_made_drafts_again(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop)
    product = make_product(shop, listing, publish=False)
    do = at(listing, f"/products/{product.public_id}/do/")
    page = press(owner, owner.get(at(listing, "/products")), do + "publish")
    assert fresh(shop, product).state == "published"
    press(owner, page, do + "unpublish")
    assert fresh(shop, product).state == "draft"
    assert "Rye loaf" in owner.get(at(listing, "/products?state=draft&q=rye")).text
    assert "No product fits" in owner.get(at(listing, "/products?state=published")).text


def send(browser: Browser, listing: Listing, data: bytes, alt: str = "Our oven") -> Page:
    token = browser.get(at(listing)).form("/sign-out").values["csrf_token"]
    answer = browser.client.post(
        at(listing, "/images"), data={"csrf_token": token, "alt": alt, "picture": (io.BytesIO(data), "p.jpg")}, follow_redirects=True
    )
    return Page(answer, at(listing, "/images"))


def test_a_picture_is_sent_described_moved_and_taken_away(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop)
    assert "The picture is added." in send(owner, listing, photograph()).notices
    page = send(owner, listing, photograph(), alt="Our shop")
    shown = [e for e in page.all("img") if "/images/" in e.attrs["src"]]
    assert [e.attrs["alt"] for e in shown] == ["Our oven", "Our shop"]
    answer = owner.client.get(shown[0].attrs["src"])
    assert answer.mimetype == "image/webp" and answer.data[8:12] == b"WEBP"
    first = shown[0].attrs["src"].split("/images/")[1].split("-")[0]
    page = press(owner, page, at(listing, f"/images/{first}/do/down"))
    assert [e.attrs["alt"] for e in page.all("img") if "/images/" in e.attrs["src"]] == ["Our shop", "Our oven"]
    wrong = owner.submit(page.form(at(listing, f"/images/{first}/words")), alt=" ", status=422)
    assert any("cannot see the picture" in error for error in wrong.errors)
    page = owner.submit(page.form(at(listing, f"/images/{first}/words")), alt="The new oven")
    page = press(owner, page, at(listing, f"/images/{first}/do/remove"))
    assert [e.attrs["alt"] for e in page.all("img") if "/images/" in e.attrs["src"]] == ["Our shop"]


@pytest.mark.parametrize(
    ("data", "alt", "words"),
    [(b"no picture", "Our oven", "Only pictures"), (b"", "Our oven", "Choose a picture"), (photograph(), "", "Say what is")],
)
def test_a_bad_picture_is_refused_and_its_words_are_kept(shop: Shop, owner: Browser, data: bytes, alt: str, words: str) -> None:
    page = send(owner, make_listing(shop), data, alt)
    assert page.status == 422 and any(words in error for error in page.errors), page.errors
    assert next(e for e in page.elements if e.attrs.get("id") == "alt").attrs["value"] == alt


def test_the_preview_shows_a_draft_to_its_vendor(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop, publish=False, description="Since 1962.")
    make_branch(shop, listing)
    make_product(shop, listing, attributes={"vegan": "yes"})
    make_image(shop, listing)
    page = owner.get(at(listing, "/preview"))
    assert page.heading == "Blue Door Bakery" and "preview" in page.text.lower() and "Since 1962." in page.text and "Vegan" in page.text
    assert page.all("meta", name_="robots")[0].attrs["content"].startswith("noindex") and not page.all("link", rel="canonical")
    assert owner.client.get(next(e for e in page.all("img")).attrs["src"]).status_code == 200


def test_a_taken_out_listing_says_why_and_can_ask_for_another_look(app: Flask) -> None:
    from core.directory.moderate import withdraw_listing
    from tests.factories import again

    shop = live_shop(app)
    owner, listing = shop.browser(), make_listing(shop)
    with unit(app):
        withdraw_listing(again(listing), by="stf_x", reason="The address is another business’s.")
    page = owner.get(at(listing))
    assert "The address is another business’s." in page.text
    page = press(owner, page, at(listing, "/do/review"))
    assert "You asked them to look again" in page.text and fresh(shop, listing).review_asked_at


def test_a_refusal_is_shown_on_the_listings_own_page(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop, publish=False, summary="")
    page = owner.submit(owner.get(at(listing)).form(at(listing, "/do/publish")), status=422)
    assert page.heading == "Blue Door Bakery" and any("one sentence" in line for line in page.error_summary)


def test_a_hidden_vendor_is_told_so(app: Flask) -> None:
    shop = live_shop(app)
    listing = make_listing(shop)
    with unit(app):
        set_visible(shop.vendor, "live", visible=False, reason="hibernating", by="system")
    for path in ("/portal/listings", at(listing)):
        assert "Your plan hibernates" in shop.browser().get(path).text


def test_nobody_reaches_another_vendors_things(app: Flask, shop: Shop) -> None:
    theirs = make_shop(app)
    listing = make_listing(theirs)
    branch, product, image = make_branch(theirs, listing), make_product(theirs, listing), make_image(theirs, listing)
    mine, stranger = make_listing(shop), shop.browser()
    token = stranger.get("/portal/").form("/sign-out").values["csrf_token"]
    rests = [
        f"/branches/{branch.public_id}/edit", f"/branches/{branch.public_id}/do/archive", f"/products/{product.public_id}/edit",
        f"/products/{product.public_id}/do/archive", f"/images/{image.public_id}/do/remove", f"/images/{image.public_id}/words",
        f"/images/{image.public_id}-320.webp", "/do/archive", "/preview", "/images",
    ]  # fmt: skip
    for owner_of in (listing, mine):
        for rest in rests[:7] if owner_of is mine else rests:
            for answer in (stranger.client.get(at(owner_of, rest)), stranger.client.post(at(owner_of, rest), data={"csrf_token": token})):
                assert answer.status_code in (404, 405), (rest, answer.status_code)
    assert fresh(theirs, listing).archived_at is None and fresh(theirs, branch).archived_at is None
    assert stranger.client.post(at(mine, "/do/explode"), data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize(("role", "may"), [("manager", True), ("accountant", False), ("support", False)])
def test_only_some_roles_change_the_directory(shop: Shop, role: str, may: bool) -> None:
    listing, browser = make_listing(shop), make_colleague(shop, role).browser()
    make_product(shop, listing)
    browser.get(at(listing)), browser.get(at(listing, "/products"))
    browser.get("/portal/listings/new", status=200 if may else 403)
    assert bool(browser.get(at(listing)).all("form", action=at(listing, "/do/archive"))) is may


def test_the_pages_are_valid_html(shop: Shop, owner: Browser) -> None:
    listing = make_listing(shop)
    branch, product = make_branch(shop, listing), make_product(shop, listing)
    make_image(shop, listing)
    for path in (
        "/portal/listings", "/portal/listings/new", at(listing), at(listing, "/edit"), at(listing, "/branches/new"), at(listing, "/products"),
        at(listing, f"/branches/{branch.public_id}/edit"), at(listing, "/products/new"), at(listing, f"/products/{product.public_id}/edit"),
        at(listing, "/preview"),
    ):  # fmt: skip
        assert problems_of_html(owner.get(path).html) == [], path
