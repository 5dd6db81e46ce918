"""The branding page in a real browser: the preview follows the typing with scripts, a button shows it without, and a payer sees the result."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.factories import Shop, link_address, make_link
from tests.sight import barriers

Visit = Callable[..., Page]
LIGHT, DARK = 'iframe[src*="scheme=light"]', 'iframe[src*="scheme=dark"]'
BUTTON = "getComputedStyle(document.querySelector('.button-primary')).backgroundColor"


def enter(page: Page, shop: Shop, live_server: str) -> Page:
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/settings/branding")
    return page


def button_in(page: Page, frame: str) -> str:
    expect(page.frame_locator(frame).get_by_text("An example", exact=True)).to_be_visible()
    return str(page.frame_locator(frame).locator(".button-primary").evaluate("(e) => getComputedStyle(e).backgroundColor"))


def test_while_a_colour_is_typed_the_pictures_follow_and_nothing_is_saved(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    assert (button_in(page, LIGHT), button_in(page, DARK)) == ("rgb(10, 85, 96)", "rgb(126, 211, 223)")
    page.evaluate("window.stayed = true")
    page.locator("#accent").fill("#635bff")
    expect(page.locator('iframe[src*="accent=%23635bff"]')).to_have_count(4)  # the checkout in both schemes, a letter, a receipt
    assert button_in(page, LIGHT) == "rgb(99, 91, 255)" and page.evaluate("window.stayed")
    page.locator("#accent").fill("#ffd400")
    expect(page.locator("#branding-preview .error")).to_contain_text("1.31:1")
    page.reload()
    assert button_in(page, LIGHT) == "rgb(10, 85, 96)"


def test_the_picker_and_the_field_say_the_same(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    pickers = page.locator('input[type="color"]')
    assert [pickers.nth(n).input_value() for n in (0, 1)] == ["#0a5560", "#7ed3df"]
    pickers.first.fill("#7a3e9d")
    expect(page.locator("#accent")).to_have_value("#7a3e9d")
    expect(page.locator('iframe[src*="accent=%237a3e9d"]')).to_have_count(4)  # the checkout in both schemes, a letter, a receipt


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_refused_colour_is_replaced_with_one_press_and_a_payer_sees_it(
    visitor: Visit, shop: Shop, live_server: str, scripts: bool
) -> None:
    page = enter(visitor(scripts=scripts, phone=True), shop, live_server)
    page.locator("#accent").fill("#ffd400")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("1.31:1")
    if scripts:
        assert barriers(page) == []
    page.get_by_role("button", name="Use #a68c06").click()
    expect(page.get_by_text("Saved. Payers see it from now on.")).to_be_visible()
    payer = visitor(phone=True)
    payer.goto(link_address(shop, make_link(shop)))
    assert payer.evaluate(BUTTON) == "rgb(166, 140, 6)"
    dark = visitor(phone=True, color_scheme="dark")
    dark.goto(link_address(shop, make_link(shop)))
    assert dark.evaluate(BUTTON) == "rgb(166, 140, 6)"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_logo_is_sent_and_seen_by_a_payer(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> None:
    page = enter(visitor(scripts=scripts), shop, live_server)
    drawn = io.BytesIO()
    Image.new("RGB", (300, 100), (180, 35, 90)).save(drawn, "PNG")
    page.get_by_label("Picture").set_input_files({"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"})
    page.get_by_role("button", name="Use this picture").click()
    expect(page.get_by_role("alert")).to_contain_text("SVG")
    page.get_by_label("Picture").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": drawn.getvalue()})
    page.get_by_role("button", name="Use this picture").click()
    expect(page.get_by_alt_text("Your logo as payers see it")).to_be_visible()
    payer = visitor()
    payer.goto(link_address(shop, make_link(shop)))
    seen = payer.locator(".till-vendor img")
    assert seen.evaluate("(e) => e.complete && e.naturalWidth > 0 && Math.abs(e.width / e.height - 3) < 0.1")
    expect(payer.locator(".till-vendor")).to_have_text(shop.vendor.name)
