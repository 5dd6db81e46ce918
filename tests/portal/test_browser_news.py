"""What a page that stays open asks by itself: the number on the bell, and news on the reader's screen, with nobody's money in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.models import UserSession
from core.accounts.sessions import IDLE, hash_secret
from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.notices import post_notice
from portal import notices
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_paid, make_shop, unit

NEWS = "/portal/notices/news"
# There is no screen here on which the system would show anything: what the page asks the browser to show is written down instead.
SCREEN = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { return (Notification.permission = "granted"); }
  constructor(title, more) { shown.push([title, more.body, more.tag]); }
};
"""


def ask(browser: Browser, since: str = "") -> dict[str, Any]:
    answer = browser.client.get(f"{NEWS}?since={since}")
    assert answer.status_code == 200
    return dict(answer.get_json())


def tell(shop: Shop, kind: str = "payment_received") -> str:
    paid = make_paid(shop)
    with unit(shop.app):
        return post_notice(shop.vendor, kind, mode="test", about=paid.public_id).public_id


def until(page: Any, true: str) -> None:
    """Waits for the page, which may not turn texts into scripts."""
    for _ in range(600):
        if page.evaluate(true):
            return
        page.wait_for_timeout(100)
    raise AssertionError(true)


def test_only_what_came_since_is_news_and_nothing_of_who_paid(shop: Shop, owner: Browser) -> None:
    assert ask(owner) == {"newest": "start", "news": [], "unread": ""}
    first = tell(shop)
    assert ask(owner) == {"newest": first, "news": [], "unread": "1"}, "whoever knows nothing yet is not told everything"
    assert ask(owner, "start")["news"] == [{"id": first, "title": "Payment received"}]
    second, third = tell(shop, "refund_failed"), tell(shop)
    told = ask(owner, first)
    assert ([one["id"] for one in told["news"]], told["newest"], told["unread"]) == ([third, second], third, "3")
    assert ask(owner, third) == {"newest": third, "news": [], "unread": "3"}
    owner.submit(owner.get("/portal/notices").form("/portal/notices/read"))
    assert ask(owner, first) == {"newest": first, "news": [], "unread": ""}, "what was read elsewhere is no news"


def test_it_is_the_readers_own_and_nobody_elses(app: Flask, shop: Shop, owner: Browser) -> None:
    colleague = make_colleague(shop, "support").browser()
    known = tell(shop)
    assert ask(colleague, "start")["unread"] == "1"
    other = make_shop(app).browser()
    assert ask(other, "start") == {"newest": "start", "news": [], "unread": ""}
    assert other.client.get(f"{NEWS}?since={known}").status_code == 404
    assert owner.client.get(f"{NEWS}?since=ntc_%00").status_code == 404
    assert "/sign-in" in Browser(app).client.get(NEWS).headers["Location"]


def test_a_page_left_open_does_not_keep_its_reader_signed_in(shop: Shop, owner: Browser) -> None:
    for hours in range(1, 12):
        with shifted(timedelta(hours=hours)):
            ask(owner)
    with unit(shop.app):
        row = db.session.get_one(UserSession, hash_secret(shop.secret))
        assert row.seen_at - row.created_at < timedelta(hours=1)
    with shifted(IDLE + timedelta(minutes=5)):
        assert owner.client.get(NEWS).status_code == 303


def test_news_appear_in_a_browser_whose_reader_wants_them(
    shop: Shop, visitor: Callable[..., Any], live_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "NEWS_EVERY", 1)
    page = visitor()
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.add_init_script(SCREEN)
    page.goto(f"{live_server}/portal/settings/notifications")
    page.get_by_role("button", name="Show news on this screen").click()
    page.get_by_text("News appear on this screen.").wait_for()
    until(page, "localStorage.length === 2")
    first = tell(shop)
    until(page, "shown.length === 1")
    assert page.evaluate("shown") == [["Payment received", f"{shop.vendor.name} (test)", first]]
    assert page.locator(".rail .bell-count").inner_text().split() == ["1", "unread"]
    page.get_by_role("button", name="Stop showing them here").click()
    tell(shop)
    page.locator(".rail .bell-count", has_text="2").wait_for()
    assert page.evaluate("shown.length") == 1
