"""The receipt at its own address: long after the payment page has closed, and with what was refunded since."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core.notifications.notify import notify
from core.payments.queries import timeline
from core.payments.receipt_opened import OPENED
from tests.factories import ask_refund, make_paid, make_payment, tell_refund, unit


def address_of(shop, payment):
    from core.payments.start import receipt_token

    with shop.app.app_context():
        return f"/receipt/{receipt_token(shop.vendor, payment)}"


def test_a_receipt_names_the_payment_the_vendor_and_the_card(payer, shop):
    payment = make_paid(shop)
    page = payer.get(address_of(shop, payment))
    for words in (payment.reference, shop.vendor.name, "Visa ending in 4242", "£25.00", "TEST MODE"):
        assert words in page.text


def test_a_receipt_is_good_years_after_the_payment_page_has_closed(payer, shop):
    from core.kernel import clock

    address = address_of(shop, make_paid(shop))
    with clock.shifted(timedelta(days=365 * 5)):
        assert "Receipt" in payer.get(address).title


def test_a_receipt_shows_a_refund_made_later(payer, shop):
    payment = make_paid(shop)
    tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    page = payer.get(address_of(shop, payment))
    assert "Partly refunded" in page.text and "£10.00" in page.text and "£15.00" in page.text


def test_what_is_not_paid_has_no_receipt(payer, shop):
    address = address_of(shop, make_payment(shop))
    for path in (address, f"{address}.pdf"):
        assert payer.get(path, status=404).heading == "This link is not valid"


def test_the_pdf_is_asked_for_again_until_a_worker_has_made_it(payer, shop, work):
    payment = make_paid(shop)
    waiting = payer.get(f"{address_of(shop, payment)}.pdf", status=202)
    assert waiting.heading == "Preparing the PDF" and 'http-equiv="refresh"' in waiting.html
    work()
    answer = payer.client.get(f"{address_of(shop, payment)}.pdf")
    assert answer.status_code == 200 and answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF-")
    assert payment.reference in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_receipts_address_opens_nothing_else(payer, shop):
    token = address_of(shop, make_paid(shop)).removeprefix("/receipt/")
    payer.get(f"/checkout/{token}", status=404)
    payer.get(f"/pay/{token}", status=404)


def test_with_scripts_the_page_of_a_receipt_being_printed_asks_for_a_part_and_is_led_on(payer, shop, app):
    from workers.papers import make_receipt

    payment = make_paid(shop)
    address = f"{address_of(shop, payment)}.pdf"
    asked = payer.client.get(address, headers={"HX-Request": "true"})
    assert asked.status_code == 202 and "<html" not in asked.text and f'hx-get="{address}"' in asked.text
    with app.app_context():
        make_receipt(shop.vendor.id, mode="test", payment=str(payment.id))
    ready = payer.client.get(address, headers={"HX-Request": "true"})
    assert (ready.status_code, ready.headers["HX-Redirect"]) == (204, address)


def opened(shop, payment):
    with shop.app.app_context():
        return [(event.kind, event.actor, event.detail) for event in timeline(shop.vendor, payment) if event.kind == OPENED]


def test_that_a_customer_opened_the_receipt_stands_once_in_the_payments_history(payer, shop):
    payment, owner = make_paid(shop), shop.browser()
    address = address_of(shop, payment)
    owner.get(address)
    payer.get(address, User_Agent="Slackbot-LinkExpanding 1.0")
    payer.get(f"{address}.pdf", status=202)
    assert opened(shop, payment) == []
    for _ in range(2):
        payer.get(address)
    assert opened(shop, payment) == [(OPENED, "reader", {})], "the time, and nothing of who it was"
    said = owner.get(f"/portal/payments/{payment.public_id}").text
    assert "The receipt was opened" in said and "Whoever has its address" in said, "no more than is known"
    assert "The seller sees this too" in payer.get(f"{address}/history").text


def test_opened_by_many_at_once_it_is_noted_once(app, shop):
    payment = make_paid(shop)
    address = address_of(shop, payment)
    at_once = threading.Barrier(4)

    def look():
        at_once.wait()
        app.test_client().get(address, headers={"User-Agent": "Firefox/140"})

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(opened(shop, payment)) == 1


def test_the_letter_says_whether_its_receipt_was_opened(payer, shop):
    payment = make_paid(shop)
    with unit(shop.app):
        letter = notify(shop.vendor, "receipt", mode="test", to="ada@example.com", payment=payment.public_id)
    path = f"/portal/outbox/{letter.public_id}"
    assert "Not so far" in shop.browser().get(path).text
    payer.get(address_of(shop, payment))
    assert "Not so far" not in shop.browser().get(path).text


@pytest.mark.parametrize("path", ["/receipt/abc", "/receipt/abc.pdf", "/checkout/abc", "/checkout/abc/history", "/o/abc", "/status/abc"])
def test_an_address_cut_short_behind_which_somebody_may_have_paid_promises_nothing(payer, path):
    page = payer.get(path, status=404)
    assert page.heading == "This link is not valid" and "charged" not in page.text


@pytest.mark.parametrize("path", ["/pay/abc", "/pay/nobody/nothing"])
def test_a_payment_link_cut_short_says_that_nothing_was_charged(payer, path):
    assert "Nothing was charged." in payer.get(path, status=404).text
