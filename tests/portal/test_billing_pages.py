"""The pages of plans and memberships, as vendors and staff see them in every state: free of barriers, as wide as the screen, and valid HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page

from core.web.throttle import limiter
from tests.billing_pages import Seen, membership_pages, plan_pages, staff_pages
from tests.portal.admin.people import make_staff
from tests.sight import wider_than_screen
from tests.valid_html import problems_of_html


@pytest.fixture(scope="module")
def seen(app: Flask) -> list[Seen]:
    return [*plan_pages(app), *membership_pages(app)]


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


def problems(page: Page, name: str) -> list[Any]:
    found = Axe().run(page, context={"exclude": [[".practice-mark"]]}).response["violations"]
    wrong: list[Any] = [(name, rule["id"], rule["impact"], [node["target"] for node in rule["nodes"]][:3]) for rule in found]
    if wider_than_screen(page):
        wrong.append((name, "is wider than the screen"))
    return wrong + [(name, problem) for problem in problems_of_html(page.content())]


@pytest.mark.parametrize(("phone", "scheme"), [(True, "light"), (False, "dark")])
def test_every_page_of_a_vendors_plan_and_memberships(
    visitor: Callable[..., Page], live_server: str, seen: list[Seen], phone: bool, scheme: str
) -> None:
    page, wrong = visitor(phone=phone, color_scheme=scheme), []
    for shop, state in seen:
        page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
        answer = page.goto(state.path)
        assert answer and answer.status == 200, (state.name, answer and answer.status)
        if state.act:
            state.act(page)
        wrong += problems(page, state.name)
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(("phone", "scheme"), [(True, "light"), (False, "dark")])
def test_every_page_of_plans_at_the_staffs_desk(
    app: Flask, visitor: Callable[..., Page], live_server: str, phone: bool, scheme: str
) -> None:
    page, wrong = visitor(phone=phone, color_scheme=scheme), []
    page.context.add_cookies([{"name": "staff", "value": make_staff(app).secret, "url": live_server}])
    for state in staff_pages(app):
        answer = page.goto(state.path)
        assert answer and answer.status == 200, (state.name, answer and answer.status)
        assert state.act
        state.act(page)
        wrong += problems(page, state.name)
    assert not wrong, "\n".join(map(str, wrong))
