"""With a keyboard alone: a payment from the link to the receipt, the card's frame and the bank's question included; a link made, a payment refunded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.payments.lists import list_payments
from tests.checkout.desk import APPROVED, CHALLENGED, DECLINED
from tests.factories import Shop, fresh, link_address, make_link, make_paid
from tests.flows.keys import Keys

Visit = Callable[..., Page]


def enter_card(keys: Keys, number: str) -> None:
    keys.to("^Card number").write(number.replace(" ", ""))
    keys.to("^Expiry date").write("1234")
    keys.to("^Security code").write("123")
    keys.to("^Name on card").write("S Whitlock")
    keys.to("^Pay").press("Enter")


def begin(visitor: Visit, shop: Shop, scripts: bool, phone: bool = False) -> Keys:
    page = visitor(scripts=scripts, phone=phone)
    page.goto(link_address(shop, make_link(shop)))
    keys = Keys(page)
    keys.to("^E-mail address").write("sam@example.com")
    keys.to("^Name").write("Sam Whitlock")
    keys.to("^Continue").press("Enter")
    page.get_by_role("heading", name="Pay by card", exact=True).wait_for()
    if scripts:  # the fields come by themselves
        page.frame_locator("[data-frame]").get_by_label("Card number").wait_for()
    else:
        keys.to("^Pay £").press("Enter")
        page.get_by_label("Card number").wait_for()
    return keys


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_card_pays_by_keyboard_from_the_link_to_the_receipt(visitor: Visit, shop: Shop, scripts: bool, phone: bool) -> None:
    keys = begin(visitor, shop, scripts, phone)
    enter_card(keys, APPROVED)
    keys.page.get_by_role("heading", name="Paid", exact=True).wait_for()
    keys.to("^See the receipt").press("Enter")
    expect(keys.page.get_by_role("heading", name="Receipt", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_banks_question_is_answered_by_keyboard(visitor: Visit, shop: Shop, scripts: bool) -> None:
    keys = begin(visitor, shop, scripts)
    enter_card(keys, CHALLENGED)
    place = keys.page.frame_locator("[data-frame]") if scripts else keys.page
    place.get_by_role("button", name="Approve").wait_for()
    keys.to("^Approve").press("Space")
    keys.page.get_by_role("heading", name="Paid", exact=True).wait_for()


@pytest.mark.parametrize("scripts", [True, False])
def test_after_a_decline_another_card_pays_by_keyboard(visitor: Visit, app: Flask, shop: Shop, scripts: bool) -> None:
    keys = begin(visitor, shop, scripts)
    enter_card(keys, DECLINED)
    place = keys.page.frame_locator("[data-frame]") if scripts else keys.page
    place.get_by_text("did not go through").wait_for()
    enter_card(keys, APPROVED)
    keys.page.get_by_role("heading", name="Paid", exact=True).wait_for()
    with app.app_context():
        (payment,) = list_payments(shop.vendor, "test").rows
    assert payment.state == "succeeded"


def test_a_payment_is_called_off_by_keyboard(visitor: Visit, shop: Shop) -> None:
    keys = begin(visitor, shop, True)
    keys.to("^Cancel this payment").press("Enter")
    expect(keys.page.get_by_role("heading", name="Payment cancelled")).to_be_visible()


def at_the_desk(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> Keys:
    page = visitor(scripts=scripts)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    return Keys(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_link_is_made_by_keyboard(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> None:
    keys = at_the_desk(visitor, shop, live_server, scripts)
    keys.page.goto("/portal/links")
    keys.to("^New link").press("Enter")
    keys.page.get_by_label("Title").wait_for()
    keys.to("^Title").write("Reading evening")
    keys.to("^I do").press("Space")
    keys.to("^Amount$").write("12.50")
    keys.to("^Make the link").press("Space")
    expect(keys.page.get_by_role("heading", name="Reading evening")).to_be_visible()
    assert "/pay/" in keys.page.get_by_label("Address").input_value()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_payment_is_found_and_refunded_by_keyboard(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> None:
    paid = make_paid(shop)
    keys = at_the_desk(visitor, shop, live_server, scripts)
    keys.page.goto("/portal/payments")
    keys.to(paid.description).press("Enter")
    keys.page.get_by_text("Everything that happened").or_(keys.page.get_by_role("heading", name="History")).first.wait_for()
    keys.to("^Refund$").press("Space")
    keys.to("^Amount to refund").write("5")
    keys.to("^See what this does$").press("Enter")
    keys.page.get_by_role("button", name="Refund £5.00").wait_for()
    keys.to("^Refund £5.00$").press("Enter")
    expect(keys.page.get_by_text("The refund is asked for.")).to_be_visible()
    assert fresh(shop, paid).refunding.minor == 500
