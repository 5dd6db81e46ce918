"""A listing as the public sees it: found by its address, with its branches, products and pictures; nothing at all when it is not shown."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, func, select, tuple_

from core.accounts.models import Vendor
from core.directory.entry_models import Entry
from core.directory.images import most_images, shown_images, widths_of
from core.directory.index import alive, is_shown
from core.directory.models import Branch, Category, Listing, ListingImage, Product, Standing
from core.kernel.db import db
from core.kernel.errors import NotFound

MOST_PRODUCTS = 200  # on one page; the rest is found by asking
SITEMAP_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose listing an address names, as far as it is shown, and the number that changes with every change of it."""

    vendor: Vendor
    listing: Listing
    version: int


@dataclass(frozen=True, slots=True)
class Sight:
    """All that its page shows."""

    vendor: Vendor
    listing: Listing
    category: Category
    branches: list[Branch]
    products: list[Product]
    images: list[ListingImage]
    widths: dict[uuid.UUID, list[int]]


def open_listing(address: str) -> Shown:
    """The listing at this address. Refuses with 404, the same for what is hidden, a draft, archived or never was."""
    handle = address.rpartition("-")[2]
    if 8 <= len(handle) <= 12 and handle.isascii() and handle.isalnum():
        mine = and_(Standing.vendor_id == Listing.vendor_id, Standing.mode == Listing.mode)
        asked = select(Vendor, Listing, Standing).join(Vendor, Vendor.id == Listing.vendor_id).join(Standing, mine)
        for vendor, listing, standing in db.session.execute(asked.where(Listing.handle == handle, Listing.mode == "live")):
            if is_shown(listing, standing):
                return Shown(vendor, listing, standing.version)
    raise NotFound("There is nothing at this address.")


def see_listing(vendor: Vendor, listing: Listing) -> Sight:
    """What its page shows; for a vendor's own preview too, whatever its state."""
    images = shown_images(listing)
    products = alive(Product, listing, Product.state == "published", Product.hidden.is_(False))[:MOST_PRODUCTS]
    category = db.session.get_one(Category, listing.category)
    return Sight(vendor, listing, category, alive(Branch, listing), products, images, widths_of(images))


def is_public_image(public: str) -> bool:
    """Whether a picture belongs to a listing that is shown now, and is among those of it that are shown."""
    mine = and_(Entry.vendor_id == ListingImage.vendor_id, Entry.mode == ListingImage.mode, Entry.listing_id == ListingImage.listing_id)
    ours = and_(Standing.vendor_id == ListingImage.vendor_id, Standing.mode == ListingImage.mode)
    asked = select(ListingImage, Standing).join(Entry, mine).join(Standing, ours).where(ListingImage.public_id == public)
    found = db.session.execute(asked).first()
    if found is None:
        return False
    image, standing = found
    before = select(func.count()).where(
        ListingImage.vendor_id == image.vendor_id, ListingImage.mode == image.mode, ListingImage.listing_id == image.listing_id,
        tuple_(ListingImage.position, ListingImage.id) < tuple_(image.position, image.id),
    )  # fmt: skip
    return int(db.session.scalar(before) or 0) < most_images(standing)


# --- for search engines ----------------------------------------------------------------------------------------------------


def sitemap_parts() -> list[uuid.UUID | None]:
    """After which listing each part of the site map begins; the first begins at the beginning."""
    number = func.row_number().over(order_by=Entry.listing_id).label("n")
    rows = select(Entry.listing_id, number).where(Entry.mode == "live").subquery()
    ends = select(rows.c.listing_id).where(rows.c.n % SITEMAP_ROWS == 0).order_by(rows.c.listing_id)
    return [None, *db.session.scalars(ends)]


def sitemap_part(after: uuid.UUID | None) -> list[tuple[str, str]]:
    """(address, day of its last change) of the listings that are shown, in order."""
    rows = select(Entry.card, Entry.updated_at).where(Entry.mode == "live")
    if after:
        rows = rows.where(Entry.listing_id > after)
    found = db.session.execute(rows.order_by(Entry.listing_id).limit(SITEMAP_ROWS))
    return [(card["address"], at.date().isoformat()) for card, at in found]
