"""One address for the payer that says what happened: before anybody has paid, after it, and when money goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from core.accounts.models import Vendor
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.start import payment_token, receipt_token
from core.providers.bank_days import bank_days_after
from core.web.filters import day
from tests.browser import Browser
from tests.core.payments.claims import send
from tests.core.payments.transfers import TestBank, begin_transfer, settle_order, transfer
from tests.factories import Shop, ask_refund, fresh, make_link, make_paid, make_payment, tell_refund, unit
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
        last_day = day(bank_days_after(now().date(), 10))
    told = payer.get(address).text
    assert f"Banks usually show it within 5 to 10 working days, that is by {last_day}." in told and "at the latest" not in told
    payer.get(f"{address}x", status=404)


def test_the_day_is_counted_from_the_day_it_is_where_the_seller_is(shop: Shop) -> None:
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).time_zone = "Asia/Tokyo"
    with frozen(datetime(2026, 11, 26, 16, 0, tzinfo=UTC)):  # a Thursday; in Tokyo it is the Friday after it
        paid = make_paid(shop)
        tell_refund(shop, ask_refund(shop, paid), "succeeded")
        told = Browser(shop.app).get(f"/status/{receipt_token(shop.vendor, paid)}").text
    assert "that is by 11 December 2026." in told


def test_a_refund_by_transfer_takes_a_transfers_days(shop: Shop, work: Callable[[], int]) -> None:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    bank = TestBank(shop)
    bank.tell(transfer(2500, begin_transfer(shop, payment).provider_reference or ""))
    refund, payer, address = ask_refund(shop, fresh(shop, payment)), Browser(shop.app), f"/status/{receipt_token(shop.vendor, payment)}"
    asking = shop.browser().get(f"/portal/payments/{payment.public_id}").text
    assert send(shop, refund) == "pending"
    assert "A transfer takes up to three working days." in payer.get(address).text and "5 to 10" not in payer.get(address).text
    settle_order(bank, refund.public_id)
    with shop.app.test_request_context():
        last_day = day(bank_days_after(now().date(), 3))
    told = payer.get(address).text
    assert f"It has left our bank and arrives within three working days, that is by {last_day}." in told and "5 to 10" not in told
    assert "5 to 10" not in asking
    work()
    with unit(shop.app):
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="refund_sent").one()
        assert "arrives within three working days" in letter.text and "5 to 10" not in letter.text


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
