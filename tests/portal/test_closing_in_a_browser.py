"""Closing the account on a telephone and at a desk, without scripts too: nothing is in the way of reading it, pressing it, and taking it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD, Shop, link_address, make_link, make_paid, make_payment, open_payment, tell
from tests.sight import barriers

Visit = Callable[..., Page]


def is_sound(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert barriers(page) == []


def test_what_is_in_the_way_can_be_read(visitor: Visit, shop: Shop, live_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_paid(shop)
    payment = make_payment(shop, email="under-way@example.com")
    tell(shop, payment, open_payment(shop, payment), "processing")
    monkeypatch.setattr("portal.closing.LIVE", "test")  # money of the world in which tests have some
    for phone in (True, False):
        page = visitor(phone=phone)
        page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
        page.goto("/portal/settings/close")
        expect(page.get_by_role("heading", name="What has to end first")).to_be_visible()
        is_sound(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_it_is_closed_and_taken_back_by_hand(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> None:
    page, link = visitor(scripts=scripts, phone=True), make_link(shop)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/settings/close")
    page.get_by_label("Name of the business").fill(shop.vendor.name)
    page.get_by_role("button", name="Close the account").click()
    expect(page.locator("#notices")).to_contain_text("The way back is in our letter")
    page.goto(link_address(shop, link))
    expect(page.get_by_text("takes no payments here any more")).to_be_visible()
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(shop.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="This account is being closed")).to_be_visible()
    if scripts:
        is_sound(page)
    page.get_by_role("button", name="Keep the account").click()
    expect(page.locator("#notices")).to_contain_text("the account stays")
