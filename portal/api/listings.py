"""What stands in the directory, for the vendor's own software: listings and branches to read, products to keep up to date."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.directory.feeds import feed_branches, feed_listings, feed_products, get_place, get_thing
from core.directory.hours import spell_day
from core.directory.models import Branch, Listing, Product
from core.directory.products import (
    ProductTerms,
    add_product,
    archive_product,
    edit_product,
    publish_product,
    unpublish_product,
)
from core.directory.queries import get_listing
from core.subscriptions.counts import counted
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Amount, Attributes, Currency, Fields, Text
from portal.api.objects import MODES
from portal.api.paging import Asked, list_of
from portal.api.shapes import chosen, flag, moment, money, number, pairs, shape, text

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

LISTING = shape(
    "listing",
    "Your business, or a part of it, as the directory shows it.",
    id=text("Its number, lst_...", lambda one: one.public_id),
    mode=text("Practice or real.", lambda one: one.mode, one_of=MODES),
    status=text("draft, published, or withdrawn by the platform.", lambda one: one.state, one_of=("draft", "published", "withdrawn")),
    archived=flag("Whether it is put away.", lambda one: one.archived_at is not None),
    title=text("Its name.", lambda one: one.title),
    summary=text("What it is, in a line.", lambda one: one.summary),
    description=text("More about it.", lambda one: one.description),
    category=text("What kind of business it is.", lambda one: one.category),
    website=text("Its website; may be empty.", lambda one: one.website),
    email=text("Its e-mail address; may be empty.", lambda one: one.email),
    phone=text("Its telephone number; may be empty.", lambda one: one.phone),
    payment_link=text("The payment link its button opens.", lambda one: one.link or None, nullable=True),
    created_at=moment("When it was made.", lambda one: one.created_at, nullable=False),
    updated_at=moment("When it was changed last.", lambda one: one.updated_at, nullable=False),
)


def spelt_hours(branch: Branch) -> dict[str, str]:
    """When it is open, by weekday; a day that is not named is closed."""
    return {day: spell_day(branch.hours[str(n)]) for n, day in enumerate(DAYS) if branch.hours.get(str(n))}


def spelt_exceptions(branch: Branch) -> dict[str, str]:
    """Other hours on single dates."""
    return {day: spell_day(spans) or "closed" for day, spans in sorted(branch.exceptions.items())}


BRANCH = shape(
    "branch",
    "A place of a listing.",
    id=text("Its number, brn_...", lambda one: one[0].public_id),
    mode=text("Practice or real.", lambda one: one[0].mode, one_of=MODES),
    listing=text("The listing it belongs to.", lambda one: one[1].public_id),
    name=text("Its name.", lambda one: one[0].name),
    street=text("Street and number; may be empty.", lambda one: one[0].street),
    postcode=text("Its postcode; may be empty.", lambda one: one[0].postcode),
    town=text("The town.", lambda one: one[0].town),
    country=text("The country, two letters.", lambda one: one[0].country),
    latitude_e6=number("Millionths of a degree.", lambda one: one[0].lat_e6, nullable=True),
    longitude_e6=number("Millionths of a degree.", lambda one: one[0].lon_e6, nullable=True),
    time_zone=text("By whose clock it is open.", lambda one: one[0].time_zone),
    phone=text("Its telephone number; may be empty.", lambda one: one[0].phone),
    hours=pairs("When it is open, by weekday; a day that is not named is closed.", lambda one: spelt_hours(one[0])),
    exceptions=pairs("Other hours on single dates.", lambda one: spelt_exceptions(one[0])),
    archived=flag("Whether it is put away.", lambda one: one[0].archived_at is not None),
    created_at=moment("When it was added.", lambda one: one[0].created_at, nullable=False),
    updated_at=moment("When it was changed last.", lambda one: one[0].updated_at, nullable=False),
)


PRODUCT = shape(
    "product",
    "What a listing offers.",
    id=text("Its number, prd_...", lambda one: one[0].public_id),
    mode=text("Practice or real.", lambda one: one[0].mode, one_of=MODES),
    listing=text("The listing it belongs to.", lambda one: one[1].public_id),
    status=text("Whether it is shown with its listing.", lambda one: one[0].state, one_of=("draft", "published")),
    hidden=flag("Published, and more than your plan holds.", lambda one: one[0].hidden),
    archived=flag("Whether it is put away.", lambda one: one[0].archived_at is not None),
    name=text("What it is called.", lambda one: one[0].name),
    description=text("More about it.", lambda one: one[0].description),
    price=money("What one costs; null: on request.", lambda one: one[0].price, nullable=True),
    attributes=chosen("What its listing's category knows of it.", lambda one: one[0].attributes),
    created_at=moment("When it was added.", lambda one: one[0].created_at, nullable=False),
    updated_at=moment("When it was changed last.", lambda one: one[0].updated_at, nullable=False),
)
OF_LISTING: Fields = {"listing": Text(about="Of one listing.", usual="", most=60)}
PRODUCT_FIELDS: Fields = {
    "name": Text(about="What it is called.", least=1, most=120, example="Sourdough"),
    "currency": Currency(about="The currency of its price."),
    "price": Amount(about="What one costs; left out: on request.", usual=None),
    "description": Text(about="More about it.", usual="", most=2000, lines=True),
    "attributes": Attributes(about="What its listing's category asks for, by key.", usual=None, most=50, example={"colour": "red"}),
}
CALLED = {"price_minor": "price"}


@endpoint("GET", "/listings", gives=LISTING, many=True)
def all_listings(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List your listings"""
    return list_of(LISTING, feed_listings(vendor, mode, asked.span))


