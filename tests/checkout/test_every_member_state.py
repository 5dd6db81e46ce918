"""Every page of a membership, in each of its states: free of barriers in light and dark, whole on the smallest screens, and valid HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser import Browser
from tests.checkout.test_every_state import FOREIGN, every, spilling, unthrottled
from tests.member_pages import member_states
from tests.sight import DESK, sound_on_both
from tests.valid_html import problems_of_html
from tests.world import State

__all__ = ["unthrottled"]


@pytest.fixture(scope="module")
def states(app: Flask) -> list[State]:
    return member_states(app)


def test_every_state_is_free_of_barriers_and_spills_over_no_screen(visitor: Callable[..., Page], states: list[State]) -> None:
    wrong: list[Any] = []
    for name, page in every(visitor, states):
        wrong += sound_on_both(page, name, without=FOREIGN)
        wrong += [(name, *spilt) for spilt in spilling(page)]
        page.set_viewport_size(DESK)
    assert not wrong, "\n".join(map(str, wrong))


def test_every_state_is_valid_html_without_codes(app: Flask, states: list[State]) -> None:
    wrong: list[Any] = []
    for state in states:
        page = Browser(app).get(state.path)
        wrong += [(state.name, problem) for problem in problems_of_html(page.html)]
        wrong += [(state.name, code) for code in ("bread-club", "past_due", "cancel_planned", "mbr_", "sub_") if code in page.text]
    assert not wrong, "\n".join(map(str, wrong))
