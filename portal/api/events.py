"""The ordered feed of events for the vendor's own software: a thin door over core/hooks/feed.py."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.hooks.feed import MOST, MOST_CHANGES, check_types, envelope, get_event, list_changes, list_events
from core.kernel.keyset import USUAL
from portal.api.endpoint import endpoint
from portal.api.kinds import Number, Text
from portal.api.objects_hooks import CHANGES, EVENT, FEED


@endpoint(
    "GET", "/events", gives=FEED, also=(410,),
    query={
        "after": Text(about="Go on behind this event, by its id; left out: from the oldest that is kept.", usual="", most=60),
        "type": Text(about="Only these types, or whole families, with commas between: payment.succeeded,refund.*", usual="", most=1000),
        "limit": Number(about="How many at most.", usual=USUAL, least=1, most=MOST),
    },
)  # fmt: skip
def list_feed(vendor: Vendor, mode: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Read what happened

    Events oldest first, from behind `after`. Ask on with `next`: nothing is missed and nothing comes twice.
    """
    types = check_types([one for one in asked["type"].split(",") if one], field="type")
    return FEED.encode(list_events(vendor, mode, after=asked["after"] or None, types=types, limit=asked["limit"]))


@endpoint("GET", "/events/<number>", gives=EVENT)
def show_feed_event(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read an event, as it was told"""
    return EVENT.encode(envelope(get_event(vendor, mode, number)))


@endpoint(
    "GET", "/changes", gives=CHANGES, also=(410,),
    query={
        "after": Number(about="Go on behind this place, `next` of the last answer; 0: from the oldest that is kept.", usual=0),
        "type": Text(about="Only these types, or whole families, with commas between: payment.succeeded,refund.*", usual="", most=1000),
        "limit": Number(about="How many at most.", usual=100, least=1, most=MOST_CHANGES),
    },
)  # fmt: skip
def follow_changes(vendor: Vendor, mode: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Follow everything that changes

    The same feed in short lines, a thousand at once: for a store of your own that keeps one number and asks on from it.
    """
    types = check_types([one for one in asked["type"].split(",") if one], field="type")
    return CHANGES.encode(list_changes(vendor, mode, after=asked["after"], types=types, limit=asked["limit"]))
