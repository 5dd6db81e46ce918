"""Everything a vendor has in the directory, deleted for good: in small pieces that can be taken up again, children before their parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, select, tuple_

from core.accounts.models import Vendor
from core.directory.index import hide_vendor
from core.directory.models import Branch, Listing, ListingImage, Product, Standing
from core.directory.standing import lock_standing, settle_counts, touch
from core.kernel.audit import record
from core.kernel.db import db

WHAT: tuple[tuple[str, Any], ...] = (("pictures", ListingImage), ("products", Product), ("branches", Branch), ("listings", Listing))


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went with this piece, and whether nothing is left."""

    count: int
    over: bool


def has_listings(vendor: Vendor, mode: str) -> bool:
    """Whether there is anything to delete."""
    return bool(db.session.scalar(select(exists().where(Listing.vendor_id == vendor.id, Listing.mode == mode))))


def erase_listings(vendor: Vendor, mode: str, *, limit: int, by: str, about: str) -> Erased:
    """Delete so many rows of the vendor's at most, and write down how many of what. Whoever calls it again goes on where it ended.

    Nothing of the vendor's may be shown when it is called. The log of who did what stays, and so does everything that was paid.
    """
    standing = lock_standing(vendor.id, mode)
    hide_vendor(vendor.id, mode)
    left, gone = limit, {}
    for name, model in WHAT:
        if left > 0:
            gone[name] = _delete(model, standing, left)
            left -= gone[name]
    db.session.expire_all()
    standing = lock_standing(vendor.id, mode)
    settle_counts(standing)
    touch(standing)
    if any(gone.values()):
        record(
            vendor.id,
            actor=by,
            action="directory.erased",
            subject=about,
            mode=mode,
            **{name: count for name, count in gone.items() if count},
        )
    return Erased(limit - left, not has_listings(vendor, mode))


def _delete(model: Any, standing: Standing, most: int) -> int:
    key = tuple_(model.vendor_id, model.mode, model.id)
    mine = select(model.vendor_id, model.mode, model.id).where(model.vendor_id == standing.vendor_id, model.mode == standing.mode)
    some = mine.order_by(model.id).limit(most)
    found = delete(model).where(key.in_(some)).returning(model.id).execution_options(synchronize_session=False)
    return len(db.session.execute(found).all())
