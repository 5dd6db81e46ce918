"""Listings: making one, changing it, putting it into the directory and taking it out, putting it away and bringing it back."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from core.accounts.branding import check_phone
from core.accounts.models import User, Vendor
from core.accounts.queries import get_vendor
from core.directory.index import show_listing
from core.directory.models import Category, Listing, Standing
from core.directory.standing import check_editable, lock_standing, settle_counts, touch
from core.directory.strikes import count_strikes
from core.directory.waiting import fold_in
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said

SIGNS = "23456789abcdefghjkmnpqrstvwxyz"  # ten of these are 49 random bits, and none is mistaken for another
ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s]{2,}")


class BadListing(Refusal):
    """A listing that could not be shown like this."""

    code = "bad_listing"


class Withdrawn(Conflict):
    """The staff took it out of the directory: it goes back when they have looked again."""

    code = "withdrawn"


@dataclass(frozen=True)
class ListingTerms:
    """What a vendor says of itself. `link` is the public id of the payment link that the button opens."""

    title: str
    category: str
    summary: str = ""
    description: str = ""
    website: str = ""
    email: str = ""
    phone: str = ""
    link: str = ""


def create_listing(vendor: Vendor, *, mode: str, by: str, terms: ListingTerms) -> Listing:
    """A draft that nobody sees yet. Refuses terms that could never be shown, at their field."""
    columns = check_listing(terms)
    standing, at = lock_standing(vendor.id, mode), now()
    check_editable(standing)
    listing = Listing(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("lst"), handle="".join(secrets.choice(SIGNS) for _ in range(10)),
        state="draft", reason="", created_by=by, created_at=at, updated_at=at, **columns,
    )  # fmt: skip
    db.session.add(listing)
    touch(standing)
    record(vendor.id, actor=by, action="listing.created", subject=listing.public_id, title=listing.title)
    return listing


def edit_listing(listing: Listing, *, by: str, terms: ListingTerms) -> Listing:
    """Change it, and what is shown of it, at once; its address stays, whatever it is called. What the public reads already goes by way of
    core/directory/edits.py: save_listing."""
    columns = check_listing(terms)
    standing, listing = lock_to_edit(listing)
    if listing.state == "published":
        check_complete(terms)
    for name, value in columns.items():
        setattr(listing, name, value)
    listing.reworded = listing.reworded or (listing.mode == "live" and listing.state == "draft" and listing.published_at is not None)
    return changed(standing, listing, by, "listing.edited")


def publish_listing(listing: Listing, *, by: User) -> Listing:
    """Put it into the directory. Where the staff read it before (see is_read_first) it stays a draft and waits for them.

    Refuses one that says too little, that the staff took out, or of somebody who cannot be reached.
    """
    standing, listing = lock_to_edit(listing)
    if listing.state == "published":
        return listing
    if listing.state == "withdrawn":
        raise Withdrawn("The staff took this listing out. Mend what they name and ask them to look again.")
    if listing.archived_at is not None:
        raise Conflict("Bring the listing back from the archive first.")
    if by.email_verified_at is None:
        raise Refusal("Confirm your e-mail address first.")
    check_complete(ListingTerms(**{name: getattr(listing, name) for name in ListingTerms.__dataclass_fields__}))
    if is_read_first(listing):
        if listing.review_asked_at is None:
            listing.review_asked_at = now()
            changed(standing, listing, by.public_id, "listing.review_asked")
        return listing
    listing.state, listing.published_at = "published", now()
    return changed(standing, listing, by.public_id, "listing.published")


def is_read_first(listing: Listing) -> bool:
    """Whether the staff read it before the public does: its words are other ones than when it was in the directory, or a strike stands."""
    return listing.mode == "live" and (listing.reworded or count_strikes(listing.vendor_id, listing.mode) > 0)


def unpublish_listing(listing: Listing, *, by: str) -> Listing:
    """Back to a draft: it is gone from the directory at once. One that the staff took out stays taken out."""
    standing, listing = lock_to_edit(listing)
    if listing.state != "published":
        if listing.state == "draft" and listing.review_asked_at is not None:
            listing.review_asked_at = None
            changed(standing, listing, by, "listing.unpublished")
        return listing
    listing.state = "draft"
    fold_in(listing)
    return changed(standing, listing, by, "listing.unpublished")


def archive_listing(listing: Listing, *, by: str) -> bool:
    """Out of sight with all that belongs to it, and out of the directory. False when it is archived already."""
    standing, listing = lock_to_edit(listing)
    if listing.archived_at is not None:
        return False
    listing.archived_at = now()
    changed(standing, listing, by, "listing.archived")
    return True


def unarchive_listing(listing: Listing, *, by: str) -> bool:
    """Back as it was: a draft, published or taken out. False when it is not archived."""
    standing, listing = lock_to_edit(listing)
    if listing.archived_at is None:
        return False
    listing.archived_at = None
    changed(standing, listing, by, "listing.unarchived")
    return True


def lock_listing(listing: Listing) -> tuple[Standing, Listing]:
    """The vendor's standing and the listing as they are now, locked in this order by every act of the room."""
    standing = lock_standing(listing.vendor_id, listing.mode)
    return standing, lock_again(listing)


def lock_to_edit(listing: Listing) -> tuple[Standing, Listing]:
    """The same for a change by its vendor. Refuses ReadOnly while the plan behind it is suspended or has ended."""
    standing, listing = lock_listing(listing)
    check_editable(standing)
    return standing, listing


def changed(standing: Standing, listing: Listing, by: str, action: str, *, subject: str = "", **detail: object) -> Listing:
    """What every change of a listing, or of something of it, ends with: the counts, the search, the log, and the number for caches."""
    listing.updated_at = now()
    settle_counts(standing)
    show_listing(get_vendor(listing.vendor_id), standing, listing)
    record(listing.vendor_id, actor=by, action=action, subject=subject or listing.public_id, **detail)
    touch(standing)
    return listing


def check_listing(terms: ListingTerms) -> dict[str, str]:
    """The terms as they are kept. Refuses what could not be shown, naming the field."""
    if not terms.title.strip():
        raise BadListing("Write the name people know the business by.", field="title")
    if db.session.get(Category, terms.category) is None:
        raise BadListing("Choose a category from the list.", field="category")
    for name, most in (("title", 120), ("summary", 200), ("description", 5_000)):
        if len(getattr(terms, name)) > most:
            raise BadListing(said("Use %(most)s characters at most.", most=most), field=name)
    email = terms.email.strip()
    if email and not ADDRESS.fullmatch(email):
        raise BadListing("Enter an e-mail address like name@example.com.", field="email")
    kept = {name: str(value).strip() for name, value in asdict(terms).items()}
    return kept | {"website": check_website(terms.website), "phone": phone(terms.phone, "phone"), "email": email}


def check_website(text: str) -> str:
    """A whole https address, or one without its beginning."""
    text = text.strip()
    if not text:
        return ""
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
        good = parts.scheme in ("https", "http") and "." in (parts.hostname or "") and not parts.username and whole.isprintable()
    except ValueError:
        good = False
    if not good or len(whole) > 300 or set(whole) & set(" <>\"'\\"):
        raise BadListing("Write an address like https://www.example.com.", field="website")
    return whole


def phone(text: str, field: str) -> str:
    try:
        return check_phone(text)
    except Refusal as refusal:
        raise BadListing(refusal.message, field=field) from None


def check_complete(terms: ListingTerms) -> None:
    """Refuse what says too little to be shown."""
    if not terms.summary.strip():
        raise BadListing("Say in one sentence what people find there: it stands in the list of results.", field="summary")
