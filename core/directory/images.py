"""Pictures of a listing: adding one, its words, its place in the row, taking it away, and the sizes that a worker makes."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from core.accounts.models import Vendor
from core.directory.listings import BadListing, changed, lock_listing, lock_to_edit
from core.directory.models import Listing, ListingImage, ListingImageSize, Standing
from core.directory.picture import WIDTHS, Drawn, narrower
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.kernel.sentence import said

MOST = 12  # of one listing, whatever its vendor's plan
LONGEST_ALT = 200


class TooMany(BadListing):
    """A listing has so many pictures and no more, or its vendor's plan shows no more."""

    code = "too_many_pictures"


def list_images(listing: Listing) -> list[ListingImage]:
    """In the order they are shown."""
    mine = select(ListingImage).where(
        ListingImage.vendor_id == listing.vendor_id, ListingImage.mode == listing.mode, ListingImage.listing_id == listing.id
    )
    return list(db.session.scalars(mine.order_by(ListingImage.position, ListingImage.id)))


def most_images(standing: Standing | None) -> int:
    """How many pictures of a listing are shown."""
    return MOST if standing is None or standing.pictures is None else min(standing.pictures, MOST)


def shown_images(listing: Listing) -> list[ListingImage]:
    """The first ones, as many as the vendor's plan shows. What is beyond is kept, and comes back with a greater plan or a better place."""
    standing = db.session.get(Standing, (listing.vendor_id, listing.mode))
    return list_images(listing)[: most_images(standing)]


def count_hidden(vendor: Vendor, mode: str, most: int | None) -> int:
    """How many pictures of a vendor's listings would not be shown if so many of each were; those of archived listings are not counted."""
    mine = (Listing.vendor_id == ListingImage.vendor_id) & (Listing.mode == ListingImage.mode) & (Listing.id == ListingImage.listing_id)
    of_each = (
        select(func.count().label("count"))
        .select_from(ListingImage)
        .join(Listing, mine)
        .where(ListingImage.vendor_id == vendor.id, ListingImage.mode == mode, Listing.archived_at.is_(None))
        .group_by(ListingImage.listing_id)
        .subquery()
    )
    return int(db.session.scalar(select(func.coalesce(func.sum(func.greatest(of_each.c.count - min(most or MOST, MOST), 0)), 0))) or 0)


def get_image(listing: Listing, public: str) -> ListingImage:
    """This listing's picture; refuses with 404."""
    found = next((image for image in list_images(listing) if image.public_id == public), None)
    if found is None:
        raise NotFound("There is no such picture.")
    return found


def check_alt(alt: str) -> str:
    alt = " ".join(alt.split())
    if not alt:
        raise BadListing("Say what is to be seen: people who cannot see the picture are read this.", field="alt")
    if len(alt) > LONGEST_ALT:
        raise BadListing(said("Use %(most)s characters at most.", most=LONGEST_ALT), field="alt")
    return alt


def add_image(listing: Listing, picture: Drawn, *, by: str, alt: str) -> ListingImage:
    """The last in the row. It is shown as it is until a worker has made its smaller sizes."""
    alt = check_alt(alt)
    standing, listing = lock_to_edit(listing)
    before = list_images(listing)
    most = most_images(standing)
    if len(before) >= most:
        if most < MOST:
            raise TooMany(said("Your plan shows %(most)s pictures of a listing. Take one away first, or choose a greater plan.", most=most), field="picture")  # fmt: skip
        raise TooMany(said("%(most)s pictures at most. Take one away first.", most=MOST), field="picture")
    image = ListingImage(
        vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), listing_id=listing.id, public_id=public_id("img"), alt=alt,
        position=before[-1].position + 1 if before else 0, state="waiting", width=picture.width, height=picture.height, webp=picture.webp,
        created_at=now(),
    )  # fmt: skip
    db.session.add(image)
    enqueue("make_image_sizes", listing.vendor_id, queue="papers", mode=listing.mode, image=str(image.id))
    changed(standing, listing, by, "image.added", subject=image.public_id)
    return image


def describe_image(listing: Listing, image: ListingImage, *, by: str, alt: str) -> None:
    """Other words for it."""
    alt = check_alt(alt)
    standing, listing = lock_to_edit(listing)
    get_image(listing, image.public_id).alt = alt
    changed(standing, listing, by, "image.described", subject=image.public_id)


