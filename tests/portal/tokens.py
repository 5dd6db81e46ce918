"""What a browser must send with a form that stands on no page it looks at."""

from __future__ import annotations

from tests.browser import Browser


def token(browser: Browser) -> str:
    """The one of the portal's pages, for somebody who is signed in."""
    return browser.get("/portal/").form("/sign-out").values["csrf_token"]
