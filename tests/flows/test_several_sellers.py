"""A payer pays three sellers with one card, through the whole product and without scripts: once each, whatever the processor's messages do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.customers.block import block_customer
from core.customers.queries import find_customer
from core.kernel.clock import shifted
from core.ledger.queries import find_breaks
from core.orders.consent import let_sell
from core.orders.models import Checkout
from core.orders.open import open_checkout, payer_token
from core.orders.queries import parts_of
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from tests.browser import Browser, Page
from tests.cards import ASKS_ALWAYS, FAILS_LATER, VISA, new_address
from tests.factories import Shop, ask_refund, make_shop, out_of_sight, tell_refund, unit
from tests.flows.visit import Processor
from tests.sandbox.running import pay, post_form
from workers.schedule import tick


class Buyer:
    """Somebody at a checkout of three sellers."""

    def __init__(self, shops: list[Shop], processor: Processor, work: Callable[[], int], **more: Any) -> None:
        self.shops, self.processor, self.work, self.app = shops, processor, work, shops[0].app
        self.browser, self.email = Browser(self.app), more.pop("email", new_address())
        orders = tuple(OrderWish(shop.vendor.public_id, (LineWish("Bread", 2, 350 * n),)) for n, shop in enumerate(shops, 1))
        wish = CheckoutWish(f"cart-{secrets.token_hex(8)}", self.email, "Ada Payer", "GBP", orders, **more)
        with unit(self.app):
            out_of_sight()
            for seller in shops[1:]:
                let_sell(seller.vendor, "test", shops[0].vendor.public_id, by=seller.user.public_id)
            self.checkout: Checkout = open_checkout(shops[0].vendor, "test", wish, by="usr_x")
        with self.app.app_context():
            self.address = f"/o/{payer_token(shops[0].vendor, self.checkout)}"

    def look(self) -> Page:
        return self.browser.get(self.address)

    def card_page(self) -> str:
        sent = self.browser.submit(self.look().form(self.address), status=303, follow=False)
        return str(sent.response.headers["Location"])

    def enter(self, number: str = VISA) -> str:
        """The card on the processor's page, once; gives where that leads back to."""
        _, onward, text = pay(self.card_page(), number)
        assert onward, text
        if "/3ds/" in onward:
            _, onward, _ = post_form(onward if onward.startswith("http") else self.processor.address + onward, answer="approve")
        return str(onward)

    def pays(self, number: str = VISA) -> str:
        """Enters it, comes back, and the workers do the rest."""
        back = self.enter(number)
        self.browser.get("/" + back.split("/", 3)[3])
        self.work()
        return self.look().heading

    def states(self) -> list[str]:
        with unit(self.app):
            return [part.order.state for part in parts_of(self.checkout)]

    def charged(self) -> list[int]:
        """How often the processor really took money for each order."""
        with unit(self.app):
            payments = [part.payment for part in parts_of(self.checkout)]
        return [len(self.processor.charges(payment)) if payment else 0 for payment in payments]

    def proven(self) -> bool:
        with unit(self.app):
            return not [one for shop in self.shops for one in find_breaks(shop.vendor.id, "test")]


@pytest.fixture(scope="module")
def shops(app: Any) -> list[Shop]:
    return [make_shop(app, business=name) for name in ("Blue Door Bakery", "Lumen Studio", "Kobo Ceramics")]


