"""A listing in the words of schema.org, as search engines read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from markupsafe import Markup

from core.directory.branches import spell_degrees
from core.directory.hours import DAY, spell
from core.directory.index import address_of
from core.directory.models import Branch, ListingImage, Product
from core.directory.public import Sight
from core.kernel.config import settings
from core.web import addresses

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def structured(sight: Sight, canonical: str, *, only: Branch | None, picture: Callable[[ListingImage, int], str]) -> Markup:
    """The text of a script element; nothing in it can end the element."""
    listing = sight.listing
    branches = [only] if only else sight.branches
    said: dict[str, Any] = {
        "@context": "https://schema.org", "@type": sight.category.schema_type, "@id": canonical, "url": canonical, "name": listing.title,
        "description": listing.summary,
    }  # fmt: skip
    if only:
        said["name"] = f"{listing.title}, {only.name}"
        said["parentOrganization"] = {"@type": "Organization", "name": listing.title, "url": addresses.listing(address_of(listing))}
    if sight.images:
        said["image"] = [settings().public_url + picture(image, image.width) for image in sight.images]
    said |= {name: value for name, value in (("telephone", listing.phone), ("email", listing.email), ("sameAs", listing.website)) if value}
    if len(branches) == 1:
        said |= _place(branches[0])
    elif branches:
        said["department"] = [
            {
                "@type": sight.category.schema_type, "name": f"{listing.title}, {branch.name}",
                "url": addresses.listing(address_of(listing), branch.slug), **_place(branch),
            }
            for branch in branches
        ]  # fmt: skip
    if sight.products:
        said["makesOffer"] = [_offer(product) for product in sight.products[:50]]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _place(branch: Branch) -> dict[str, Any]:
    said: dict[str, Any] = {
        "address": {
            "@type": "PostalAddress", "addressLocality": branch.town, "addressCountry": branch.country,
            **{name: value for name, value in (("streetAddress", branch.street), ("postalCode", branch.postcode)) if value},
        }
    }  # fmt: skip
    if branch.phone:
        said["telephone"] = branch.phone
    if branch.lat_e6 is not None:
        said["geo"] = {"@type": "GeoCoordinates", "latitude": spell_degrees(branch.lat_e6), "longitude": spell_degrees(branch.lon_e6)}
    hours = [_hours({"dayOfWeek": DAYS[int(day)]}, one) for day, intervals in sorted(branch.hours.items()) for one in intervals]
    if hours:
        said["openingHoursSpecification"] = hours
    special = [
        _hours({"validFrom": day, "validThrough": day}, one)
        for day, intervals in sorted(branch.exceptions.items())
        for one in (intervals or [[0, 0]])
        if date.fromisoformat(day)
    ]
    if special:
        said["specialOpeningHoursSpecification"] = special
    return said


def _hours(when: dict[str, str], interval: list[int]) -> dict[str, str]:
    begin, end = interval
    return {"@type": "OpeningHoursSpecification", **when, "opens": spell(begin), "closes": "23:59" if end == DAY else spell(end)}


def _offer(product: Product) -> dict[str, Any]:
    said: dict[str, Any] = {"@type": "Offer", "itemOffered": {"@type": "Product", "name": product.name}}
    if product.price is not None:
        said |= {"price": product.price.decimal_text, "priceCurrency": product.currency}
    return said
