"""Branches: where a listing is and when it is open there."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field

from core.accounts.places import is_country
from core.directory.hours import Intervals, check_zone
from core.directory.listings import BadListing, changed, lock_to_edit, phone
from core.directory.models import Branch, Listing
from core.directory.words import words_of
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said

MOST = 500  # of one listing
_DEGREES = re.compile(r"(-?)(\d{1,3})(?:\.(\d{1,9}))?")


@dataclass(frozen=True)
class BranchTerms:
    """What a vendor says of one place. Positions in millionths of a degree."""

    name: str
    town: str
    country: str
    time_zone: str
    street: str = ""
    postcode: str = ""
    lat_e6: int | None = None
    lon_e6: int | None = None
    phone: str = ""
    hours: dict[str, Intervals] = field(default_factory=dict)
    exceptions: dict[str, Intervals] = field(default_factory=dict)


def read_degrees(text: str, most: int, *, field: str) -> int | None:
    """`51.4545` as 51454500; None for nothing. BadListing for what is no place on this planet."""
    text = text.strip().replace(",", ".").replace("−", "-")
    if not text:
        return None
    match = _DEGREES.fullmatch(text)
    value = int(match[2]) * 1_000_000 + int((match[3] or "").ljust(6, "0")[:6] or 0) if match else most * 1_000_000 + 1
    if match is None or value > most * 1_000_000:
        raise BadListing(said("Write degrees from -%(most)s to %(most)s, like 51.4545.", most=most), field=field)
    return -value if match[1] else value


def spell_degrees(value: int | None) -> str:
    if value is None:
        return ""
    whole, part = divmod(abs(value), 1_000_000)
    return f"{'-' if value < 0 else ''}{whole}.{part:06d}".rstrip("0").rstrip(".")


def add_branch(listing: Listing, *, by: str, terms: BranchTerms) -> Branch:
    """One more place, shown at once when the listing is."""
    columns = check_branch(terms)
    standing, listing = lock_to_edit(listing)
    mine = db.session.query(Branch).filter_by(vendor_id=listing.vendor_id, mode=listing.mode, listing_id=listing.id)
    slugs = {branch.slug for branch in mine}
    if len(slugs) >= MOST:
        raise Conflict(said("A listing has %(most)s branches at most.", most=MOST))
    at = now()
    branch = Branch(
        vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), listing_id=listing.id, public_id=public_id("brn"),
        slug=_free_slug(terms, slugs), created_at=at, updated_at=at, **columns,
    )  # fmt: skip
    db.session.add(branch)
    changed(standing, listing, by, "branch.added", subject=branch.public_id, name=branch.name)
    return branch


def edit_branch(listing: Listing, branch: Branch, *, by: str, terms: BranchTerms) -> Branch:
    """Change it; its address stays."""
    columns = check_branch(terms)
    standing, listing = lock_to_edit(listing)
    branch = lock_again(branch)
    for name, value in columns.items():
        setattr(branch, name, value)
    branch.updated_at = now()
    changed(standing, listing, by, "branch.edited", subject=branch.public_id)
    return branch


def archive_branch(listing: Listing, branch: Branch, *, by: str) -> bool:
    """It is no place of the listing any more, until it is brought back."""
    standing, listing = lock_to_edit(listing)
    branch = lock_again(branch)
    if branch.archived_at is not None:
        return False
    branch.archived_at = now()
    changed(standing, listing, by, "branch.archived", subject=branch.public_id)
    return True


def unarchive_branch(listing: Listing, branch: Branch, *, by: str) -> bool:
    standing, listing = lock_to_edit(listing)
    branch = lock_again(branch)
    if branch.archived_at is None:
        return False
    branch.archived_at = None
    changed(standing, listing, by, "branch.unarchived", subject=branch.public_id)
    return True


def check_branch(terms: BranchTerms) -> dict[str, object]:
    """The terms as they are kept. Refuses what could not be shown, naming the field."""
    if not terms.name.strip():
        raise BadListing("Give the branch a name, like its street or its part of town.", field="name")
    if not terms.town.strip():
        raise BadListing("Write the town.", field="town")
    if not is_country(terms.country):
        raise BadListing("Choose a country from the list.", field="country")
    if (terms.lat_e6 is None) != (terms.lon_e6 is None):
        raise BadListing("Write both latitude and longitude, or neither.", field="lat" if terms.lat_e6 is None else "lon")
    check_zone(terms.time_zone)
    kept = {name: value.strip() if isinstance(value, str) else value for name, value in asdict(terms).items()}
    return kept | {"phone": phone(terms.phone, "phone")}


def _free_slug(terms: BranchTerms, taken: set[str]) -> str:
    plain = "-".join(word for word in words_of(f"{terms.town} {terms.name}") if word.isascii())[:50].strip("-") or "branch"
    return next(slug for slug in (plain, *(f"{plain}-{n}" for n in range(2, MOST + 3))) if slug not in taken)