def test_three_sellers_are_paid_with_one_card(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.look().heading == "Pay all sellers with one card"
    assert buyer.pays() == "Paid"
    assert (buyer.states(), buyer.charged()) == (["paid"] * 3, [1, 1, 1])
    page = buyer.look()
    for shop in shops:
        assert shop.vendor.name in page.text
    assert page.text.count("See the receipt") == 3
    assert buyer.proven()


@pytest.mark.parametrize("story", ["webhook_lost", "webhook_doubled", "webhook_out_of_order"])
def test_whatever_the_messages_do_each_is_charged_once(
    story: str, shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    buyer = Buyer(shops, processor, work)
    processor.story(story, times=20)
    assert buyer.pays() == "Paid"
    assert buyer.charged() == [1, 1, 1]
    buyer.work()
    assert (buyer.states(), buyer.charged()) == (["paid"] * 3, [1, 1, 1])


def test_pressed_twice_and_in_two_tabs_it_is_one_card_page(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.card_page() == buyer.card_page()
    assert buyer.pays() == "Paid"
    assert buyer.browser.get(buyer.address).heading == "Paid"  # the other tab
    assert buyer.charged() == [1, 1, 1]


def test_a_browser_that_was_closed_on_the_card_page_is_made_up_by_the_clock(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    buyer = Buyer(shops, processor, work)
    processor.story("webhook_lost", times=20)
    buyer.enter()
    with shifted(timedelta(minutes=2)):
        with buyer.app.app_context():
            tick()
        buyer.work()
        assert buyer.look().heading == "Paid"
    assert buyer.charged() == [1, 1, 1]


def test_a_payer_whose_bank_wants_them_is_led_through_it(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.pays(ASKS_ALWAYS) == "0 of 3 orders are paid"
    page = buyer.look()
    assert buyer.states() == ["action"] * 3 and page.text.count("Confirm this order") == 3
    for address in [link for link in page.links() if link.startswith("/checkout/")]:
        at = buyer.browser.get(address)
        sent = buyer.browser.submit(at.form(f"{address}/attempts"), status=303, follow=False)
        _, onward, _ = pay(str(sent.response.headers["Location"]), VISA)
        back = buyer.browser.get("/" + str(onward).split("/", 3)[3])
        assert back.heading == "Paid" and "Back to all orders" in back.text
        buyer.work()
    assert buyer.look().heading == "Paid"
    assert buyer.charged() == [1, 1, 1]


def test_a_seller_who_takes_nothing_from_the_payer_is_named_and_the_others_are_kept(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    email = new_address()
    block(shops[1], Buyer(shops, processor, work, email=email))
    buyer = Buyer(shops, processor, work, email=email, rule="keep", hours=5)
    assert buyer.pays() == "2 of 3 orders are paid"
    assert "Not paid, nothing taken" in buyer.look().text
    assert buyer.charged() == [1, 0, 1]


def test_all_or_nothing_gives_the_money_of_the_others_back(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    email = new_address()
    block(shops[1], Buyer(shops, processor, work, email=email))
    buyer = Buyer(shops, processor, work, email=email, rule="all_or_nothing")
    assert buyer.pays() == "You have paid nothing"
    assert (buyer.states(), buyer.charged()) == (["paid", "over", "paid"], [1, 0, 1])
    with unit(buyer.app):
        assert [part.given_back for part in parts_of(buyer.checkout)] == [True, False, True]
    assert buyer.proven()


def test_a_card_that_is_declined_pays_nobody_and_says_so(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.pays(FAILS_LATER) == "0 of 3 orders are paid"
    assert buyer.look().text.count("Try this order again") == 3
    assert buyer.charged() == [0, 0, 0]


def block(shop: Shop, earlier: Buyer) -> None:
    """The seller knows the payer from before, and has refused them."""
    earlier.pays()
    with unit(shop.app):
        customer = find_customer(shop.vendor, "test", earlier.email)
        assert customer is not None
        block_customer(shop.vendor, customer, because="Never again", by="usr_x")


def test_a_checkout_that_was_given_back_whole_is_called_refunded(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.pays() == "Paid"
    with unit(buyer.app):
        paid = [part.payment for part in parts_of(buyer.checkout) if part.payment]
    for number, (shop, payment) in enumerate(zip(shops, paid, strict=True)):
        assert buyer.look().heading == "Paid", f"{number} of three were given back"
        tell_refund(shop, ask_refund(shop, payment), "succeeded")
    page = buyer.look()
    assert page.heading == "Refunded" and page.title.startswith("Refunded: ") and "£42.00 was given back to you." in page.text
