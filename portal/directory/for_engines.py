"""What search engines ask for: the map of the site, in parts, and what they need not read."""

from __future__ import annotations

import re
import uuid

from flask import Response, current_app, url_for
from markupsafe import escape

from core.directory.public import sitemap_part, sitemap_parts
from core.directory.queries import list_categories
from core.directory.standing import pulse
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.web import addresses
from core.web.guard import public
from core.web.kept import kept
from portal.directory.blueprint import directory

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
XMLNS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
FIRST = "first"
_PART = re.compile(rf"[0-9a-f]{{32}}|{FIRST}")


@directory.get("/robots.txt")
@public
def robots() -> Response:
    private = "".join(
        f"Disallow: {path}\n" for path in ("/portal/", "/staff/", "/pay/", "/checkout/", "/receipt/", "/invitation/", "/directory/report/")
    )
    return _plain(f"User-agent: *\n{private}Sitemap: {settings().public_url}/sitemap.xml\n", "text/plain")


@directory.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """The parts there are now. Each begins after a listing, so that a new one at the end leaves the others as they are."""

    def write() -> Response:
        names = [after.hex if after else FIRST for after in sitemap_parts()]
        parts = "".join(f"<sitemap><loc>{settings().public_url}{url_for('.sitemap_of', part=name)}</loc></sitemap>\n" for name in names)
        return _plain(f"{HEAD}<sitemapindex {XMLNS}>\n{parts}</sitemapindex>\n")

    return _typed(kept(("sitemap", pulse()), write))


@directory.get("/directory/sitemap-<part>.xml")
@public
def sitemap_of(part: str) -> Response:
    if not _PART.fullmatch(part) or (part != FIRST and uuid.UUID(part) not in sitemap_parts()):
        raise NotFound("There is nothing at this address.")

    def write() -> Response:
        first = part == FIRST
        rows = [(addresses.listing(address), day) for address, day in sitemap_part(None if first else uuid.UUID(part))]
        fixed = [addresses.directory(), *(f"{addresses.directory()}/category/{one.slug}" for one in list_categories())] if first else []
        urls = "".join(f"<url><loc>{escape(loc)}</loc></url>\n" for loc in fixed)
        urls += "".join(f"<url><loc>{escape(loc)}</loc><lastmod>{day}</lastmod></url>\n" for loc, day in rows)
        return _plain(f"{HEAD}<urlset {XMLNS}>\n{urls}</urlset>\n")

    return _typed(kept(("sitemap", part, pulse()), write))


def _plain(text: str, kind: str = "application/xml") -> Response:
    return current_app.response_class(text, 200, content_type=f"{kind}; charset=utf-8")


def _typed(response: Response) -> Response:
    response.content_type = "application/xml; charset=utf-8"
    return response
