"""A listing's public page, and that of each of its branches."""

from __future__ import annotations

from flask import Response, make_response, redirect, url_for

from core.directory.index import address_of
from core.directory.models import ListingImage
from core.directory.public import open_listing, see_listing
from core.kernel.errors import NotFound
from core.web.guard import public
from core.web.kept import kept
from core.web.page import page
from portal.directory.blueprint import directory
from portal.directory.sight import look_of


@directory.get("/directory/<address>")
@public
def listing(address: str) -> Response:
    return _page(address, "")


@directory.get("/directory/<address>/<branch>")
@public
def branch(address: str, branch: str) -> Response:
    return _page(address, branch)


def _page(address: str, slug: str) -> Response:
    """Whether it is shown is asked each time; how it looks may have been kept, under the number of its last change."""
    shown = open_listing(address)
    if address != address_of(shown.listing):
        endpoint = "directory.branch" if slug else "directory.listing"
        return make_response(redirect(url_for(endpoint, address=address_of(shown.listing), branch=slug or None), 301))

    def write() -> Response:
        sight = see_listing(shown.vendor, shown.listing)
        only = next((one for one in sight.branches if one.slug == slug), None) if slug else None
        if slug and only is None:
            raise NotFound("There is nothing at this address.")
        return page("portal/public/listing.html", branch=only, preview=False, **look_of(sight, picture=picture_address, only=only))

    return kept(("listing", shown.listing.id, slug, shown.version), write)


def picture_address(image: ListingImage, width: int) -> str:
    return url_for("directory.picture", image=image.public_id, width=width)
