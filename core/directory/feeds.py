"""Listings, branches and products as a vendor's own software reads them, by keyset, in both directions."""

from __future__ import annotations

import uuid

from sqlalchemy import Select, select

from core.accounts.models import Vendor
from core.directory.models import Branch, Listing, Product
from core.directory.queries import get_listing
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.keyset import Slice, Span, slice_of
from core.kernel.sentence import said


def feed_listings(vendor: Vendor, mode: str, span: Span, *, archived: bool = False) -> Slice:
    """The vendor's listings, newest first."""
    query = select(Listing).where(Listing.vendor_id == vendor.id, Listing.mode == mode)
    query = query.where(Listing.archived_at.is_not(None) if archived else Listing.archived_at.is_(None))
    return slice_of(query, Listing.id, span, lambda number: get_listing(vendor, mode, number).id)


def feed_branches(vendor: Vendor, mode: str, span: Span, *, listing: str = "") -> Slice:
    """Places with their listings, newest first."""
    return slice_of(_branches(vendor, mode, listing), Branch.id, span, lambda number: get_place(vendor, mode, number)[0].id)


def feed_products(vendor: Vendor, mode: str, span: Span, *, listing: str = "") -> Slice:
    """Products with their listings, newest first."""
    return slice_of(_products(vendor, mode, listing), Product.id, span, lambda number: get_thing(vendor, mode, number)[0].id)


def get_place(vendor: Vendor, mode: str, number: str, *, everything: bool = False) -> tuple[Branch, Listing]:
    """A branch by its public id, with its listing; refuses with 404. `everything`: also one that is put away."""
    query = _branches(vendor, mode, everything=everything).where(Branch.public_id == number)
    found = db.session.execute(query).first() if is_public_id("brn", number) else None
    if found is None:
        raise NotFound(said("There is no such branch."))
    return found[0], found[1]


def get_thing(vendor: Vendor, mode: str, number: str) -> tuple[Product, Listing]:
    """A product by its public id, with its listing; refuses with 404."""
    found = db.session.execute(_products(vendor, mode).where(Product.public_id == number)).first() if is_public_id("prd", number) else None
    if found is None:
        raise NotFound(said("There is no such product."))
    return found[0], found[1]


def _branches(vendor: Vendor, mode: str, listing: str = "", *, everything: bool = False) -> Select[tuple[Branch, Listing]]:
    there = (Listing.vendor_id == Branch.vendor_id) & (Listing.mode == Branch.mode) & (Listing.id == Branch.listing_id)
    query = select(Branch, Listing).join(Listing, there).where(Branch.vendor_id == vendor.id, Branch.mode == mode)
    if not everything:
        query = query.where(Branch.archived_at.is_(None), Listing.archived_at.is_(None))
    return query.where(Branch.listing_id == _row_of(vendor, mode, listing)) if listing else query


def _products(vendor: Vendor, mode: str, listing: str = "") -> Select[tuple[Product, Listing]]:
    there = (Listing.vendor_id == Product.vendor_id) & (Listing.mode == Product.mode) & (Listing.id == Product.listing_id)
    query = select(Product, Listing).join(Listing, there).where(Product.vendor_id == vendor.id, Product.mode == mode)
    query = query.where(Product.archived_at.is_(None), Listing.archived_at.is_(None))
    return query.where(Product.listing_id == _row_of(vendor, mode, listing)) if listing else query


def _row_of(vendor: Vendor, mode: str, listing: str) -> uuid.UUID:
    return get_listing(vendor, mode, listing).id
