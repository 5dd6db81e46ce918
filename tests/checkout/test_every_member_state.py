"""Every page of a membership, in each of its states: free of barriers in light and dark, whole on the smallest screens, and valid HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser import Browser
from tests.checkout.test_every_state import CUT, SMALL, ZOOMED, barriers, every, unthrottled
from tests.member_pages import member_states
from tests.sight import wider_than_screen
from tests.valid_html import problems_of_html
from tests.world import State

__all__ = ["unthrottled"]


@pytest.fixture(scope="module")
def states(app: Flask) -> list[State]:
    return member_states(app)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_free_of_barriers(visitor: Callable[..., Page], states: list[State], scheme: str) -> None:
    seen = every(visitor, states, color_scheme=scheme, phone=scheme == "dark")
    wrong = [(name, barrier) for name, page in seen for barrier in barriers(page)]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_state_is_wider_than_the_smallest_screen_or_than_four_hundred_percent(visitor: Callable[..., Page], states: list[State]) -> None:
    wrong = []
    for name, page in every(visitor, states, phone=True):
        for size in (SMALL, ZOOMED):
            page.set_viewport_size(size)
            if wider_than_screen(page):
                wrong.append((name, size["width"], "is wider than the screen"))
            if cut := page.evaluate(CUT):
                wrong.append((name, size["width"], f"is cut off: {cut}"))
        page.set_viewport_size(SMALL)
    assert not wrong, "\n".join(map(str, wrong))


def test_every_state_is_valid_html_without_codes(app: Flask, states: list[State]) -> None:
    wrong: list[Any] = []
    for state in states:
        page = Browser(app).get(state.path)
        wrong += [(state.name, problem) for problem in problems_of_html(page.html)]
        wrong += [(state.name, code) for code in ("bread-club", "past_due", "cancel_planned", "mbr_", "sub_") if code in page.text]
    assert not wrong, "\n".join(map(str, wrong))
