"""Whatever page of the portal can be opened by its address alone is found by its name: Ctrl-K knows all of them, or the list below says why not."""

from __future__ import annotations

import re

from flask import Flask

from portal.places import PLACES

FILES = re.compile(r"\.(csv|xlsx|zip)$")
# Parts of other pages, steps on a way, and what only a demo has.
NO_PLACES = {
    "find",  # the search itself
    "news",  # what an open page asks by itself
    "components",  # the demo's own
    "closing_now",  # shown instead of everything else while an account is being closed
    "branding_preview",  # stands inside the page on branding
    "branding_letter",  # as does this
    "branding_receipt",  # and this
    "new_device",  # a step of setting up two-step sign-in
    "new_passkey",  # and another
    "why_release",  # of one day
    "to_payout_processor",  # the way out to the processor's page
    "back_from_processor",  # and back from it
}


def pages(app: Flask) -> dict[str, str]:
    """What a vendor's person opens by an address that holds nothing but words."""
    return {
        rule.endpoint.removeprefix("portal."): rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/portal/") and "GET" in (rule.methods or ()) and not rule.arguments and not FILES.search(rule.rule)
    }


def test_every_page_of_the_portal_can_be_searched_for(app: Flask) -> None:
    """A new page: name it in portal/places.py, with the words somebody may look for it by."""
    assert set(pages(app)) - NO_PLACES == set(PLACES)


def test_the_exceptions_are_pages_that_there_are(app: Flask) -> None:
    assert set(pages(app)) >= NO_PLACES
