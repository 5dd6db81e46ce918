"""The staff's part: taking a listing out with a reason its vendor reads, looking again when asked, and letting it back in."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.directory.listings import changed, lock_listing, lock_to_edit
from core.directory.models import Listing
from core.directory.strikes import give_strike
from core.directory.waiting import fold_in
from core.kernel.clock import now
from core.kernel.errors import Conflict, Refusal

SHORTEST, LONGEST = 12, 500


def check_reason(reason: str, *, field: str = "reason") -> str:
    """As it is kept. Refuses one that helps nobody."""
    reason = " ".join(reason.split())
    if not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("Say what is wrong and what would mend it: the vendor reads this.", field=field)
    return reason


def withdraw_listing(listing: Listing, *, by: str, reason: str, strike: bool = False) -> tuple[Vendor, Listing]:
    """It is gone from the directory at once, and its vendor cannot publish it until the staff let it back in. Once more: a new reason.

    One that waits to be read before it is shown is refused in the same way. With a strike it is held against its vendor.
    """
    reason = check_reason(reason)
    standing, listing = lock_listing(listing)
    if listing.state == "draft" and listing.review_asked_at is None:
        raise Conflict("This listing is not in the directory.")
    listing.state, listing.reason, listing.withdrawn_at, listing.withdrawn_by = "withdrawn", reason, now(), by
    listing.review_asked_at = None
    fold_in(listing)
    if strike:
        give_strike(listing, by=by, reason=reason)
    return get_vendor(listing.vendor_id), changed(standing, listing, by, "listing.withdrawn", reason=reason)


def ask_for_review(listing: Listing, *, by: str) -> Listing:
    """The vendor has mended it: it moves to the top of what the staff look at. Asking twice is asking once."""
    standing, listing = lock_to_edit(listing)
    if listing.state != "withdrawn":
        raise Conflict("Nobody has taken this listing out.")
    if listing.review_asked_at is None:
        listing.review_asked_at = now()
        changed(standing, listing, by, "listing.review_asked")
    return listing


def restore_listing(listing: Listing, *, by: str) -> tuple[Vendor, Listing]:
    """It stands in the directory, again or for the first time, as it is now."""
    standing, listing = lock_listing(listing)
    if listing.state != "withdrawn" and not (listing.state == "draft" and listing.review_asked_at is not None):
        raise Conflict("This listing has not been taken out, or is back already.")
    listing.state, listing.reason, listing.withdrawn_at, listing.withdrawn_by = "published", "", None, ""
    listing.review_asked_at, listing.reworded, listing.published_at = None, False, now()
    return get_vendor(listing.vendor_id), changed(standing, listing, by, "listing.restored")
