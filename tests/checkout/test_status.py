"""One address for the payer that says what happened: before anybody has paid, after it, and when money goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from core.kernel.clock import now
from core.payments.start import payment_token, receipt_token
from core.web.filters import day
from tests.browser import Browser
from tests.factories import Shop, ask_refund, fresh, make_paid, make_payment, tell_refund
from tests.portal.caller import HOME, Caller


def test_the_trail_stands_at_one_address_from_the_beginning_to_the_refund(shop: Shop) -> None:
    payer, waiting = Browser(shop.app), make_payment(shop)
    page = payer.get(f"/status/{payment_token(shop.vendor, waiting)}")
    assert page.heading == "What happened to this payment" and "You began this payment" in page.text
    payer.get(f"/status/{receipt_token(shop.vendor, waiting)}", status=404)
    paid = make_paid(shop)
    address = f"/status/{receipt_token(shop.vendor, paid)}"
    assert "Paid" in payer.get(address).text
    tell_refund(shop, ask_refund(shop, paid), "succeeded")
    with shop.app.test_request_context():
        at_the_latest = day(now() + timedelta(days=10))
    assert f"It arrives by {at_the_latest} at the latest." in payer.get(address).text
    payer.get(f"{address}x", status=404)


def test_the_api_hands_it_out(shop: Shop) -> None:
    paid, caller = make_paid(shop), Caller(shop)
    told = caller.get(f"{HOME}/payments/{paid.public_id}").get_json()["status_page"]
    assert "/status/" in told and fresh(shop, paid).reference in Browser(shop.app).get("/status/" + told.rpartition("/")[2]).text


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_value_stands_at_the_end_of_its_row(shop: Shop, visitor: Callable[..., Page], language: str) -> None:
    page = visitor(phone=True)
    page.goto(f"/status/{receipt_token(shop.vendor, make_paid(shop))}?lang={language}")
    ends = page.locator(".fact dd").evaluate_all(
        "all => all.map(one => { const row = one.parentElement.getBoundingClientRect(), box = one.getBoundingClientRect();"
        " return document.dir === 'rtl' ? box.left - row.left : row.right - box.right; })"
    )
    assert len(ends) == 3 and max(ends) < 1, ends
