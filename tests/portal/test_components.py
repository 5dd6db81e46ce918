"""The page of all components: complete, valid, readable in both schemes, and only in the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from core.kernel.config import settings
from core.web.brand import OURS, theme
from tests.browser import Browser
from tests.sight import barriers, wider_than_screen
from tests.valid_html import problems_of_html

ROOT = Path(__file__).resolve().parents[2] / "templates"
SHEETS = sorted((ROOT / "portal/components").glob("*.html"))


def test_none_is_missing() -> None:
    shown = set(re.findall(r'from "(components/[\w/]+\.html)"', "".join(sheet.read_text() for sheet in SHEETS)))
    elsewhere = {
        "components/letter.html",  # its styles stand on the elements themselves, which the content policy keeps off pages
        "components/passkey.html",  # a button like any other, once its script has seen a device: tests/portal/test_passkeys_in_a_browser.py
        "components/look_banner.html",  # a frame around a whole page, with a way out that only the staff have: tests/portal/admin
    }
    assert shown == {str(file.relative_to(ROOT)) for file in (ROOT / "components").rglob("*.html")} - elsewhere


@pytest.mark.parametrize("path", ["/portal/components", "/portal/components/light", "/portal/components/dark"])
def test_it_is_valid_and_only_in_the_demo(stranger: Browser, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems_of_html(stranger.get(path).html) == []
    monkeypatch.setattr("portal.components.settings", lambda: type("Elsewhere", (), {"demo": False})())
    stranger.get(path, status=404)


def test_there_are_two_schemes_and_no_third(stranger: Browser) -> None:
    assert settings().demo
    stranger.get("/portal/components/sepia", status=404)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
def test_every_component_can_be_read_in_both_schemes(visitor: Callable[..., Page], scheme: str, phone: bool) -> None:
    """In the other scheme than the reader's own: what is forced is what counts."""
    page = visitor(phone=phone, color_scheme="dark" if scheme == "light" else "light")
    page.goto(f"/portal/components/{scheme}")
    # Two bands that say "test mode" stand on no other page.
    assert not barriers(page, ignore=["landmark-unique"])
    assert not wider_than_screen(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(244, 246, 245)" if scheme == "light" else "rgb(13, 21, 20)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_our_own_button_in_a_processors_frame_is_the_one_of_the_tokens(scheme: str) -> None:
    named = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme(scheme)))
    assert OURS[scheme] == (named["accent"], named["on-accent"])
