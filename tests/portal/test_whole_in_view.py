"""Sums, numbers and addresses stand whole on a page, whatever room there is between a phone and a wide desk; what opens says so."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page

from tests.factories import make_link, make_paid, make_shop

WIDTHS = (768, 1024, 1280)
ADDRESS = "wilhelmina.von.hohenberg@mailbox.example"
STICKS_OUT = """() => [...document.querySelectorAll('.stat')].filter((stat) => {
  const sum = stat.querySelector('.stat-value .amount');
  return sum && sum.getBoundingClientRect().right > stat.getBoundingClientRect().right - 4;
}).length"""
ON_ONE_LINE = """(cell) => [...cell.childNodes].filter((node) => node.nodeType === 3).every((node) => {
  const words = document.createRange();
  words.selectNodeContents(node);
  return new Set([...words.getClientRects()].map((line) => Math.round(line.top))).size === 1;
})"""


def test_sums_numbers_and_addresses_are_whole_at_every_width(app: Flask, visitor: Callable[..., Page], live_server: str) -> None:
    shop = make_shop(app, currency="KWD", country="DE")
    payment = make_paid(shop, make_link(shop, title="A hall", amount="987654.321", currency="KWD"), email=ADDRESS)
    page = visitor()
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto(f"/portal/payments/{payment.public_id}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(STICKS_OUT) == 0, width
        assert page.locator("#copy-number").evaluate("(field) => field.scrollWidth <= field.clientWidth"), width
    opens = page.locator(".why > summary").first
    assert opens.evaluate("(summary) => getComputedStyle(summary, '::before').content") != "none"
    assert page.locator("summary.button").first.evaluate("(summary) => getComputedStyle(summary, '::before').content") == "none"
    page.goto("/portal/customers")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".cell-main a").first.evaluate(ON_ONE_LINE), width


def test_at_a_laptops_height_every_entry_of_the_menu_is_in_sight(app: Flask, visitor: Callable[..., Page], live_server: str) -> None:
    page = visitor()
    page.context.add_cookies([{"name": "seat", "value": make_shop(app).secret, "url": live_server}])
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/portal/")
    assert page.locator(".rail-nav").evaluate("(menu) => menu.scrollHeight <= menu.clientHeight")
    assert page.locator(".rail-foot").evaluate("(foot) => foot.getBoundingClientRect().bottom <= innerHeight")
