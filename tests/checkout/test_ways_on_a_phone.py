"""All five ways to pay on a small phone: the choice stays short, so that the card's fields are near."""

from __future__ import annotations

import pytest

from tests.checkout.test_stages import address_of
from tests.checkout.ways import offer
from tests.factories import make_link, make_payment


@pytest.mark.parametrize("scripts", [True, False])
def test_the_choice_is_short_and_says_of_what_is_chosen_what_there_is_to_know(shop, visitor, scripts):
    offer(shop, "card", "wallet", "bank_redirect", "qr", "bank_transfer")
    payment = make_payment(shop, make_link(shop, currency="USD"))
    page = visitor(phone=True, scripts=scripts)
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(address_of(shop, payment))
    after = page.locator("#card-fields" if scripts else "#card-leave")
    assert after.bounding_box()["y"] < 640, "what comes after the choice begins on the first screen, also with the strip of test mode above"
    assert page.get_by_role("button", name="Express: Apple Pay, Google Pay").is_visible() and not page.get_by_label("Wallet").is_visible()
    days = page.get_by_text("Can take up to 5 days.")
    assert not days.is_visible()
    page.get_by_role("radio", name="Bank transfer").check()
    assert days.is_visible() and not page.get_by_text("Credit or debit card").is_visible()
    assert all(box["height"] >= 44 for box in (way.bounding_box() for way in page.locator(".way:visible").all()))
