"""The search finds pages of the portal by their names and by other words for what is on them, and only those one may open."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser import Browser, Page
from tests.factories import Shop, make_colleague


def found(browser: Browser, words: str) -> list[str]:
    page: Page = browser.get(f"/portal/search?q={quote(words)}")
    return [e.text for e in page.all("a") if any("found" in parent.attrs.get("class", "").split() for parent in e.parents)]


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("payouts", "Payouts"), ("IBAN", "Bank account for payouts"), ("chargeback", "Disputes"), ("2fa", "Two-step sign-in"),
        ("coupon", "Discount codes"), ("secret developer", "API keys"), ("developer secret", "API keys"), ("logo", "Branding"),
        ("members", "Memberships"), ("convert", "Exchange"), ("coming year", "Plan simulator"),
    ],
)  # fmt: skip
def test_a_page_is_found_by_its_name_and_by_other_words(owner: Browser, words: str, title: str) -> None:
    assert title in found(owner, words)


def test_only_what_one_may_open_is_offered(shop: Shop) -> None:
    viewer = make_colleague(shop, "viewer").browser()
    assert found(viewer, "API keys") == [] and found(viewer, "bank account") == [] and "Team" in found(viewer, "team")
