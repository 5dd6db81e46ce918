"""Products: what a listing offers, with the attributes of its category; drafts, publishing, putting away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.directory.attributes import check_attributes, read_schema
from core.directory.listings import BadListing, changed, lock_to_edit
from core.directory.models import Category, Listing, Product
from core.kernel.clock import now
from core.kernel.currency import OFFERED
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said

MOST_PRICE = 100_000_000_000


@dataclass(frozen=True)
class ProductTerms:
    """What a vendor says of a product. No price: on request. `attributes` as typed, by key."""

    name: str
    currency: str
    description: str = ""
    price_minor: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def add_product(listing: Listing, *, by: str, terms: ProductTerms, publish: bool = False) -> Product:
    """A draft, or shown at once. Refuses attributes that do not fit the category, at their field."""
    standing, listing = lock_to_edit(listing)
    columns, at = check_product(listing, terms), now()
    product = Product(
        vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), listing_id=listing.id, public_id=public_id("prd"),
        state="published" if publish else "draft", published_at=at if publish else None, created_at=at, updated_at=at, **columns,
    )  # fmt: skip
    db.session.add(product)
    changed(standing, listing, by, "product.added", subject=product.public_id, name=product.name)
    return product


def edit_product(listing: Listing, product: Product, *, by: str, terms: ProductTerms) -> Product:
    """Change it; what is shown changes at once."""
    standing, listing = lock_to_edit(listing)
    columns, product = check_product(listing, terms), lock_again(product)
    for name, value in columns.items():
        setattr(product, name, value)
    product.updated_at = now()
    changed(standing, listing, by, "product.edited", subject=product.public_id)
    return product


def publish_product(listing: Listing, product: Product, *, by: str) -> bool:
    """Show it with its listing. False when it is published already."""
    standing, listing = lock_to_edit(listing)
    product = lock_again(product)
    if product.archived_at is not None:
        raise Conflict("Bring the product back from the archive first.")
    if product.state == "published":
        return False
    product.state, product.published_at = "published", now()
    changed(standing, listing, by, "product.published", subject=product.public_id)
    return True


def unpublish_product(listing: Listing, product: Product, *, by: str) -> bool:
    """Back to a draft."""
    standing, listing = lock_to_edit(listing)
    product = lock_again(product)
    if product.state == "draft":
        return False
    product.state = "draft"
    changed(standing, listing, by, "product.unpublished", subject=product.public_id)
    return True


def archive_product(listing: Listing, product: Product, *, by: str) -> bool:
    """Out of sight until it is brought back; it does not count meanwhile."""
    standing, listing = lock_to_edit(listing)
    product = lock_again(product)
    if product.archived_at is not None:
        return False
    product.archived_at = now()
    changed(standing, listing, by, "product.archived", subject=product.public_id)
    return True


def unarchive_product(listing: Listing, product: Product, *, by: str) -> bool:
    """Back as it was."""
    standing, listing = lock_to_edit(listing)
    product = lock_again(product)
    if product.archived_at is None:
        return False
    product.archived_at = None
    changed(standing, listing, by, "product.unarchived", subject=product.public_id)
    return True


def check_product(listing: Listing, terms: ProductTerms) -> dict[str, Any]:
    """The terms as they are kept. Refuses what does not fit, naming the field."""
    if not terms.name.strip():
        raise BadListing("Give the product a name.", field="name")
    if terms.currency not in OFFERED:
        raise BadListing("Choose a currency from the list.", field="currency")
    if terms.price_minor is not None and not 0 <= terms.price_minor <= MOST_PRICE:
        raise BadListing("Write a lower price, or leave it empty.", field="price")
    for name, most in (("name", 120), ("description", 2_000)):
        if len(getattr(terms, name)) > most:
            raise BadListing(said("Use %(most)s characters at most.", most=most), field=name)
    category = db.session.get_one(Category, listing.category)
    return {
        "name": terms.name.strip(), "description": terms.description.strip(), "price_minor": terms.price_minor, "currency": terms.currency,
        "attributes": check_attributes(read_schema(category.attributes), terms.attributes), "schema_version": category.schema_version,
    }  # fmt: skip
