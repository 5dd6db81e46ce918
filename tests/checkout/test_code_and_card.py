"""A code that each customer may use once, and a card that is known already under another address: the money is never taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from core.payments.discount import DiscountTerms, make_code
from core.payments.lists import list_payments
from core.payments.offer import Offer
from tests.browser import Form
from tests.factories import link_address, make_link, unit

if TYPE_CHECKING:
    from core.payments.models import Payment
    from tests.browser import Browser, Page
    from tests.factories import Shop


@pytest.fixture
def path(shop: Shop) -> str:
    with unit(shop.app):
        make_code(shop.vendor, shop.mode, by="usr_x", terms=DiscountTerms(code="ONCE", bps=2_000, most_each=1))
    return link_address(shop, make_link(shop, amount="50.00", kind="reusable", offer=Offer(discounts=True)))


def pressed(payer: Browser, path: str, email: str, *, code: str = "ONCE", scenario: str = "approve") -> Page:
    """Through the link with the code, and the published card that is approved is tried on it."""
    page = payer.submit(payer.get(path).form(), email=email, code=code, shown="4000" if code else "5000")
    form = next(Form(page, e) for e in page.all("form") if e.attrs.get("action", "").endswith("/practice"))
    return payer.submit(form, scenario=scenario)


def newest(shop: Shop) -> Payment:
    with shop.app.app_context():
        return list_payments(shop.vendor, "test").rows[0]


def test_the_first_is_charged_and_the_same_card_under_another_address_is_let_go(
    payer: Browser, another_payer: Browser, shop: Shop, path: str, work: Callable[[], int]
) -> None:
    pressed(payer, path, "ada@example.com")
    assert newest(shop).state == "processing", "authorised, and nothing taken yet"
    work()
    first = newest(shop)
    assert first.state == "succeeded" and first.captured.minor == 4000
    waiting = pressed(another_payer, path, "ada-again@example.org")
    work()
    second = newest(shop)
    assert second.id != first.id and (second.state, second.decline_code) == ("requires_method", "code_used_with_this_card")
    assert second.captured_minor == 0
    page = another_payer.get(waiting.address)
    assert "This card cannot be used with the code" in page.text and "no money was taken" in page.text
    work()
    assert newest(shop).state == "requires_method", "the processor's own news of the end change nothing"


def test_without_a_code_the_same_card_pays_at_once(
    payer: Browser, another_payer: Browser, shop: Shop, path: str, work: Callable[[], int]
) -> None:
    pressed(payer, path, "ada@example.com")
    work()
    pressed(another_payer, path, "bea@example.com", code="")
    assert newest(shop).state == "succeeded"


def test_another_card_may_go_on_where_the_first_was_let_go(
    payer: Browser, another_payer: Browser, shop: Shop, path: str, work: Callable[[], int]
) -> None:
    from core.payments.attempt import live_attempt
    from tests.flows.test_refund_after_an_outage import of_the_sandbox

    pressed(payer, path, "ada@example.com")
    work()
    waiting = pressed(another_payer, path, "cleo@example.com")
    work()
    page = another_payer.get(waiting.address)
    form = page.form(f"{page.address}/attempts")
    assert another_payer.client.post(form.action, data={**form.values, "surface": "fields", "method": "card"}).status_code == 200
    with shop.app.app_context():
        attempt = live_attempt(newest(shop))
        assert attempt and attempt.provider_reference
        of_the_sandbox(
            f"payment_intents/{attempt.provider_reference}/confirm", payment_method="pm_card_mastercard", return_url="http://127.0.0.1/"
        )
    another_payer.get(f"{page.address}/return")
    work()
    assert newest(shop).state == "succeeded"
