"""A payment says in which payout it went out, a customer's page which disputes there were, and figures of both what they are made of."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from core.customers.queries import find_customer
from core.kernel.clock import shifted
from core.ledger.models import Journal
from core.payments.models import Payment
from core.payments.start import receipt_token
from core.payouts.accounts import COOLING_OFF
from portal.explain import known_at
from tests.browser import Browser, Page
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import Seller, make_seller
from tests.factories import ask_refund, make_colleague, make_link, make_paid, make_shop, tell_refund, unit
from tests.portal.admin.people import look_into, make_staff


@pytest.fixture
def seller(app: Flask) -> Seller:
    return make_seller(app, "Trail Bakery")


@pytest.fixture
def paid(seller: Seller) -> Payment:
    """Long ago, so that its money is released at once."""
    with shifted(-10 * COOLING_OFF):
        return seller.sells("100.00")


def trail(page: Page) -> str:
    return " ".join(e.text for e in page.all("li") if "moment" in e.attrs.get("class", ""))


def test_the_payments_trail_names_the_payout_it_went_out_with(seller: Seller, paid: Payment) -> None:
    owner, address = seller.shop.browser(), f"/portal/payments/{paid.public_id}"
    assert "In the payout" not in owner.get(address).text
    seller.release()
    payout = seller.pays_out()
    page = owner.get(address)
    assert f"In the payout USD no. {payout.seq}" in trail(page) and "USD 98.50 of it" in trail(page)
    assert f"/portal/payouts/{payout.public_id}" in [link.split("localhost")[-1] for link in page.links()]
    seller.bank_says(payout)
    seller.bank_says(payout, back="AC04")
    assert "USD 98.50 of it · Came back" in trail(owner.get(address))
    support = make_colleague(seller.shop, "support").browser()
    assert payout.public_id not in support.get(address).html, "payouts are for those who may see the balance"


def test_the_staff_read_the_same_and_only_those_who_may_see_payouts_are_led_there(seller: Seller, paid: Payment) -> None:
    seller.release()
    payout = seller.pays_out()
    led = [
        look_into(make_staff(seller.shop.app, role).browser(), f"/staff/payments/{paid.public_id}") for role in ("superuser", "reviewer")
    ]
    assert all("USD 98.50 of it" in trail(page) for page in led)
    assert [f'href="/staff/payouts/{payout.public_id}"' in page.html for page in led] == [True, False]


def test_the_payer_does_not_read_of_the_sellers_payouts(seller: Seller, paid: Payment, stranger: Browser) -> None:
    seller.release()
    payout = seller.pays_out()
    with unit(seller.shop.app):
        address = f"/receipt/{receipt_token(seller.shop.vendor, paid)}/history"
    page = stranger.get(address)
    assert "Paid" in page.text and payout.public_id not in page.html and "payout" not in page.text.lower()


def test_a_customers_page_lists_their_disputes(seller: Seller, paid: Payment) -> None:
    owner = seller.shop.browser()
    with unit(seller.shop.app):
        customer = find_customer(seller.shop.vendor, "test", paid.email)
        assert customer is not None
    address = f"/portal/customers/{customer.public_id}"
    assert "Disputes" not in [e.text for e in owner.get(address).all("h2")]
    dispute = case_of(seller, paid)
    dispute.tell()
    page = owner.get(address)
    assert "Not received" in page.text and "To answer" in page.text and "days left" in page.text
    assert f"/portal/disputes/{dispute.here.public_id}" in [link.split("localhost")[-1] for link in page.links()]


def test_what_a_customer_came_to_opens_the_payments_it_is_made_of(seller: Seller) -> None:
    shop = seller.shop
    link = make_link(shop, amount="40.00", kind="reusable", currency="GBP")
    first, second = make_paid(shop, link), make_paid(shop, link)
    tell_refund(shop, ask_refund(shop, first, "10.00"), "succeeded")
    make_paid(shop, make_link(shop, amount="700", currency="JPY"))
    with unit(shop.app):
        customer = find_customer(shop.vendor, "test", first.email)
        assert customer is not None
    owner = shop.browser()
    page = owner.get(f"/portal/customers/{customer.public_id}")
    way = next(link for link in page.links() if link.endswith("/why?currency=GBP"))
    why = owner.get(way)
    cells = [e.text for e in why.all("dd")]
    assert cells[:3] == ["£80.00", "−£10.00", "£70.00"]
    assert first.reference in why.text and second.reference in why.text and "JPY" not in re.findall(r"\w+", why.text)
    owner.get(f"/portal/customers/{customer.public_id}/why?currency=SEK", status=404)
    owner.get(f"/portal/customers/{customer.public_id}/why?currency=GBP&after=x", status=404)
    make_shop(shop.app).browser().get(f"/portal/customers/{customer.public_id}/why?currency=GBP", status=404)


def test_what_would_be_paid_out_now_says_what_it_is_made_of(seller: Seller, paid: Payment) -> None:
    seller.release()
    page = seller.shop.browser().get("/portal/payouts")
    assert "USD 98.50" in [e.text for e in page.all("dd")]
    assert any(link.endswith("/available?currency=USD") or "available" in link for link in page.links())
    panel = next(e for e in page.all("details") if "To pay out now USD" in e.text)
    assert "Available USD 98.50" in panel.text and "= To pay out now USD 98.50" in panel.text


@pytest.mark.parametrize(("effective", "recorded", "told"), [(12, 9, 9), (9, 12, 9)])
def test_what_a_bank_dates_at_noon_is_told_at_the_hour_it_was_known(effective: int, recorded: int, told: int) -> None:
    day = datetime(2026, 11, 29, tzinfo=UTC)
    journal = Journal(effective_at=day.replace(hour=effective), recorded_at=day.replace(hour=recorded))
    assert known_at(journal) == day.replace(hour=told)
