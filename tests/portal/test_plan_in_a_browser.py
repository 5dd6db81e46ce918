"""The simulator and the time machine in a real browser: with scripts and without, by touch, and free of barriers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.kernel.clock import now
from tests.core.subscriptions.plans import publish
from tests.factories import Shop, make_shop
from tests.portal.test_in_a_browser import enter
from tests.portal.test_plan_clock import begin, ride
from tests.sight import barriers, wider_than_screen

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    publish(app)
    return begin(make_shop(app, business="Harbour Bakery"))


def soon(days: int) -> str:
    return (now().date() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("scripts", [True, False])
def test_wishes_are_written_down_played_and_kept_in_the_address(visitor: Visit, live_server: str, shop: Shop, scripts: bool) -> None:
    page = enter(visitor(scripts=scripts, phone=True), shop, live_server)
    page.goto("/portal/plan/simulator")
    page.get_by_label("When").fill(soon(20))
    page.get_by_label("What", exact=True).select_option("more_branches")
    page.get_by_label("How many").fill("3")
    page.get_by_role("button", name="One more row").click()
    expect(page.get_by_label("When")).to_have_count(3)
    page.get_by_label("When").nth(1).fill(soon(25)[:7])
    page.get_by_label("What", exact=True).nth(1).select_option("hibernate")
    page.get_by_label("How many").nth(1).fill("")
    page.get_by_role("button", name="Work it out").click()
    page.wait_for_url("**hibernate**")
    page.reload()
    expect(page.get_by_label("How many").first).to_have_value("3")
    expect(page.get_by_label("What", exact=True).nth(1)).to_have_value("hibernate")
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_label("When")).to_have_count(2)
    assert not wider_than_screen(page)


def test_a_mistake_comes_back_at_its_row_with_what_was_typed(visitor: Visit, live_server: str, shop: Shop) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/plan/simulator")
    page.get_by_label("When").fill("next Tuesday")
    page.get_by_label("What", exact=True).select_option("resume")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("alert")).to_contain_text("Wish 1: Write the day like")
    expect(page.get_by_label("When").first).to_have_value("next Tuesday")
    assert barriers(page) == []


def test_the_year_is_free_of_barriers_and_unfolds_by_keyboard(visitor: Visit, live_server: str, shop: Shop) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto(f"/portal/plan/simulator?on={soon(20)}&do=more_branches&n=3&tier=")
    assert barriers(page) == []
    invoice = page.locator(".paper-lines > summary").first
    invoice.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".paper-lines .formula").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_clock_is_moved_and_the_page_follows(visitor: Visit, live_server: str, app: Flask, scripts: bool) -> None:
    shop = begin(make_shop(app, business="Harbour Bakery"))
    page = enter(visitor(scripts=scripts, phone=not scripts), shop, live_server)
    page.goto("/portal/plan/clock")
    if scripts:
        assert barriers(page) == []
    page.get_by_role("button", name="One month on").click()
    expect(page.get_by_role("button", name="Stop here")).to_be_visible()
    ride(shop)
    expect(page.get_by_role("button", name="One month on")).to_be_visible()
    expect(page.get_by_text("The card is asked").first).to_be_visible()
    if scripts:
        assert barriers(page) == []
    assert not wider_than_screen(page)
