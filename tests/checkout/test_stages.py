"""One page per state: whatever is asked of a payment in the wrong state, the page that is true now is the answer."""

from __future__ import annotations

import secrets

import pytest

from tests.factories import (
    ask_refund,
    link_address,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    open_payment,
    tell,
    tell_refund,
    unit,
)

HEADINGS = {
    "pay": "Pay by card",
    "challenge": "Not finished yet",
    "checking": "Checking with your bank",
    "processing": "Your bank is processing this payment",
    "paid": "Paid",
    "failed": "Your card was declined",
    "canceled": "Payment cancelled",
    "expired": "This page has expired",
}
OPEN = ("pay", "challenge", "failed")


def payment_at(shop, stage):
    from core.payments.start import give_up

    if stage == "paid":
        return make_paid(shop)
    if stage == "failed":
        return make_declined(shop)
    payment = make_payment(shop)
    if stage in ("challenge", "checking", "processing"):
        attempt = open_payment(shop, payment)
        if stage != "challenge":
            tell(shop, payment, attempt, "unknown" if stage == "checking" else "processing")
    if stage in ("canceled", "expired"):
        with unit(shop.app):
            give_up(payment, to=stage, actor="payer")
    return payment


def address_of(shop, payment):
    from core.payments.start import payment_token

    with shop.app.app_context():
        return f"/checkout/{payment_token(shop.vendor, payment)}"


def form_token(payer, shop):
    """The token against forgery that this browser's forms carry."""
    return payer.get(link_address(shop, make_link(shop))).form().values["csrf_token"]


@pytest.mark.parametrize("stage", HEADINGS)
def test_a_payments_address_shows_the_page_of_its_state(payer, shop, stage):
    page = payer.get(address_of(shop, payment_at(shop, stage)))
    assert page.heading == HEADINGS[stage]
    assert shop.vendor.support_email in page.text
    assert "Test page" in page.text


@pytest.mark.parametrize("stage", [stage for stage in HEADINGS if stage not in OPEN])
@pytest.mark.parametrize("act", ["attempts", "cancel"])
def test_an_old_form_sent_in_the_wrong_state_leads_to_the_true_page(payer, shop, stage, act):
    payment = payment_at(shop, stage)
    page = payer.post(f"{address_of(shop, payment)}/{act}", {"csrf_token": form_token(payer, shop), "surface": "hosted"}, status=200)
    assert page.heading == HEADINGS[stage]


@pytest.mark.parametrize("stage", HEADINGS)
def test_coming_back_from_the_processor_leads_to_the_true_page(payer, shop, stage):
    payment = payment_at(shop, stage)
    assert payer.get(f"{address_of(shop, payment)}/return").heading == HEADINGS[stage]


@pytest.mark.parametrize("stage", [stage for stage in HEADINGS if stage not in ("checking", "processing")])
def test_the_waiting_part_sends_the_browser_on_once_the_outcome_is_known(payer, shop, stage):
    address = address_of(shop, payment_at(shop, stage))
    answer = payer.client.get(f"{address}/state", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, address)
    assert payer.get(f"{address}/state").heading == HEADINGS[stage]


def test_waiting_asks_often_at_first_and_then_less_often(payer, shop):
    address = address_of(shop, payment_at(shop, "checking"))
    first = payer.get(address)
    assert "delay:2s" in first.html and "asked=1" in first.html
    assert 'http-equiv="refresh" content="2;url=' in first.html and "?asked=1" in first.html
    assert 'content="2;url=' in payer.get(f"{address}?asked=14").html and 'content="10;url=' in payer.get(f"{address}?asked=15").html
    assert "It is safe to close this page." in first.text
    assert "delay:2s" in payer.part(f"{address}/state?asked=14").html
    late = payer.part(f"{address}/state?asked=15")
    assert "delay:10s" in late.html and "asked=16" in late.html
    assert "longer than usual" in late.text


