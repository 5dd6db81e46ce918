"""The edit of a listing that waits for the staff, if there is one; and what becomes of it when the listing leaves the directory."""

from __future__ import annotations

from sqlalchemy import Select, select

from core.directory.models import Listing, ListingEdit
from core.kernel.db import db

OPEN = ("waiting", "changes_asked")


def find_open_edit(listing: Listing) -> ListingEdit | None:
    """The one that waits for the staff, or for its vendor after they asked for something else."""
    return db.session.scalar(_of(listing).where(ListingEdit.state.in_(OPEN)))


def last_edit(listing: Listing) -> ListingEdit | None:
    """The latest there was, whatever became of it."""
    return db.session.scalar(_of(listing).order_by(ListingEdit.id.desc()).limit(1))


def _of(listing: Listing) -> Select[tuple[ListingEdit]]:
    return select(ListingEdit).where(
        ListingEdit.vendor_id == listing.vendor_id, ListingEdit.mode == listing.mode, ListingEdit.listing_id == listing.id
    )


def fold_in(listing: Listing) -> bool:
    """The listing is out of the directory from now on: what waited becomes its words, so nothing that was typed is lost. Answers whether any did.

    The staff read them when it goes back.
    """
    edit = find_open_edit(listing)
    if edit is None:
        return False
    for name, value in edit.terms.items():
        setattr(listing, name, value)
    edit.state, listing.reworded = "taken_back", True
    return True