def move_image(listing: Listing, image: ListingImage, *, by: str, up: bool) -> None:
    """One place forwards or back; the first stays first."""
    standing, listing = lock_to_edit(listing)
    row = list_images(listing)
    at = next(n for n, one in enumerate(row) if one.public_id == image.public_id)
    to = at - 1 if up else at + 1
    if 0 <= to < len(row):
        row[at], row[to] = row[to], row[at]
        for position, one in enumerate(row):
            one.position = position
        changed(standing, listing, by, "image.moved", subject=image.public_id)


def remove_image(listing: Listing, image: ListingImage, *, by: str) -> None:
    """For good: the picture is not kept. Taking away what has gone already changes nothing."""
    standing, listing = lock_to_edit(listing)
    mine = delete(ListingImage).where(
        ListingImage.vendor_id == listing.vendor_id, ListingImage.mode == listing.mode, ListingImage.id == image.id
    )
    if db.session.scalar(mine.returning(ListingImage.id)):
        db.session.expire_all()
        changed(standing, listing, by, "image.removed", subject=image.public_id)


# --- what a worker does ---------------------------------------------------------------------------------------------------


def sizes_to_make(vendor_id: uuid.UUID, mode: str, image_id: uuid.UUID) -> tuple[bytes, list[int]] | None:
    """The picture and the widths it lacks; None for one that was taken away meanwhile."""
    image = db.session.get(ListingImage, (vendor_id, mode, image_id), options=[undefer(ListingImage.webp)])
    if image is None:
        return None
    there = select(ListingImageSize.width).where(
        ListingImageSize.vendor_id == vendor_id, ListingImageSize.mode == mode, ListingImageSize.image_id == image_id
    )
    made = set(db.session.scalars(there))
    return image.webp, [width for width in WIDTHS if width < image.width and width not in made]


def keep_sizes(vendor_id: uuid.UUID, mode: str, image_id: uuid.UUID, made: list[Drawn]) -> None:
    """Written down once, however often they were made. Pages that show the picture are out of date then."""
    image = db.session.get(ListingImage, (vendor_id, mode, image_id))
    listing = db.session.get(Listing, (vendor_id, mode, image.listing_id)) if image else None
    if listing is None:
        return
    standing, listing = lock_listing(listing)
    image = db.session.get(ListingImage, (vendor_id, mode, image_id), with_for_update=True, populate_existing=True)
    if image is None or image.state == "ready":
        return
    for one in made:
        row = insert(ListingImageSize).values(
            vendor_id=vendor_id, mode=mode, image_id=image_id, width=one.width, height=one.height, webp=one.webp
        )
        db.session.execute(row.on_conflict_do_nothing())
    image.state = "ready"
    changed(standing, listing, "system", "image.ready", subject=image.public_id)


def draw_sizes(webp: bytes, widths: list[int]) -> list[Drawn]:
    """Takes a while, so no transaction is open meanwhile."""
    return [narrower(webp, width) for width in widths]


def widths_of(images: list[ListingImage]) -> dict[uuid.UUID, list[int]]:
    """Which sizes each of a listing's pictures has, its own among them."""
    found = {image.id: [image.width] for image in images}
    if images:
        first = images[0]
        mine = select(ListingImageSize.image_id, ListingImageSize.width).where(
            ListingImageSize.vendor_id == first.vendor_id, ListingImageSize.mode == first.mode, ListingImageSize.image_id.in_(found)
        )
        for image_id, width in db.session.execute(mine):
            found[image_id].append(width)
    return {key: sorted(widths) for key, widths in found.items()}


def read_width(text: str) -> int:
    """The width that an address names; refuses with 404 what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise NotFound("There is no such picture.")
    return int(text)


def find_file(public: str, width: int) -> bytes | None:
    """The bytes of an address; the picture's own where that size is not made yet. Whoever knows the address may see it, unless its vendor
    has been hidden: the door asks that first (core/directory/public.py)."""
    if not is_public_id("img", public):
        return None
    image = db.session.scalar(select(ListingImage).where(ListingImage.public_id == public).options(undefer(ListingImage.webp)))
    if image is None:
        return None
    smaller = db.session.get(ListingImageSize, (image.vendor_id, image.mode, image.id, width)) if width < image.width else None
    return smaller.webp if smaller else image.webp