@pytest.mark.parametrize("asked", ["", "-1", "x", "9" * 30, "\u0665", "1e3", "\x00"])
def test_a_broken_count_of_asking_is_no_count(payer, shop, asked):
    address = address_of(shop, payment_at(shop, "checking"))
    answer = payer.client.get(f"{address}/state", query_string={"asked": asked}, headers={"HX-Request": "true"})
    assert answer.status_code == 200


def test_what_the_bank_has_is_looked_at_seldom_and_a_letter_is_promised(payer, shop):
    address = address_of(shop, payment_at(shop, "processing"))
    first = payer.get(address)
    assert "We write to ada@example.com as soon as the bank has answered" in first.text
    assert 'http-equiv="refresh" content="30;url=' in first.html
    assert "delay:30s" in payer.part(f"{address}/state?asked=15").html


@pytest.mark.parametrize("stage", ["checking", "processing"])
def test_waiting_never_says_that_it_failed(payer, shop, stage):
    page = payer.get(address_of(shop, payment_at(shop, stage)))
    assert "fail" not in page.text.lower() and "declined" not in page.text.lower()


def test_an_expired_page_says_that_nothing_was_taken_and_starts_again(payer, shop):
    page = payer.get(address_of(shop, payment_at(shop, "expired")))
    assert "No money was taken." in page.text and "an hour" not in page.text
    assert "open until" not in page.text, "it was ended before its time"
    again = next(e for e in page.all("a") if e.text == "Start again")
    assert payer.get(again.attrs["href"]).form()


def test_a_payment_left_for_an_hour_has_expired_without_anybodys_help(payer, shop):
    from datetime import timedelta

    from core.kernel import clock

    address = address_of(shop, make_payment(shop))
    with clock.shifted(timedelta(minutes=61)):
        page = payer.get(address)
        assert page.heading == "This page has expired" and "This one was open until" in page.text


def test_a_page_of_a_limited_link_says_until_when_it_was_really_open(payer, shop):
    from datetime import timedelta

    from core.kernel import clock
    from core.web.filters import when

    payment = make_payment(shop, make_link(shop, kind="single"))
    minutes = int((payment.expires_at - payment.created_at).total_seconds() // 60)
    assert minutes < 60, "a place is held for less than an hour"
    address = address_of(shop, payment)
    with clock.shifted(timedelta(minutes=minutes + 1)):
        page = payer.get(address)
        with shop.app.test_request_context():
            from flask import g

            g.time_zone = shop.vendor.time_zone
            assert when(payment.expires_at) in page.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("insufficient_funds", "There is not enough money on this card."),
        ("expired_card", "This card has expired."),
        ("incorrect_cvc", "The security code was not right."),
        ("stolen_card", "Your bank did not say why."),
        ("a_code_of_tomorrow", "Your bank did not say why."),
    ],
)
def test_a_decline_is_told_in_plain_words_with_a_next_step(payer, shop, code, words):
    page = payer.get(address_of(shop, make_declined(shop, code=code)))
    assert words in page.text and "No money was taken." in page.text and "stolen" not in page.text
    assert page.form(f"{page.address}/attempts")


def test_cancelling_a_payment_nobody_opened_takes_nothing(payer, shop):
    page = payer.get(address_of(shop, make_payment(shop)))
    page = payer.submit(page.form(f"{page.address}/cancel"))
    assert page.heading == "Payment cancelled" and "No money was taken." in page.text


def test_a_processor_that_does_not_know_the_payment_cancels_nothing_and_says_so(payer, shop):
    page = payer.get(address_of(shop, payment_at(shop, "challenge")))
    page = payer.submit(page.form(f"{page.address}/cancel"), status=409)
    assert "we cannot promise that this payment is cancelled" in page.text


def test_without_scripts_the_button_leads_to_the_processors_page(payer, shop):
    page = payer.get(address_of(shop, make_payment(shop)))
    sent = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
    assert "/c/pay/cs_test_" in sent.response.headers["Location"]
    again = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
    assert again.response.headers["Location"] == sent.response.headers["Location"]


