"""A seller's orders: seen, delivered, given back line by line; who sells for whom; and every view of one checkout says the same."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from core.kernel.money import Money
from core.orders.open import payer_token
from core.orders.wish import LineWish, OrderWish
from tests.browser import Browser
from tests.core.orders.market import Market, Sale
from tests.factories import Shop, fresh, make_colleague, make_shop
from tests.portal.admin.people import make_staff
from tests.portal.test_api import Caller


@pytest.fixture(scope="module")
def shops(app: Flask) -> list[Shop]:
    return [make_shop(app, business=name) for name in ("Blue Door Bakery", "Lumen Studio")]


@pytest.fixture
def market(shops: list[Shop]) -> Market:
    return Market(shops)


def paid(market: Market) -> Sale:
    """The bakery sells two loaves and a cake, the studio a class; all of it is paid."""
    bakery, studio = (shop.vendor.public_id for shop in market.shops)
    orders = (
        OrderWish(bakery, (LineWish("Loaf", 2, 500), LineWish("Cake", 1, 2500)), "A-1"),
        OrderWish(studio, (LineWish("Class", 1, 1650),), "B-1"),
    )
    sale = market.open(wish=market.wish(3500, orders=orders))
    sale.pay()
    for place in (1, 2):
        sale.tell(place, "yes")
    return sale


def address(sale: Sale, place: int) -> str:
    return f"/portal/orders/{sale.order(place).public_id}"


def test_a_seller_without_orders_is_told_what_they_are(shop: Shop) -> None:
    page = shop.browser().get("/portal/orders")
    assert "No orders yet" in page.text and "/portal/orders/selling" in page.links()


def test_the_list_shows_what_is_to_be_done(market: Market) -> None:
    sale = paid(market)
    browser = market.operator.browser()
    page = browser.get("/portal/orders?view=to-deliver")
    assert address(sale, 1) in page.links() and address(sale, 2) not in page.links()
    browser.submit(browser.get(address(sale, 1)).form(f"{address(sale, 1)}/delivery"))
    assert address(sale, 1) not in browser.get("/portal/orders?view=to-deliver").links()
    assert address(sale, 1) in browser.get("/portal/orders?view=delivered").links()
    assert browser.get("/portal/orders?view=nonsense").status == 200
    assert browser.get("/portal/orders?after=x", status=404)


def test_delivered_is_said_once_and_releases_the_money(market: Market) -> None:
    sale = paid(market)
    browser = market.operator.browser()
    before = browser.get(address(sale, 1))
    page = browser.submit(before.form(f"{address(sale, 1)}/delivery"))
    assert "becomes available" in page.text
    first = sale.order(1).delivered_at
    again = browser.submit(before.form(f"{address(sale, 1)}/delivery"))
    assert again.status == 200 and sale.order(1).delivered_at == first == sale.payment(1).available_at


def test_a_line_is_given_back_and_no_more_than_it_is(market: Market) -> None:
    sale = paid(market)
    browser, at = market.operator.browser(), address(sale, 1)
    wrong = browser.submit(browser.get(at).form(f"{at}/refunds"), line_1="10.01", line_2="5", status=422)
    assert any("At most £10.00" in error for error in wrong.errors)
    assert wrong.form(f"{at}/refunds").values["line_2"] == "5"  # nothing typed is lost
    assert sale.refunds(1) == []
    page = browser.submit(browser.get(at).form(f"{at}/refunds"), line_1="10", reason="not_delivered")
    assert "The refund is asked for" in page.text
    assert [refund.amount_minor for refund in sale.refunds(1)] == [1000]
    empty = browser.submit(browser.get(at).form(f"{at}/refunds"), status=422)
    assert "Enter how much of which line" in empty.text
    assert "line_1" not in empty.form(f"{at}/refunds").values  # nothing of it is left


def test_what_is_not_paid_cannot_be_delivered(market: Market) -> None:
    sale = market.open(700)
    sale.pay()
    at, browser = address(sale, 1), market.operator.browser()
    page = browser.get(at)
    assert f"{at}/delivery" not in [form.attrs.get("action") for form in page.all("form")]
    token = page.form("/sign-out").values["csrf_token"]
    assert browser.post(f"{at}/delivery", {"csrf_token": token}).status == 409


def test_an_order_of_somebody_else_is_not_there(market: Market, shop: Shop) -> None:
    sale = paid(market)
    for browser in (shop.browser(), market.shops[1].browser()):
        browser.get(address(sale, 1), status=404)
    market.operator.browser().get("/portal/orders/ord_nonsense", status=404)


def test_a_role_that_only_looks_neither_delivers_nor_gives_back(market: Market) -> None:
    sale = paid(market)
    browser, at = make_colleague(market.operator, "viewer").browser(), address(sale, 1)
    page = browser.get(at)
    assert "Give lines back" not in page.text and "It is delivered" not in page.text
    token = page.form("/sign-out").values["csrf_token"]
    assert [browser.post(f"{at}/{what}", {"csrf_token": token}).status for what in ("delivery", "refunds")] == [403, 403]


def test_a_seller_says_who_sells_for_it_and_takes_it_back(app: Flask, shop: Shop) -> None:
    other, browser = make_shop(app, business="Market Hall"), shop.browser()
    page = browser.get("/portal/orders/selling")
    assert "Nobody sells for you" in page.text
    wrong = browser.submit(page.form("/portal/orders/selling"), operator=shop.vendor.public_id, status=422)
    assert "no other business" in wrong.text
    page = browser.submit(wrong.form("/portal/orders/selling"), operator=other.vendor.public_id)
    assert "Market Hall may sell for you" in page.text
    page = browser.submit(page.form(f"/portal/orders/selling/{other.vendor.public_id}/withdraw"))
    assert "Nobody sells for you" in page.text


def test_a_key_is_shown_once_and_revoked_at_once(app: Flask, shop: Shop) -> None:
    browser = shop.browser()
    assert "No keys yet" in browser.get("/portal/keys").text
    made = browser.submit(browser.get("/portal/keys").form("/portal/keys"), name="Web shop")
    found = re.search(r"portal_sk_test_[0-9A-Za-z]{38}", made.text)
    assert found
    secret = found[0]
    listed = browser.get("/portal/keys")
    assert "Web shop" in listed.text and secret not in listed.text and secret[-4:] in listed.text
    ask = {"Authorization": f"Bearer {secret}"}
    assert app.test_client().get("/api/v1/wallet", headers=ask).status_code == 200
    (shown,) = (browser.get(e.attrs["href"]) for e in listed.all("a") if e.text == "Web shop")
    revoking = next(form for form in shown.all("form") if form.attrs.get("action", "").endswith("/revoke"))
    browser.submit(shown.form(revoking.attrs["action"]))
    assert app.test_client().get("/api/v1/wallet", headers=ask).status_code == 401


def test_every_view_of_a_checkout_says_the_same(app: Flask, market: Market) -> None:
    """The payer's page, the seller's, the staff's and the API, row by row; and the wallet is the balance that the portal shows."""
    sale = paid(market)
    with app.app_context():
        payers = Browser(app).get(f"/o/{payer_token(market.operator.vendor, sale.checkout)}")
    staff = make_staff(app).browser().get(f"/staff/checkouts/{sale.checkout.public_id}")
    event = Caller(market.operator).get(f"/api/v1/payments/event/{sale.checkout.public_id}").get_json()
    assert (payers.heading, event["status"]) == ("Paid", "done")
    assert (event["is_payment_done"], event["is_ledger_updated"], event["is_wallet_updated"]) == (True, True, True)
    for place, shop in enumerate(market.shops, 1):
        order = sale.order(place)
        shown = f"£{order.amount.decimal_text}"
        sellers = shop.browser().get(address(sale, place))
        assert shown in payers.text and shown in staff.text and shown in sellers.text
        assert order.public_id in staff.text and shop.vendor.name in payers.text
        row = event["orders"][place - 1]
        assert (row["id"], row["status"], row["amount"]["amount"]) == (order.public_id, "paid", order.amount_minor)
        purse = next(one for one in Caller(shop).get("/api/v1/wallet").get_json()["balances"] if one["currency"] == "GBP")
        assert purse["pending"]["amount"] == market.account(shop, "seller_pending")
        journals = Caller(shop).get(f"/api/v1/ledger?about={sale.payment(place).public_id}").get_json()["data"]
        assert journals and all(sum(entry["amount"]["amount"] for entry in one["entries"]) == 0 for one in journals)
    assert Money(0, "GBP") == fresh(market.operator, sale.payment(1)).refunded