@endpoint("GET", "/listings/<number>", gives=LISTING)
def show_listing(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a listing"""
    return LISTING.encode(get_listing(vendor, mode, number))


@endpoint("GET", "/branches", gives=BRANCH, many=True, query=OF_LISTING)
def all_places(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List your branches"""
    return list_of(BRANCH, feed_branches(vendor, mode, asked.span, listing=asked.filters["listing"]))


@endpoint("GET", "/branches/<number>", gives=BRANCH)
def show_place(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a branch"""
    return BRANCH.encode(get_place(vendor, mode, number))


@endpoint("GET", "/products", gives=PRODUCT, many=True, query=OF_LISTING)
def all_products(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List your products"""
    return list_of(PRODUCT, feed_products(vendor, mode, asked.span, listing=asked.filters["listing"]))


@endpoint("GET", "/products/<number>", gives=PRODUCT)
def show_product(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a product"""
    return PRODUCT.encode(get_thing(vendor, mode, number))


@endpoint(
    "POST", "/products", gives=PRODUCT, status=201, called=CALLED,
    takes={"listing": Text(about="The listing it belongs to, lst_...", most=60), **PRODUCT_FIELDS},
)  # fmt: skip
def make_product(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Add a product to a listing

    It is a draft until it is published.
    """
    listing = get_listing(vendor, mode, sent["listing"])
    with counted(vendor, mode, by=acting()):
        made = add_product(listing, by=acting(), terms=_terms(sent))
    return _seen(made, listing)


@endpoint("PATCH", "/products/<number>", gives=PRODUCT, takes=PRODUCT_FIELDS, partly=True, called=CALLED)
def change_product(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Change a product

    What is not sent stays as it is. What is shown changes at once.
    """
    product, listing = get_thing(vendor, mode, number)
    kept = {
        "name": product.name, "currency": product.currency, "price": product.price_minor, "description": product.description,
        "attributes": product.attributes,
    }  # fmt: skip
    return _seen(edit_product(listing, product, by=acting(), terms=_terms(kept | sent)), listing)


@endpoint("POST", "/products/<number>/publish", gives=PRODUCT)
def show_in_directory(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Show a product with its listing"""
    product, listing = get_thing(vendor, mode, number)
    with counted(vendor, mode, by=acting()):
        publish_product(listing, product, by=acting())
    return PRODUCT.encode(get_thing(vendor, mode, number))


@endpoint("POST", "/products/<number>/unpublish", gives=PRODUCT)
def hide_from_directory(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Make a product a draft again"""
    product, listing = get_thing(vendor, mode, number)
    with counted(vendor, mode, by=acting()):
        unpublish_product(listing, product, by=acting())
    return PRODUCT.encode(get_thing(vendor, mode, number))


@endpoint("POST", "/products/<number>/archive", gives=PRODUCT)
def put_product_away(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Put a product away

    It counts no more, and can be brought back in the portal.
    """
    product, listing = get_thing(vendor, mode, number)
    with counted(vendor, mode, by=acting()):
        archive_product(listing, product, by=acting())
    return _seen(product, listing)


def _terms(sent: dict[str, Any]) -> ProductTerms:
    return ProductTerms(
        name=sent["name"],
        currency=sent["currency"],
        description=sent["description"],
        price_minor=sent["price"],
        attributes=sent["attributes"] or {},
    )


def _seen(product: Product, listing: Listing) -> dict[str, Any]:
    return PRODUCT.encode((product, listing))