def test_with_scripts_the_processors_fields_come_to_our_page(payer, shop):
    page = payer.get(address_of(shop, make_payment(shop)))
    fields = payer.client.post(
        f"{page.address}/attempts",
        data={"surface": "fields"},
        headers={"HX-Request": "true", "X-CSRFToken": form_token(payer, shop)},
    )
    assert fields.status_code == 200
    assert "/elements/card?client_secret=" in fields.text and "data-origin=" in fields.text


def test_fields_are_not_opened_beside_a_processors_page_that_is_open(payer, shop):
    payment = payment_at(shop, "challenge")
    answer = payer.client.post(
        f"{address_of(shop, payment)}/attempts",
        data={"surface": "fields"},
        headers={"HX-Request": "true", "X-CSRFToken": form_token(payer, shop)},
    )
    assert answer.status_code == 200 and "iframe" not in answer.text


def test_a_form_without_its_token_does_nothing(payer, shop):
    payment = make_payment(shop)
    payer.post(f"{address_of(shop, payment)}/cancel", {}, status=400)
    assert payer.get(address_of(shop, payment)).heading == "Pay by card"


def test_a_form_from_another_site_does_nothing(payer, shop):
    token = form_token(payer, shop)
    payment = make_payment(shop)
    payer.post(f"{address_of(shop, payment)}/cancel", {"csrf_token": token}, status=400, Sec_Fetch_Site="cross-site")


def test_payers_pages_are_kept_from_caches_search_engines_and_the_next_site(payer, shop):
    headers = payer.get(address_of(shop, make_payment(shop))).response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "form-action 'self' http" in policy and "frame-src 'self' http" in policy


def test_a_stripe_payment_lets_stripes_own_addresses_through_and_nothing_else(app):
    from types import SimpleNamespace

    from checkout.processor_pages import allow_processor
    from core.web.headers import content_policy

    with app.test_request_context():
        allow_processor(SimpleNamespace(provider="stripe"), None)
        policy = content_policy()
    assert "script-src 'self' https://js.stripe.com" in policy
    assert "form-action 'self' https://checkout.stripe.com" in policy
    assert "127.0.0.1" not in policy


def test_the_same_vendor_cannot_be_reached_with_a_token_made_up_of_known_parts(payer, shop):
    payment = make_payment(shop)
    payer.get(f"/checkout/{payment.public_id}", status=404)
    payer.get(f"/checkout/{payment.token_id}", status=404)
    payer.get(f"/checkout/{secrets.token_urlsafe(60)}", status=404)


def test_the_foot_of_the_page_says_what_is_true_of_the_way_to_pay(payer, shop):
    from tests.core.payments.transfers import begin_transfer

    by_card = payer.get(address_of(shop, payment_at(shop, "pay"))).text
    assert "Card details go straight to the card processor" in by_card and "your own bank" not in by_card
    payment = make_payment(shop, make_link(shop, currency="USD"))
    begin_transfer(shop, payment)
    by_transfer = payer.get(address_of(shop, payment)).text
    assert "A transfer is made at your own bank" in by_transfer and "Card details" not in by_transfer


def test_a_payment_that_was_given_back_whole_is_called_refunded(payer, shop):
    payment = payment_at(shop, "paid")
    tell_refund(shop, ask_refund(shop, payment), "succeeded")
    page = payer.get(address_of(shop, payment))
    assert page.heading == "Refunded" and page.title.startswith("Refunded: ")
    assert "£25.00 was given back to you." in page.text
    assert "Thank you" not in page.text and page.all("div", **{"class": "result result-quiet"})


def test_a_payment_of_which_a_part_was_given_back_says_so_under_its_heading(payer, shop):
    payment = payment_at(shop, "paid")
    tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    page = payer.get(address_of(shop, payment))
    assert page.heading == "Paid" and "£10.00 of it was given back to you." in page.text and "on its way" not in page.text
