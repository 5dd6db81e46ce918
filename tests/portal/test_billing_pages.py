"""The pages of plans and memberships, as vendors and staff see them in every state: free of barriers, as wide as the screen, and valid HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from core.web.throttle import limiter
from tests.billing_pages import Seen, membership_pages, plan_pages, staff_pages
from tests.portal.admin.people import make_staff
from tests.sight import sound_on_both
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
    return sound_on_both(page, name, without=[".practice-mark"]) + [(name, problem) for problem in problems_of_html(page.content())]


def test_every_page_of_a_vendors_plan_and_memberships(visitor: Callable[..., Page], live_server: str, seen: list[Seen]) -> None:
    page, wrong = visitor(), []
    for shop, state in seen:
        page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
        answer = page.goto(state.path)
        assert answer and answer.status == 200, (state.name, answer and answer.status)
        if state.act:
            state.act(page)
        wrong += problems(page, state.name)
    assert not wrong, "\n".join(map(str, wrong))


def test_every_page_of_plans_at_the_staffs_desk(app: Flask, visitor: Callable[..., Page], live_server: str) -> None:
    page, wrong = visitor(), []
    page.context.add_cookies([{"name": "staff", "value": make_staff(app).secret, "url": live_server}])
    for state in staff_pages(app):
        answer = page.goto(state.path)
        assert answer and answer.status == 200, (state.name, answer and answer.status)
        assert state.act
        state.act(page)
        wrong += problems(page, state.name)
    assert not wrong, "\n".join(map(str, wrong))
