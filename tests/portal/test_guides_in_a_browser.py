"""Guides and the page of a key, on a telephone and at a desk: whole, and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from portal.api import blueprint
from portal.guides import GUIDES
from tests.factories import Shop, make_paid
from tests.portal.caller import HOME, Caller
from tests.portal.test_closing_in_a_browser import is_sound

Visit = Callable[..., Page]


def test_guides_and_a_keys_page_are_whole_and_free_of_barriers(visitor: Visit, shop: Shop, live_server: str) -> None:
    make_paid(shop)
    caller = Caller(shop, kind="rk", scopes=["balance:read", "refunds:write"], addresses=["127.0.0.1"])
    for path in ("wallet", "payments"):
        caller.get(f"{HOME}/{path}", **{"User-Agent": "a-shop-with-a-long-name/1.2.3 (production; eu-central)"})
    blueprint.calls.flush(shop.app)
    for phone in (True, False):
        page = visitor(phone=phone)
        page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
        for path in (
            "/portal/guides",
            *(f"/portal/guides/{slug}" for slug in GUIDES),
            f"/portal/keys/{caller.key.public_id}",
            "/portal/live",
        ):
            page.goto(path)
            is_sound(page)
