"""On a small screen (a phone with a keyboard, or a desk at four hundred per cent) the bar at the bottom never lies over what has the focus, and nothing is
wider than the screen, in the language with the longer words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.factories import make_paid, make_shop
from tests.sight import wider_than_screen

STEPS = 60
UNDER_THE_BAR = """() => {
  const one = document.activeElement, bar = document.querySelector(".tabbar");
  if (one === document.body || bar.contains(one)) return null;
  const box = one.getBoundingClientRect();
  return box.bottom > bar.getBoundingClientRect().top + 1 && box.height < innerHeight / 2 ? one.outerHTML.slice(0, 120) : null;
}"""


@pytest.mark.parametrize("path", ["/portal/payments", "/portal/settings", "/portal/settings/notifications"])
def test_what_has_the_focus_is_not_under_the_bar(visitor: Callable[..., Page], app: Flask, live_server: str, path: str) -> None:
    shop = make_shop(app)
    for _ in range(8):
        make_paid(shop)
    page = visitor(phone=True)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto(f"{path}?lang=de")
    page.set_viewport_size({"width": 320, "height": 640})
    assert not wider_than_screen(page)
    for _ in range(STEPS):
        page.keyboard.press("Tab")
        assert page.evaluate(UNDER_THE_BAR) is None
