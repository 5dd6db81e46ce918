"""The staff's part: taking a listing out with a reason its vendor reads, looking again when asked, and letting it back in."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.directory.listings import changed, lock_listing, lock_to_edit
from core.directory.models import Listing
from core.kernel.clock import now
from core.kernel.errors import Conflict, Refusal

SHORTEST, LONGEST = 12, 500


def withdraw_listing(listing: Listing, *, by: str, reason: str) -> tuple[Vendor, Listing]:
    """It is gone from the directory at once, and its vendor cannot publish it until the staff let it back in. Once more: a new reason."""
    reason = " ".join(reason.split())
    if not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("Say what is wrong and what would mend it: the vendor reads this.", field="reason")
    standing, listing = lock_listing(listing)
    if listing.state == "draft":
        raise Conflict("This listing is not in the directory.")
    listing.state, listing.reason, listing.withdrawn_at, listing.withdrawn_by = "withdrawn", reason, now(), by
    listing.review_asked_at = None
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
    """It stands in the directory again, as it is now."""
    standing, listing = lock_listing(listing)
    if listing.state != "withdrawn":
        raise Conflict("This listing has not been taken out, or is back already.")
    listing.state, listing.reason, listing.withdrawn_at, listing.withdrawn_by = "published", "", None, ""
    listing.review_asked_at, listing.published_at = None, now()
    return get_vendor(listing.vendor_id), changed(standing, listing, by, "listing.restored")
