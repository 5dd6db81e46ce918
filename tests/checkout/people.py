"""The people of checkout's tests: a shop that hands out links, and a payer who opens pages and sends forms as a browser would."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from core.accounts.models import Vendor
    from core.payments.models import Payment, PaymentLink

APPROVED, DECLINED, CHALLENGED = "4242 4242 4242 4242", "4000 0000 0000 9995", "4000 0000 0000 3220"

class Shop:
    """A vendor with one way to be paid, in a world of its own."""

    def __init__(self, app: Flask, vendor: Vendor) -> None:
        self.app, self.vendor = app, vendor

    @classmethod
    def open(cls, app: Flask) -> Shop:
        """A new vendor's shop."""
        from core.accounts.models import Vendor
        from core.kernel.clock import now
        from core.kernel.db import db, unit_of_work
        from core.kernel.ids import public_id, uuid7

        with app.app_context(), unit_of_work():
            vendor = Vendor(
                id=uuid7(), public_id=public_id("vnd"), name=f"Brightwater {secrets.token_hex(3)}", country="GB", currency="GBP",
                time_zone="Europe/London", support_email="help@brightwater.example", fee_bps=150, release_days=7, live_enabled=False,
                created_at=now(),
            )  # fmt: skip
            db.session.add(vendor)
        return cls(app, vendor)

    def link(self, **terms: Any) -> str:
        """Makes a link (a fixed £45.00 one unless told otherwise) and answers its path."""
        return self.link_row(**terms)[1]

    def link_row(self, **terms: Any) -> tuple[PaymentLink, str]:
        from core.kernel.db import unit_of_work
        from core.payments.link import LinkTerms, create_link, link_token

        amount = {} if "amount_minor" in terms or "minimum_minor" in terms else {"amount_minor": 4500}
        wanted = {"title": "An evening at the wheel", "currency": "GBP", **amount, **terms}
        with self.app.app_context(), unit_of_work():
            link = create_link(self.vendor, mode="test", by="usr_test", terms=LinkTerms(**wanted))
            return link, f"/pay/{link_token(self.vendor, link)}"

    def change(self, act: Callable[[], Any]) -> Any:
        """Runs something of the rooms in a unit of work of its own."""
        from core.kernel.db import unit_of_work

        with self.app.app_context(), unit_of_work():
            return act()

    def payments(self) -> list[Payment]:
        """Every payment this vendor has, newest first."""
        from core.payments.queries import list_payments

        with self.app.app_context():
            return list_payments(self.vendor, "test").rows


@dataclass
class Payer:
    """A payer without scripts: opens pages and sends their forms as a browser would."""

    client: FlaskClient

    def open(self, path: str) -> TestResponse:
        return self.client.get(path, follow_redirects=True)

    def send(self, seen: TestResponse, typed: dict[str, Any] | None = None, *, button: str | None = None, follow: bool = True) -> TestResponse:
        """Sends the first form of the page (or the one whose action ends with `button`) with what is typed into it."""
        action, fields = form_of(seen.text, button)
        return self.client.post(action, data={**fields, **(typed or {})}, follow_redirects=follow)

    def begin(self, path: str, **typed: Any) -> TestResponse:
        """Opens a link and goes on to the payment's page."""
        return self.send(self.open(path), {"email": "sam@example.com", "name": "Sam Whitlock", **typed})


def form_of(html: str, ending: str | None = None) -> tuple[str, dict[str, str]]:
    """Where the form goes and what it carries before anybody types."""
    for attributes, inside in re.findall(r"<form([^>]*)>(.*?)</form>", html, re.S):
        found = re.search(r'action="([^"]*)"', attributes)
        action = unescape(found[1]) if found else ""
        if ending is None or action.endswith(ending):
            return action, _fields(inside)
    raise AssertionError(f"no form ending in {ending!r} on the page")


def _fields(inside: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input([^>]*)>", inside, re.S):
        attributes = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if attributes.get("type") in ("radio", "checkbox") and not re.search(r"\schecked\b", tag):
            continue
        if "name" in attributes:
            fields[attributes["name"]] = attributes.get("value", "")
    return fields


def heading(seen: TestResponse) -> str:
    """The page's own heading, or the words of its title when that says more."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", seen.text, re.S)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


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
            if shop.payments()[0].decline_code:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the processor's message did not arrive")
