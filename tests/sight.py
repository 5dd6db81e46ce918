"""What an eye sees at once on a page in a real browser."""

from __future__ import annotations

from playwright.sync_api import Error, Page

WIDER = "() => document.documentElement && document.documentElement.scrollWidth > document.documentElement.clientWidth"
TRIES = 10


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
