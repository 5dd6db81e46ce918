"""P-11: while a plan is suspended, or has ended, everything of a vendor's in the directory can be read and taken away, and nothing of it changed."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from typing import Any

import pytest
from flask import Flask

from core.billing.wishes import Reactivate
from core.directory.models import Branch, Listing, ListingImage, Product
from core.kernel.db import db
from tests.browser import Browser
from tests.core.directory.stalls import make_branch, make_image, make_listing, make_product, photograph
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit
from tests.portal.plan_pages import life_of, looking

ENDS = date(2026, 12, 18)


@pytest.fixture(scope="module")
def life(app: Flask) -> Life:
    """A bakery with everything, suspended since yesterday."""
    publish(app)
    made = life_of(app, "pro")
    listing = make_listing(made.shop)
    make_branch(made.shop, listing)
    make_product(made.shop, listing, name="=1+1 rye")
    make_image(made.shop, listing)
    made.to(ENDS, pays="no")
    assert made.state().status == "suspended"
    return made


def one(life: Life, kind: type[Any]) -> Any:
    with unit(life.app):
        return db.session.query(kind).filter_by(vendor_id=life.shop.vendor.id).one()


def forms_of(life: Life) -> dict[str, dict[str, str]]:
    """Every address at which something of the directory is changed, with what would be sent there."""
    listing, branch, product, image = (one(life, kind) for kind in (Listing, Branch, Product, ListingImage))
    at = f"/portal/listings/{listing.public_id}"
    places = [f"{at}/branches/{branch.public_id}", f"{at}/products/{product.public_id}"]
    return {
        "/portal/listings/new": {"title": "Another", "category": "bakery"},
        f"{at}/edit": {"title": "Renamed", "category": "bakery", "summary": "Other"},
        **{f"{at}/do/{act}": {} for act in ("unpublish", "archive")},
        f"{at}/branches/new": {"name": "Two", "town": "Bath", "country": "GB", "time_zone": "Europe/London"},
        f"{places[0]}/edit": {"name": "Renamed", "town": "Bath", "country": "GB", "time_zone": "Europe/London"},
        f"{places[0]}/do/archive": {},
        f"{at}/products/new": {"name": "White loaf", "price": "1.00", "currency": "GBP"},
        f"{places[1]}/edit": {"name": "Renamed", "price": "9.99", "currency": "GBP"},
        **{f"{places[1]}/do/{act}": {} for act in ("unpublish", "archive")},
        f"{at}/images/{image.public_id}/words": {"alt": "Other words"},
        f"{at}/images/{image.public_id}/do/remove": {},
    }


def everything(life: Life) -> list[tuple[object, ...]]:
    with unit(life.app):
        return [
            tuple(getattr(row, column.key) for column in kind.__table__.columns if column.key != "webp")
            for kind in (Listing, Branch, Product, ListingImage)
            for row in db.session.query(kind).filter_by(vendor_id=life.shop.vendor.id).order_by(kind.id)
        ]


def test_no_form_of_the_directory_changes_anything_and_each_says_why(life: Life) -> None:
    before = everything(life)
    with looking(life.shop, ENDS) as browser:
        page = browser.get("/portal/listings")
        token = next(each.attrs["value"] for each in page.elements if each.attrs.get("name") == "csrf_token")
        for address, typed in forms_of(life).items():
            answer = browser.post(address, {**typed, "csrf_token": token})
            assert "Your plan is suspended: nothing can be changed" in answer.text, address
    assert everything(life) == before


def test_pages_on_which_something_would_be_typed_lead_to_the_way_out(life: Life) -> None:
    with looking(life.shop, ENDS) as browser:
        for address in forms_of(life):
            if address.endswith(("/new", "/edit")):
                page = browser.get(address, status=409)
                assert "Pay and come back" in page.text and "/portal/plan/change/reactivate" in page.html
                assert "/portal/listings.zip" in page.html


def test_what_can_be_read_stays_and_no_button_promises_a_change(life: Life) -> None:
    at = f"/portal/listings/{one(life, Listing).public_id}"
    with looking(life.shop, ENDS) as browser:
        for address in ("/portal/listings", at, f"{at}/products", f"{at}/preview"):
            page = browser.get(address)
            of_listings = re.findall(r"/portal/listings[^\"']*", page.html)
            assert [link for link in of_listings if "/do/" in link or link.endswith(("/edit", "/new", "/words", "/images"))] == [], address
        assert "not changed" in browser.get(at).text and "/portal/listings.zip" in browser.get(at).html


def test_everything_can_be_taken_away_as_one_file_safe_in_a_spreadsheet(life: Life) -> None:
    with looking(life.shop, ENDS) as browser, browser.client.get("/portal/listings.zip") as answer:
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
        file = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert file.testzip() is None
    tables = {name: list(csv.DictReader(io.StringIO(file.read(name).decode()))) for name in file.namelist() if name.endswith(".csv")}
    assert {name: len(rows) for name, rows in tables.items()} == {
        "listings.csv": 1,
        "branches.csv": 1,
        "products.csv": 1,
        "pictures.csv": 1,
    }
    assert tables["products.csv"][0]["name"] == "'=1+1 rye" and tables["products.csv"][0]["price"] == "4.50"
    assert (tables["branches.csv"][0]["town"], tables["branches.csv"][0]["longitude"]) == ("Bristol", "-2.5879")
    assert file.read(tables["pictures.csv"][0]["file"])[:4] == b"RIFF"


def test_paid_everything_can_be_changed_again_at_once(app: Flask) -> None:
    life = life_of(app, "pro")
    listing = make_listing(life.shop)
    life.to(ENDS, pays="no")
    with looking(life.shop, ENDS) as browser:
        browser.get(f"/portal/listings/{listing.public_id}/edit", status=409)
        life.wish(ENDS, Reactivate())
        assert life.state().status == "active"
        page = browser.get(f"/portal/listings/{listing.public_id}/edit")
        assert browser.submit(page.form(), title="Back again").heading == "Back again"


def test_who_never_had_a_plan_may_prepare_everything(app: Flask, owner: Browser) -> None:
    assert owner.get("/portal/listings/new").form("/portal/listings/new")
    assert photograph(), "and a picture"
