"""Questions about listings and what belongs to them. The vendor (and the mode) come first, always."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.directory.models import Branch, Category, Listing, Product
from core.directory.words import fold
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id

Row = TypeVar("Row")
MOST_ROWS = 100
MOST_BRANCHES = 1000  # to choose from


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the public id to ask the older ones after (None at the end)."""

    rows: list[Row]
    next: str | None


def list_categories() -> list[Category]:
    """All of them, in the platform's order."""
    return list(db.session.scalars(select(Category).order_by(Category.position, Category.slug)))


def find_category(slug: str) -> Category | None:
    return db.session.get(Category, slug[:40]) if slug else None


def get_listing(vendor: Vendor, mode: str, public_id: str) -> Listing:
    """This vendor's listing; refuses with 404."""
    if is_public_id("lst", public_id):
        mine = select(Listing).where(Listing.vendor_id == vendor.id, Listing.mode == mode, Listing.public_id == public_id)
        if listing := db.session.scalar(mine):
            return listing
    raise NotFound("There is no such listing.")


def get_branch(listing: Listing, public_id: str) -> Branch:
    """This listing's branch; refuses with 404."""
    found: Branch = _of_listing(Branch, listing, "brn", public_id, "There is no such branch.")
    return found


def get_product(listing: Listing, public_id: str) -> Product:
    """This listing's product; refuses with 404."""
    found: Product = _of_listing(Product, listing, "prd", public_id, "There is no such product.")
    return found


def _of_listing(model: Any, listing: Listing, prefix: str, public_id: str, words: str) -> Any:
    if is_public_id(prefix, public_id):
        mine = select(model).where(model.vendor_id == listing.vendor_id, model.mode == listing.mode, model.listing_id == listing.id)
        if row := db.session.scalar(mine.where(model.public_id == public_id)):
            return row
    raise NotFound(words)


def list_listings(
    vendor: Vendor, mode: str, *, state: str | None = None, text: str | None = None, after: str | None = None, limit: int = 25
) -> Page[Listing]:
    """The vendor's listings, newest first, by keyset. The archived ones only when asked for."""
    query = select(Listing).where(Listing.vendor_id == vendor.id, Listing.mode == mode)
    if state == "archived":
        query = query.where(Listing.archived_at.is_not(None))
    else:
        query = query.where(Listing.archived_at.is_(None))
        if state:
            query = query.where(Listing.state == state)
    if text:
        query = query.where(Listing.title.icontains(text, autoescape=True))
    if after:
        query = query.where(Listing.id < get_listing(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = list(db.session.scalars(query.order_by(Listing.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def listings_named(vendor: Vendor, mode: str, public_ids: set[str]) -> dict[str, Listing]:
    """Several of them by public id, in one look."""
    wanted = [one for one in public_ids if is_public_id("lst", one)]
    mine = select(Listing).where(Listing.vendor_id == vendor.id, Listing.mode == mode, Listing.public_id.in_(wanted))
    return {listing.public_id: listing for listing in db.session.scalars(mine)} if wanted else {}


def list_branches(listing: Listing, *, archived: bool = False) -> list[Branch]:
    """In the order they were made."""
    mine = select(Branch).where(Branch.vendor_id == listing.vendor_id, Branch.mode == listing.mode, Branch.listing_id == listing.id)
    kept = mine if archived else mine.where(Branch.archived_at.is_(None))
    return list(db.session.scalars(kept.order_by(Branch.id)))


def all_branches(vendor: Vendor, mode: str) -> list[tuple[Branch, Listing]]:
    """Every branch the vendor has or had, with the listing it belongs to: the present ones first, each by town and name."""
    mine = (Listing.vendor_id == Branch.vendor_id) & (Listing.mode == Branch.mode) & (Listing.id == Branch.listing_id)
    query = select(Branch, Listing).join(Listing, mine).where(Branch.vendor_id == vendor.id, Branch.mode == mode)
    query = query.order_by(Branch.archived_at.is_not(None), Listing.title, Branch.town, Branch.name, Branch.id).limit(MOST_BRANCHES)
    return [(branch, listing) for branch, listing in db.session.execute(query)]


def find_branch(vendor: Vendor, mode: str, public_id: str) -> Branch | None:
    """This vendor's branch by its public id, or None."""
    if not is_public_id("brn", public_id):
        return None
    return db.session.scalar(select(Branch).where(Branch.vendor_id == vendor.id, Branch.mode == mode, Branch.public_id == public_id))


def branch_by_row(vendor_id: uuid.UUID, mode: str, branch_id: uuid.UUID | None) -> Branch | None:
    """The branch that a link or a payment belongs to, if it belongs to one."""
    return db.session.get(Branch, (vendor_id, mode, branch_id)) if branch_id else None


def list_products(
    listing: Listing, *, state: str | None = None, text: str | None = None, after: str | None = None, limit: int = 25
) -> Page[Product]:
    """A listing's products, newest first, by keyset. The archived ones only when asked for."""
    query = select(Product).where(Product.vendor_id == listing.vendor_id, Product.mode == listing.mode, Product.listing_id == listing.id)
    if state == "archived":
        query = query.where(Product.archived_at.is_not(None))
    else:
        query = query.where(Product.archived_at.is_(None))
        if state:
            query = query.where(Product.state == state)
    if text:
        query = query.where(Product.name.icontains(text, autoescape=True))
    if after:
        query = query.where(Product.id < get_product(listing, after).id)
    rows = list(db.session.scalars(query.order_by(Product.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def count_products(vendor: Vendor, mode: str, listings: list[Listing]) -> dict[uuid.UUID, int]:
    """How many products each of these listings shows."""
    mine = select(Product.listing_id, func.count()).where(
        Product.vendor_id == vendor.id, Product.mode == mode, Product.listing_id.in_([one.id for one in listings]),
        Product.state == "published", Product.archived_at.is_(None),
    )  # fmt: skip
    return {listing_id: count for listing_id, count in db.session.execute(mine.group_by(Product.listing_id))} if listings else {}


# --- across vendors, for the staff ------------------------------------------------------------------------------------------


def list_for_staff(*, state: str = "review", text: str | None = None, after: str | None = None, limit: int = 25) -> Page[Listing]:
    """What the public sees or saw, of every vendor, newest first: `review` (waits for the staff), `published` or `withdrawn`."""
    query = select(Listing).where(Listing.mode == "live", Listing.archived_at.is_(None))
    query = query.where(Listing.review_asked_at.is_not(None)) if state == "review" else query.where(Listing.state == state)
    if text:
        query = query.where(Listing.title.icontains(text, autoescape=True) | (Listing.handle == fold(text)))
    if after:
        query = query.where(Listing.id < get_for_staff(after).id)
    rows = list(db.session.scalars(query.order_by(Listing.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def get_for_staff(public_id: str) -> Listing:
    """Any vendor’s listing that the public sees, saw or is to see; refuses with 404. For staff only."""
    if is_public_id("lst", public_id):
        seen = (Listing.state != "draft") | Listing.review_asked_at.is_not(None)
        found = db.session.scalar(select(Listing).where(Listing.public_id == public_id, Listing.mode == "live", seen))
        if found is not None:
            return found
    raise NotFound("There is no such listing.")


def count_for_staff(*, most: int) -> int:
    """How many wait to be looked at again, counted no further than `most`."""
    waiting = (
        select(Listing.id).where(Listing.mode == "live", Listing.review_asked_at.is_not(None), Listing.archived_at.is_(None)).limit(most)
    )
    return int(db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0)
