"""The ordered feed of events for the vendor's own software: a thin door over core/hooks/feed.py."""

from __future__ import annotations

from typing import Any

from flask import request

from core.accounts.models import Vendor
from core.hooks.feed import MOST, check_types, envelope, get_event, list_events
from portal.api.blueprint import api
from portal.api.guard import by_key
from portal.api.reading import BodyRefused

Answer = tuple[dict[str, Any], int]


@api.get("/events")
@by_key
def list_feed(vendor: Vendor, mode: str) -> Answer:
    """Events oldest first, from behind `after`. Ask on with `next`: nothing is missed and nothing comes twice."""
    types = check_types([one for text in request.args.getlist("type") for one in text.split(",") if one], field="type")
    found = list_events(vendor, mode, after=request.args.get("after"), types=types, limit=page_size())
    return {"object": "list", "data": [envelope(one) for one in found.rows], "next": found.next, "has_more": found.has_more}, 200


@api.get("/events/<number>")
@by_key
def show_feed_event(vendor: Vendor, mode: str, number: str) -> Answer:
    """One event, as it was told."""
    return envelope(get_event(vendor, mode, number)), 200


def page_size() -> int:
    """How many rows the caller wants. Refuses what is no number from 1 to 100."""
    limit = request.args.get("limit", "25")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= MOST):
        raise BodyRefused("A page has between 1 and 100 rows.", field="limit")
    return int(limit)
