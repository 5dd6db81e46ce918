"""Writes what the public search reads: for each listing that is shown one entry, and one place for each of its branches."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Text, cast, delete, literal, select
from sqlalchemy.dialects.postgresql import TSVECTOR, insert

from core.accounts.models import Vendor
from core.directory.attributes import facts_of, read_schema
from core.directory.entry_models import Entry, KnownWord, Place
from core.directory.hours import Timetable, exceptional, week_of
from core.directory.models import Branch, Category, Listing, ListingImage, Product, Standing
from core.directory.prices import priced, ranges_of, size_marks
from core.directory.towns import town_marks
from core.directory.words import fold, learnable, vector, words_of
from core.kernel.clock import now
from core.kernel.db import db

MOST_PRODUCTS = 1_000  # of a listing, whose words are found


def is_shown(listing: Listing, standing: Standing) -> bool:
    """Whether the public may see it. Test listings are for their own vendor only."""
    shown = standing.visible and not standing.barred
    return listing.mode == "live" and listing.state == "published" and listing.archived_at is None and shown


def show_listing(vendor: Vendor, standing: Standing, listing: Listing) -> None:
    """Bring the search up to date with a listing: written anew when it is shown, gone when it is not. Part of the act that changed it."""
    if listing.mode != "live":
        return
    db.session.flush()
    key = {"vendor_id": listing.vendor_id, "mode": listing.mode, "listing_id": listing.id}
    for model in (Place, Entry):
        db.session.execute(delete(model).filter_by(**key))
    if not is_shown(listing, standing):
        return
    branches, products = alive(Branch, listing), alive(Product, listing, Product.state == "published", Product.hidden.is_(False))
    category = db.session.get_one(Category, listing.category)
    schema = read_schema(category.attributes)
    prices = priced((product.price_minor, product.currency) for product in products)
    told_of_products = {fact for product in products for fact in facts_of(schema, product.attributes)}
    facts = sorted(told_of_products | size_marks(prices) | town_marks(fold(branch.town) for branch in branches))
    names = [listing.title, vendor.name]
    known = [*names, category.slug, *category.names.values(), listing.summary, *(f"{b.town} {b.postcode} {b.name}" for b in branches)]
    known += [product.name for product in products]
    told = [listing.description, *(product.description for product in products)]
    vectors = {name: cast(literal(vector(texts), Text), TSVECTOR) for name, texts in (("named", names), ("words", [*known, *told]))}
    card = card_of(vendor, listing, branches, products)
    told_of = {"category": listing.category, "facts": facts, "prices": ranges_of(prices), "card": card, "updated_at": now()}
    hours = _hours(branches[0]) if len(branches) == 1 else {}
    db.session.execute(insert(Entry).values(**key, **told_of, **hours, **vectors))
    known_of = {"category": listing.category, "words": vectors["words"], "facts": sorted(told_of_products)}
    for branch in branches:
        db.session.execute(insert(Place).values(**key, **known_of, **_hours(branch), **_place(branch)))
    _learn(known)


def alive(model: Any, listing: Listing, *more: Any) -> list[Any]:
    """What of a listing is not archived, oldest first."""
    mine = select(model).where(model.vendor_id == listing.vendor_id, model.mode == listing.mode, model.listing_id == listing.id)
    return list(db.session.scalars(mine.where(model.archived_at.is_(None), *more).order_by(model.id).limit(MOST_PRODUCTS)))


def card_of(vendor: Vendor, listing: Listing, branches: list[Branch], products: list[Product]) -> dict[str, Any]:
    """All that a line in a list of results shows."""
    mine = select(ListingImage).where(
        ListingImage.vendor_id == listing.vendor_id, ListingImage.mode == listing.mode, ListingImage.listing_id == listing.id
    )
    image = db.session.scalar(mine.order_by(ListingImage.position, ListingImage.id).limit(1))
    prices = {(product.price_minor, product.currency) for product in products if product.price_minor}
    one_currency = len({currency for _, currency in prices}) == 1
    return {
        "address": address_of(listing), "title": listing.title, "summary": listing.summary, "vendor": vendor.name,
        "towns": list(dict.fromkeys(branch.town for branch in branches))[:3], "branches": len(branches),
        "image": {"id": image.public_id, "alt": image.alt, "width": image.width, "height": image.height} if image else None,
        "from": min(prices) if one_currency else None,
    }  # fmt: skip


def address_of(listing: Listing) -> str:
    """The last part of its address: words for people, and the handle that is looked up."""
    words = "-".join(word for word in words_of(listing.title) if word.isascii())[:60].strip("-")
    return f"{words or 'listing'}-{listing.handle}"


def hide_vendor(vendor_id: uuid.UUID, mode: str) -> None:
    """Nothing of this vendor's is found any more."""
    for model in (Place, Entry):
        db.session.execute(delete(model).where(model.vendor_id == vendor_id, model.mode == mode))


def _hours(branch: Branch) -> dict[str, Any]:
    table = Timetable(branch.hours, branch.exceptions, branch.time_zone)
    cover, special = exceptional(table)
    return {"time_zone": branch.time_zone, "week": week_of(table), "cover": cover, "special": special}


def _place(branch: Branch) -> dict[str, Any]:
    return {
        "branch_id": branch.id, "slug": branch.slug, "town": fold(branch.town), "town_name": branch.town,
        "postcode": fold(branch.postcode).replace(" ", ""), "lat_e6": branch.lat_e6, "lon_e6": branch.lon_e6,
    }  # fmt: skip


def _learn(texts: list[str]) -> None:
    """Names, places and products; a description's every word would only make mistyped ones look right."""
    fresh = learnable([word for text in texts for word in words_of(text)])
    if fresh:
        db.session.execute(insert(KnownWord).values([{"word": word} for word in fresh]).on_conflict_do_nothing())
