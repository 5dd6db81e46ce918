"""Choosing how to pay, without scripts: what is listed, what the server enforces, and the wallet above everything else."""

from __future__ import annotations

import pytest

from checkout import try_card
from core.methods.rules import move_method, switch_method
from tests.checkout.test_stages import address_of, form_token
from tests.checkout.ways import attempts_of, bound, listed, offer
from tests.factories import fresh, make_link, make_payment, unit

# --- what is listed ----------------------------------------------------------------------------------------------------


def test_one_way_needs_no_choice(payer, shop):
    page = payer.get(address_of(shop, make_payment(shop)))
    assert page.heading == "Pay by card" and listed(page) == []


def test_several_ways_are_listed_in_the_sellers_order_and_the_first_is_chosen(payer, euro):
    offer(euro, "bank_redirect", "wallet")
    with unit(euro.app):
        move_method(euro.vendor, "test", "bank_redirect", up=True, by="usr_test")
        move_method(euro.vendor, "test", "bank_redirect", up=True, by="usr_test")
    page = payer.get(address_of(euro, make_payment(euro)))
    assert page.heading == "How would you like to pay?"
    assert listed(page) == ["bank_redirect", "card", "wallet"]
    assert page.form(f"{page.address}/attempts").values["method"] == "bank_redirect"
    for words in ("iDEAL, Bancontact", "Apple Pay, Google Pay", "Credit or debit card"):
        assert words in page.text


def test_of_a_bank_transfer_the_page_says_that_we_show_the_account(payer, euro):
    words = "For a bank transfer we show you the account to send the money to instead."
    offer(euro, "wallet")
    assert words not in payer.get(address_of(euro, make_payment(euro))).text
    offer(euro, "bank_transfer")
    assert words in payer.get(address_of(euro, make_payment(euro))).text


def test_a_way_that_may_take_days_says_so_in_the_list(payer, shop):
    offer(shop, "bank_redirect")
    assert "Can take up to 4 days." in payer.get(address_of(shop, make_payment(shop))).text


@pytest.mark.parametrize(
    ("bounds", "amount", "shown"),
    [
        ({"currency": "EUR", "minimum_minor": 2500}, "25.00", True),
        ({"currency": "EUR", "minimum_minor": 2501}, "25.00", False),
        ({"currency": "EUR", "maximum_minor": 2499}, "25.00", False),
        ({"currencies": ("GBP",)}, "25.00", False),
        ({"currencies": ("EUR",)}, "25.00", True),
    ],
)
def test_the_sellers_bounds_decide_what_is_listed(payer, euro, bounds, amount, shown):
    offer(euro, "bank_redirect", "wallet")
    bound(euro, "bank_redirect", **bounds)
    page = payer.get(address_of(euro, make_payment(euro, make_link(euro, amount=amount))))
    assert listed(page) == (["card", "wallet", "bank_redirect"] if shown else ["card", "wallet"])


def test_a_link_may_allow_some_only(payer, euro):
    offer(euro, "bank_redirect", "wallet")
    link = make_link(euro, methods=("card", "bank_redirect"))
    assert listed(payer.get(address_of(euro, make_payment(euro, link)))) == ["card", "bank_redirect"]
    alone = make_link(euro, methods=("bank_redirect",))
    page = payer.get(address_of(euro, make_payment(euro, alone)))
    assert page.heading == "Pay with: Your bank" and listed(page) == []


def test_the_country_is_asked_where_it_matters_and_narrows_the_list(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    assert listed(page) == ["card", "bank_redirect"]
    page = payer.submit(page.form(f"{page.address}/country"), country="NL")
    assert "Approve it in your online banking: iDEAL" in page.text and "Bancontact" not in page.text
    page = payer.submit(page.form(f"{page.address}/country"), country="JP")
    assert page.heading == "Pay by card" and page.form(f"{page.address}/country").values["country"] == "JP"
    page = payer.submit(page.form(f"{page.address}/country"), country="")
    assert listed(page) == ["card", "bank_redirect"]


@pytest.mark.parametrize("typed", ["XX", "Netherlands", "nl", "N\x00", "'; --", "N" * 5000])
def test_what_is_no_country_is_refused(payer, euro, typed):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    payer.submit(page.form(f"{page.address}/country"), country=typed, status=422)
    assert fresh(euro, payment).payer_country is None


def test_nobody_is_asked_for_a_country_that_decides_nothing(payer, shop):
    offer(shop, "wallet")
    page = payer.get(address_of(shop, make_payment(shop)))
    assert "Where do you pay from?" not in page.text


def test_when_nothing_fits_the_payer_is_told_whom_to_ask(payer, shop):
    payment = make_payment(shop)
    bound(shop, "card", currency="GBP", maximum_minor=100)
    page = payer.get(address_of(shop, payment))
    assert page.heading == "This cannot be paid here at the moment"
    assert shop.vendor.support_email in page.text
    assert payer.submit(page.form(f"{page.address}/cancel")).heading == "Payment cancelled"


# --- what the server enforces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["qr", "bank_transfer", "cash", "", "card\x00", "c" * 3000])
def test_a_way_that_is_not_open_is_refused_whatever_the_form_says(payer, shop, method):
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    refused = payer.submit(page.form(f"{page.address}/attempts"), method=method, status=409)
    assert "This way to pay is not open to this payment." in refused.text
    assert attempts_of(shop, payment) == []


def test_a_way_switched_off_while_the_page_was_open_is_refused(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    with unit(euro.app):
        switch_method(euro.vendor, "test", "bank_redirect", on=False, by="usr_test")
    payer.submit(page.form(f"{page.address}/attempts"), method="bank_redirect", status=409)
    assert attempts_of(euro, payment) == []


def test_a_way_switched_off_while_the_form_was_looked_at_is_refused(payer, shop, monkeypatch):
    """What the till has read says which way a form without a choice means; whether it is open is asked once more, under the payment's lock."""
    offer(shop, "wallet")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))

    def switched_off_meanwhile(till, surface, method):
        assert method == "card"
        with unit(shop.app):
            switch_method(shop.vendor, "test", "card", on=False, by="usr_test")

    monkeypatch.setattr(try_card, "screened", switched_off_meanwhile)
    payer.post(f"{page.address}/attempts", {"csrf_token": form_token(payer, shop), "surface": "hosted"}, status=409)
    assert attempts_of(shop, payment) == []


def test_a_form_of_before_there_was_a_choice_pays_by_card(payer, shop):
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    payer.post(f"{page.address}/attempts", {"csrf_token": form_token(payer, shop), "surface": "hosted"}, status=303, follow=False)
    assert attempts_of(shop, payment) == [(1, "card", "action_required", "hosted")]


def test_a_wallet_is_one_press_above_everything_else(payer, shop):
    offer(shop, "wallet")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    forms = [e for e in page.all("form") if e.attrs.get("id") in ("express", "card-leave")]
    assert [e.attrs["id"] for e in forms] == ["express", "card-leave"]
    sent = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
    assert sent.response.headers["Location"] and attempts_of(shop, payment) == [(1, "wallet", "action_required", "hosted")]


def test_without_a_wallet_or_beside_nothing_there_is_no_express_button(payer, shop):
    assert not payer.get(address_of(shop, make_payment(shop))).all("form", id="express")
    offer(shop, "bank_redirect")
    assert not payer.get(address_of(shop, make_payment(shop))).all("form", id="express")
