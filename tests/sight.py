"""What an eye sees at once on a page in a real browser, and what stands in the way of those who read it otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Error, Page, ViewportSize

WIDER = "() => document.documentElement && document.documentElement.scrollWidth > document.documentElement.clientWidth"
TRIES = 10

# Only what is found comes back: everything that was in order is as long as the page. Sounds and films, where there are none, need not be fetched first.
AXE = """async ([without, options]) => {
  document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
  const where = without.length ? {exclude: without.map((one) => [one])} : document;
  const found = await axe.run(where, {resultTypes: ["violations"], preload: document.querySelector("audio, video") !== null, ...options});
  return found.violations.map((rule) => [rule.id, rule.impact, rule.nodes.slice(0, 3).map((node) => node.target)]);
}"""
OF_COLOURS = ("color-contrast", "link-in-text-block")  # the rules whose answer may be another in the other scheme

DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
LOOKS: tuple[tuple[str, ViewportSize, Literal["light", "dark"]], ...] = (("desk", DESK, "light"), ("phone", PHONE, "dark"))

Barrier = tuple[str, str, Any]


def barriers(page: Page, *, without: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Barrier]:
    """Every rule that axe finds broken on the page: its name, how bad that is, and where. `without` are parts that are not looked at."""
    return _axe(page, without, {"rules": {rule: {"enabled": False} for rule in ignore}})


def barriers_in_both(page: Page, *, without: Sequence[str] = ()) -> list[Barrier]:
    """As barriers, of a page that stands there in light colours; and what its colours do when the reader's screen turns dark."""
    assert page.evaluate("matchMedia('(prefers-color-scheme: light)').matches"), f"{page.url} is dark already"
    found = barriers(page, without=without)
    page.emulate_media(color_scheme="dark")
    found += [(f"{rule} in the dark", impact, where) for rule, impact, where in _axe(page, without, {"runOnly": list(OF_COLOURS)})]
    page.emulate_media(color_scheme="light")
    return found


def sound_on_both(page: Page, name: str, *, without: Sequence[str] = ()) -> list[tuple[str, str | Barrier]]:
    """What is wrong with the page that stands there at a desk in light colours and on a phone in dark ones; it is loaded once."""
    wrong: list[tuple[str, str | Barrier]] = []
    for screen, size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        wrong += [(f"{name}, {screen}", found) for found in barriers(page, without=without)]
        if wider_than_screen(page):
            wrong.append((f"{name}, {screen}", "is wider than the screen"))
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    return wrong


def _axe(page: Page, without: Sequence[str], options: dict[str, Any]) -> list[Barrier]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return [(rule, impact, where) for rule, impact, where in page.evaluate(AXE, [list(without), options])]


def wider_than_screen(page: Page) -> bool:
    """Whether the page can be moved sideways. A page that is being replaced at this moment (a redirect, a refresh) is asked again."""
    for _ in range(TRIES):
        page.wait_for_load_state()
        try:
            seen = page.evaluate(WIDER)
        except Error as trouble:  # the page it was asked of is gone
            if "context was destroyed" not in str(trouble) and "navigat" not in str(trouble):
                raise
            continue
        if seen is not None:
            return bool(seen)
    raise AssertionError(f"{page.url} does not stand still")
