"""What must hold on every page a payer can come to: readable in light and dark, whole on the smallest screens and at 400 %, and on paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from pypdf import PdfReader

from core.web.throttle import limiter
from tests.factories import Shop, make_shop
from tests.sight import PHONE, barriers_in_both, wider_than_screen
from tests.world import State, brand, checkout_states

Visit = Callable[..., Page]
SMALL, ZOOMED = {"width": 360, "height": 640}, {"width": 320, "height": 256}  # 1280×1024 at 400 %
# The processor’s frame is the processor’s, and the word TEST across a paper is meant to be faint.
FOREIGN = ("[data-frame]", ".practice-mark")
CUT = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > document.documentElement.clientWidth + 1 && !e.closest(".visually-hidden, .practice-mark, .travel");
}).map((e) => `${e.tagName}.${e.className}`).slice(0, 3)"""


@pytest.fixture(autouse=True)
def unthrottled() -> Any:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


@pytest.fixture(scope="module")
def shop(app: Any) -> Shop:
    return make_shop(app, business="Harbour Street Bakery")


@pytest.fixture(scope="module")
def states(shop: Shop) -> list[State]:
    return checkout_states(shop)


@pytest.fixture(scope="module")
def branded(app: Any) -> list[State]:
    """The same for a shop with a colour and a logo of its own."""
    shop = make_shop(app, business="Harbour Street Bakery")
    brand(shop)
    return checkout_states(shop)


def every(visitor: Visit, states: list[State], **options: Any) -> Any:
    """Each page at one browser, with scripts, as it is when the reader has done what leads to it."""
    page = visitor(**options)
    for state in states:
        page.goto(state.path)
        if state.act:
            state.act(page)
        yield state.name, page


def spilling(page: Page) -> list[tuple[int, str]]:
    """What sticks out of the smallest screen, or of a desk's at 400 %. The page is on a phone again afterwards."""
    wrong = []
    for size in (SMALL, ZOOMED):
        page.set_viewport_size(size)
        if wider_than_screen(page):
            wrong.append((size["width"], "is wider than the screen"))
        if cut := page.evaluate(CUT):
            wrong.append((size["width"], f"is cut off: {cut}"))
    page.set_viewport_size(PHONE)
    return wrong


def test_every_state_is_free_of_barriers_at_a_desk(visitor: Visit, states: list[State]) -> None:
    wrong = [(name, barrier) for name, page in every(visitor, states) for barrier in barriers_in_both(page, without=FOREIGN)]
    assert not wrong, "\n".join(map(str, wrong))


def test_every_state_in_a_vendors_colours_is_free_of_barriers_on_a_phone_and_spills_over_no_small_screen(
    visitor: Visit, branded: list[State]
) -> None:
    wrong: list[Any] = []
    for name, page in every(visitor, branded, phone=True):
        wrong += [(name, barrier) for barrier in barriers_in_both(page, without=FOREIGN)]
        wrong += [(name, *spilt) for spilt in spilling(page)]
    assert not wrong, "\n".join(map(str, wrong))


def test_on_the_smallest_screen_the_button_of_a_link_is_in_sight(visitor: Visit, states: list[State]) -> None:
    page = visitor(phone=True)
    page.set_viewport_size(SMALL)
    page.goto(states[0].path)
    box = page.get_by_role("button", name="Continue").bounding_box()
    assert box and box["y"] + box["height"] <= 640, box


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_every_state_is_dark_on_white_and_leaves_out_what_cannot_be_pressed(
    visitor: Visit, states: list[State], scheme: str
) -> None:
    wrong = []
    for name, page in every(visitor, [s for s in states if s.name in ("paid", "receipt", "transfer", "checking")], color_scheme=scheme):
        page.emulate_media(media="print", color_scheme=scheme)
        ground, ink = (page.evaluate(f"getComputedStyle(document.body).{what}") for what in ("backgroundColor", "color"))
        if ground not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)") or not all(int(part) < 60 for part in ink[4:-1].split(",")):
            wrong.append((name, "is not dark on white", ground, ink))
        pale = page.evaluate(PALE)
        if pale:
            wrong.append((name, "is pale on paper", pale))
        if seen := page.evaluate(
            "[...document.querySelectorAll('button, .skip, .download')].filter((e) => e.checkVisibility({visibilityProperty: true})).map((e) => e.textContent.trim())"
        ):
            wrong.append((name, "prints what can only be pressed", seen))
        text = PdfReader(io.BytesIO(page.pdf())).pages[0].extract_text()
        if "65.00" not in text or "TEST" not in text.upper():
            wrong.append((name, "does not say on paper what was paid, or that it was practice", page.url, text))
        page.emulate_media(media="screen")
    assert not wrong, "\n".join(map(str, wrong))


# Words that are printed lighter than paper can carry: their luminance is above that of a mid grey.
PALE = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility({visibilityProperty: true}) || e.closest("[aria-hidden], svg")) return false;
  const [r, g, b] = getComputedStyle(e).color.match(/\\d+/g).map(Number);
  return 0.3 * r + 0.59 * g + 0.11 * b > 130;
}).map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 30)}`).slice(0, 4)"""
