"""A payer at a real browser, with scripts or without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.factories import Shop

APPROVED, DECLINED, CHALLENGED = "4242 4242 4242 4242", "4000 0000 0000 9995", "4000 0000 0000 3220"


class Desk:
    """A payer at a browser. With scripts the card goes into the processor's frame on our page, without them into its own page."""

    def __init__(self, page: Any, scripts: bool) -> None:
        self.page, self.scripts = page, scripts

    def begin(self, path: str) -> None:
        """From the link to the payment's page."""
        self.page.goto(path)
        self.fill()
        self.page.get_by_role("button", name="Continue").click()
        self.sees("Pay by card")

    def fill(self) -> None:
        self.page.get_by_label("E-mail address").fill("sam@example.com")
        self.page.get_by_label("Name").fill("Sam Whitlock")

    def sees(self, heading: str) -> None:
        self.page.get_by_role("heading", name=heading, exact=True).wait_for()

    def frame(self) -> Any:
        """Where the card is typed."""
        return self.page.frame_locator("[data-frame]") if self.scripts else self.page

    def card(self, number: str) -> None:
        """Types the card, and sends it."""
        if not self.scripts:
            self.page.get_by_role("button", name=re.compile("^(Try again: pay|Continue to pay|Pay) £")).click()
        self.card_again(number)

    def card_again(self, number: str) -> None:
        """Types another card where the first one was typed."""
        place = self.frame()
        place.get_by_label("Card number").fill(number)
        place.get_by_label("Expiry date").fill("12 / 34")
        place.get_by_label("Security code").fill("123")
        place.get_by_label("Name on card").fill("S Whitlock")
        place.locator("[data-pay]").click()

    def to_the_card_again(self) -> None:
        """Back from our page to the processor's, where the payment was left."""
        if not self.scripts:
            self.page.get_by_role("button", name="Continue to pay").click()

    def answer(self, words: str) -> None:
        """Answers the question of the card holder's bank."""
        self.frame().get_by_role("button", name=words).click()

    def settle(self, work: Callable[[], int], shop: Shop) -> None:
        """Waits until the processor's message about a decline has come in, and does the workers' work."""
        self.frame().get_by_text("did not go through").wait_for()
        for _ in range(100):
            work()
            if payments_of(shop)[0].decline_code:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the processor's message did not arrive")


def payments_of(shop: Shop) -> list[Any]:
    """Every payment this vendor has, newest first."""
    from core.payments.lists import list_payments

    with shop.app.app_context():
        return list_payments(shop.vendor, shop.mode).rows
