"""Guides tick their own steps, and the list before going live names what is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.accounts.api_keys import make_key
from core.accounts.embed_origins import allow_origin
from core.accounts.models import Vendor
from core.hooks.endpoints import make_endpoint
from core.kernel.clock import now
from core.kernel.db import db
from portal.guides import GUIDES
from tests.browser import Browser, Page
from tests.factories import Shop, make_declined, make_paid, unit
from tests.portal.caller import HOME, Caller

GUIDE = "/portal/guides"


def ticks(page: Page) -> dict[str, bool]:
    """Title of a step -> whether it is ticked."""
    steps = [one for one in page.all("li") if "check-step" in one.attrs.get("class", "")]
    return {next(inner.text for inner in page.all("h2") if step in inner.parents): "is-done" in step.attrs["class"] for step in steps}


@pytest.mark.parametrize("slug", sorted(GUIDES))
def test_every_guide_is_there_for_whoever_begins(owner: Browser, slug: str) -> None:
    page = owner.get(f"{GUIDE}/{slug}")
    assert page.heading == str(GUIDES[slug][0]) and len(ticks(page)) >= 5
    assert f"{GUIDE}/{slug}" in owner.get(GUIDE).html


def test_there_is_no_other_guide(owner: Browser) -> None:
    owner.get(f"{GUIDE}/nothing", status=404)


def test_the_quick_start_is_ticked_as_it_is_done(shop: Shop, owner: Browser) -> None:
    page = owner.get(f"{GUIDE}/first-payment")
    assert len(ticks(page)) == 6 and "0 of 5 done, and 1 that only you can know" in page.text
    assert not any(ticks(page).values()) and f'"currency": "{shop.vendor.currency}"' in page.text.replace("&#34;", '"')
    caller = Caller(shop)
    caller.post(f"{HOME}/payments", {"amount": 500, "currency": "GBP", "payer": {"email": "ada@example.com"}, "description": "x"})
    done = ticks(owner.get(f"{GUIDE}/first-payment"))
    assert done["Make a secret key"] and done["Ask for a payment"] and not done["Ask how it stands"]
    caller.get(f"{HOME}/payments")
    make_paid(shop)
    done = ticks(owner.get(f"{GUIDE}/first-payment"))
    assert done["Ask how it stands"] and done["Open the page that stands in the answer, and pay"]


def test_links_websites_and_webhooks_are_seen(shop: Shop, owner: Browser) -> None:
    make_paid(shop)
    make_declined(shop)
    with unit(shop.app):
        allow_origin(shop.vendor, "test", "http://localhost:8100", by="usr_x")
        make_endpoint(shop.vendor, "test", address="http://localhost:9/x", name="", types=[], by="usr_x")
    assert ticks(owner.get(f"{GUIDE}/links"))["See what a declined card looks like"]
    assert ticks(owner.get(f"{GUIDE}/embed"))["Name your website"]
    seen = ticks(owner.get(f"{GUIDE}/webhooks"))
    assert seen["Make a webhook"] and not seen["Send a test event, and answer 2xx"]


def test_what_was_tried_in_test_mode_and_has_no_twin_in_live_mode_is_named(shop: Shop, owner: Browser) -> None:
    live = f"{GUIDE}/going-live"
    assert "There is a webhook in live mode" not in ticks(owner.get(live))
    Caller(shop).get(f"{HOME}/wallet")
    with unit(shop.app):
        make_endpoint(shop.vendor, "test", address="http://localhost:9/x", name="", types=[], by="usr_x")
        allow_origin(shop.vendor, "test", "http://localhost:8100", by="usr_x")
    done = ticks(owner.get(live))
    wanted = ("Your software has a live key", "There is a webhook in live mode", "Your website is named in live mode")
    assert [done[title] for title in wanted] == [False, False, False]
    with unit(shop.app):
        make_key(shop.vendor, "live", name="x", by="usr_x", life=timedelta(days=30))
        make_endpoint(shop.vendor, "live", address="https://shop.example/hooks", name="", types=[], by="usr_x")
        allow_origin(shop.vendor, "live", "https://shop.example", by="usr_x")
    assert all(ticks(owner.get(live))[title] for title in wanted)
    assert live in owner.get("/portal/live").html


def test_going_live_does_not_say_that_somebody_knows_who_was_never_asked(shop: Shop, owner: Browser) -> None:
    said = owner.get("/portal/live").text
    assert "Nobody is asked who they are" in said and "The platform’s staff know who you are" not in said
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).approved_at = now()
    assert "The platform’s staff know who you are" in owner.get("/portal/live").text
