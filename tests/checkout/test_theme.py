"""A payer's pages follow the screen, unless the address has chosen light or dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser import Browser

DARK_GROUND, LIGHT_GROUND = "#0d1514", "#f4f6f5"


def forced(text: str) -> str:
    found = re.search(r'<meta name="color-scheme" content="([^"]+)"', text)
    assert found
    return found[1]


def ground(text: str) -> str | None:
    """The page's ground as the style beside the sheet sets it; None where it sets none."""
    block = re.search(r":root\{color-scheme:[^}]*\}", text)
    return re.findall(r"--ground:\s*(#[0-9a-f]{6});", block[0])[-1] if block else None  # the last one counts


def test_without_a_wish_the_screen_decides(payer: Browser, new_path: Callable[..., str]) -> None:
    page = payer.get(new_path())
    assert forced(page.html) == "light dark" and ground(page.html) is None


def test_the_address_forces_a_theme_and_the_next_pages_keep_it(
    payer: Browser, another_payer: Browser, new_path: Callable[..., str]
) -> None:
    path = new_path()
    payer.get(path)
    page = payer.get(f"{path}?theme=dark")
    assert forced(page.html) == "dark" and ground(page.html) == DARK_GROUND
    assert page.html.index("@media screen{:root{color-scheme:dark") > 0, "on paper it stays light"
    till = payer.submit(page.form(), email="sam@example.com")
    assert forced(till.html) == "dark"
    assert forced(payer.get(path.partition("?")[0]).html) == "dark"
    assert forced(another_payer.get(path).html) == "light dark", "nobody else's page is kept as this one's"
    again = payer.get(f"{path}?theme=auto")
    assert forced(again.html) == "light dark" and forced(payer.get(path).html) == "light dark"


def test_light_can_be_forced_too(payer: Browser, new_path: Callable[..., str]) -> None:
    page = payer.get(f"{new_path()}?theme=light")
    assert forced(page.html) == "light" and ground(page.html) == LIGHT_GROUND


@pytest.mark.parametrize("wish", ["", "DARK", "dark;}", "neon", "%00"])
def test_anything_else_is_no_wish(payer: Browser, new_path: Callable[..., str], wish: str) -> None:
    page = payer.get(f"{new_path()}?theme={wish}")
    assert forced(page.html) == "light dark" and payer.client.get_cookie("theme") is None


def test_the_portal_is_not_forced(payer: Browser, new_path: Callable[..., str]) -> None:
    payer.get(f"{new_path()}?theme=dark")
    assert forced(payer.get("/sign-in?theme=dark").html) == "light dark"
