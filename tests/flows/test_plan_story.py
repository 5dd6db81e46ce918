"""A vendor subscribes with a real card at the sandbox, changes its plan and ends it: every page a page without scripts, every charge real."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from core.subscriptions.plan import find_plan
from tests.browser import Browser, Page
from tests.cards import VISA
from tests.factories import Shop, unit
from tests.flows.visit import Processor
from tests.sandbox.running import pay, post_form, wait_until


class Owner:
    """The owner of a shop, at its plan."""

    def __init__(self, shop: Shop, processor: Processor, work: Callable[[], int]) -> None:
        self.shop, self.processor, self.work = shop, processor, work
        self.browser: Browser = shop.browser()

    def save_card(self, number: str = VISA, tier: str = "starter") -> Page:
        """From the plan's page to the processor's and back."""
        page = self.browser.submit(self.browser.get(f"/portal/plan/card?tier={tier}").form("/portal/plan/card"), status=303, follow=False)
        address = urlsplit(str(page.response.headers["Location"])).path
        sent = self.browser.submit(self.browser.get(address).form(address), status=303, follow=False)
        _, onward, text = pay(str(sent.response.headers["Location"]), number)
        assert onward, text
        if "/3ds/" in onward:
            _, onward, _ = post_form(onward if onward.startswith("http") else self.processor.address + onward, answer="approve")
        back = self.browser.get("/" + str(onward).split("/", 3)[3], status=303, follow=False)
        return self.browser.get(urlsplit(str(back.response.headers["Location"])).path)

    def confirm(self, path: str) -> Page:
        """The preview, pressed; then the charge's page until it has ended."""
        page = self.browser.submit(self.browser.get(path).form())
        if "/portal/plan/charges/" not in page.address:
            return page
        ended: list[Page] = []

        def look() -> bool:
            self.work()
            ended[:] = [self.browser.get(urlsplit(page.address).path)]
            return "is being charged" not in ended[0].text

        wait_until(look)
        return ended[0]

    def status(self) -> tuple[str, str]:
        with unit(self.shop.app):
            row = find_plan(self.shop.vendor, "test")
            assert row is not None
            return row.status, row.tier


@pytest.fixture
def owner(shop: Shop, processor: Processor, work: Callable[[], int]) -> Owner:
    return Owner(shop, processor, work)


def test_subscribe_upgrade_and_cancel_with_real_charges(owner: Owner) -> None:
    saved = owner.save_card()
    assert "Your card is saved" in saved.text and "/portal/plan/start/starter" in saved.html
    assert "Paid: £1.00" in owner.confirm("/portal/plan/start/starter").text
    assert owner.status() == ("active", "starter")
    assert "Plan: Starter" in owner.browser.get("/portal/plan").heading
    assert "Paid: £2.00" in owner.confirm("/portal/plan/change/tier?tier=pro").text, "on the first day the whole month"
    assert owner.status() == ("active", "pro")
    assert "The end is planned" in owner.confirm("/portal/plan/change/cancel").text
    assert "the plan ends before another charge" in owner.browser.get("/portal/plan").text
    assert "Taken back" in owner.confirm("/portal/plan/change/keep").text
    assert "£3.00" in owner.browser.get("/portal/plan").text


def test_a_card_that_fails_begins_nothing_and_another_one_does(owner: Owner) -> None:
    owner.save_card("4000000000000341")
    assert "The card was declined" in (page := owner.confirm("/portal/plan/start/starter")).text
    assert "Nothing has begun" in page.text
    assert owner.status()[0] == "cancelled"
    owner.save_card()
    assert "Paid: £1.00" in owner.confirm("/portal/plan/start/starter").text
    assert owner.status() == ("active", "starter")
