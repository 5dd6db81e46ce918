"""Makes what a test of the directory needs: a shop that looks at live things, a listing with a branch and products in it."""

from __future__ import annotations

import io
import secrets
from dataclasses import replace
from typing import Any

from flask import Flask
from PIL import Image

from core.accounts.models import User
from core.directory.branches import BranchTerms, add_branch
from core.directory.images import add_image
from core.directory.listings import ListingTerms, create_listing, publish_listing
from core.directory.models import Branch, Listing, ListingImage, Product
from core.directory.picture import draw_picture
from core.directory.products import ProductTerms, add_product
from core.kernel.db import db
from tests.factories import Shop, again, make_shop, unit

BRISTOL = (51_454_500, -2_587_900)
EVERY_DAY = {str(day): [[9 * 60, 17 * 60]] for day in range(7)}


def unheard() -> str:
    """A word that stands nowhere else in the directory: tests share it."""
    return "q" + "".join(secrets.SystemRandom().sample("bcdfghjklmnpqrstvwxz", 9))  # no letter twice: two alike cannot be mixed up


def live_shop(app: Flask, **more: Any) -> Shop:
    """A shop whose owner looks at live things."""
    from core.accounts.models import UserSession

    shop = make_shop(app, **more)
    with unit(app):
        db.session.query(UserSession).filter_by(user_id=shop.user.id).update({"mode": "live"})
    return replace(shop, mode="live")


def make_listing(shop: Shop, *, publish: bool = True, title: str = "Blue Door Bakery", **terms: Any) -> Listing:
    wanted = {"category": "bakery", "summary": "Slow bread, baked at night."} | terms
    with unit(shop.app):
        listing = create_listing(shop.vendor, mode=shop.mode, by=shop.user.public_id, terms=ListingTerms(title=title, **wanted))
        return publish_listing(listing, by=db.session.get_one(User, shop.user.id)) if publish else listing


def make_branch(shop: Shop, listing: Listing, *, at: tuple[int, int] | None = BRISTOL, **terms: Any) -> Branch:
    wanted = {"name": "High Street", "town": "Bristol", "country": "GB", "time_zone": "Europe/London", "hours": EVERY_DAY} | terms
    with unit(shop.app):
        place = {"lat_e6": at[0], "lon_e6": at[1]} if at else {}
        return add_branch(again(listing), by=shop.user.public_id, terms=BranchTerms(**wanted, **place))


def make_product(shop: Shop, listing: Listing, *, name: str = "Rye loaf", publish: bool = True, **terms: Any) -> Product:
    wanted = {"currency": shop.vendor.currency, "price_minor": 450} | terms
    with unit(shop.app):
        return add_product(again(listing), by=shop.user.public_id, terms=ProductTerms(name=name, **wanted), publish=publish)


def photograph(*, size: tuple[int, int] = (900, 600), kind: str = "JPEG", exif: bool = False) -> bytes:
    """A picture file; with notes in it of where it was taken."""
    made, notes = io.BytesIO(), Image.Exif()
    notes[0x010E] = "secret note"
    notes.get_ifd(0x8825)[1] = "N"
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.save(made, kind, **({"exif": notes} if exif else {}))
    return made.getvalue()


def make_image(shop: Shop, listing: Listing, *, alt: str = "A loaf on a board", **how: Any) -> ListingImage:
    with unit(shop.app):
        return add_image(again(listing), draw_picture(photograph(**how)), by=shop.user.public_id, alt=alt)
