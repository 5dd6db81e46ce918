"""Products beyond what a vendor's plan holds: the newest are hidden, none is lost, and all come back at once when they fit again."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.directory.index import show_listing
from core.directory.models import Listing, Product
from core.directory.standing import lock_standing, touch
from core.kernel.db import db


def hide_newest(vendor: Vendor, mode: str, count: int) -> int:
    """Exactly the newest so many of what is published are hidden from now on; answers for how many that changed."""
    standing = lock_standing(vendor.id, mode)
    mine = select(Product).join(
        Listing, (Listing.vendor_id == Product.vendor_id) & (Listing.mode == Product.mode) & (Listing.id == Product.listing_id)
    )
    alive = mine.where(
        Product.vendor_id == vendor.id, Product.mode == mode, Product.state == "published", Product.archived_at.is_(None),
        Listing.archived_at.is_(None),
    )  # fmt: skip
    newest = (
        [product.id for product in db.session.scalars(alive.order_by(Product.published_at.desc(), Product.id.desc()).limit(count))]
        if count
        else []
    )
    wrong = select(Product).where(Product.vendor_id == vendor.id, Product.mode == mode, Product.hidden != Product.id.in_(newest))
    changed = list(db.session.scalars(wrong.order_by(Product.id).with_for_update()))
    for product in changed:
        product.hidden = not product.hidden
    for listing_id in sorted({product.listing_id for product in changed}):
        show_listing(vendor, standing, db.session.get_one(Listing, (vendor.id, mode, listing_id)))
    if changed:
        touch(standing)
    return len(changed)
