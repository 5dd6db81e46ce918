"""A business that has something of every kind, so that whoever asks the API at an address of something finds it there."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from core.hooks.relay import relay
from core.kernel.clock import shifted
from core.payouts.accounts import add_account
from tests.core.directory.stalls import make_branch, make_listing, make_product
from tests.core.disputes.cases import case_of
from tests.core.memberships.joined import sell
from tests.core.orders.market import Market
from tests.core.payments.claims import failed_refund, named, opened
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.plans import Life
from tests.factories import Shop, ask_refund, make_link, make_paid, make_payment, unit
from tests.member_pages import days_ago, joined
from tests.portal.caller import HOME, Caller
from tests.portal.person_app import App

MANY = 3  # of what an operation uses up: the next one finds another


class Stocked:
    """Its software's caller, its owner's app, and the numbers of its things by the address below which they are found."""

    def __init__(self, app: Flask, shop: Shop, partner: Shop) -> None:
        self.app, self.shop = app, shop
        self.caller, self.person = Caller(shop), App(shop)
        self._sold(app, shop)
        self._stuck(shop)
        self._joined(shop)
        self._in_the_directory(shop)
        sale = self._several(shop, partner)
        hooks = [self._hook() for _ in range(MANY)]
        with unit(app):
            while relay(shop.vendor.id, "test"):
                pass
        self.numbers = {
            "orders": [sale[1]], "payments/event": [sale[0]], "webhook-endpoints": hooks,
            "users/me/apps": [App(shop).get(f"{HOME}/users/me/apps").get_json()["data"][-1]["id"]],
            **{name: self._listed(name) for name in LISTS},
        }  # fmt: skip
        self.deliveries = {hook: self._listed(f"webhook-endpoints/{hook}/deliveries") for hook in hooks}

    def access(self, *, anew: bool) -> str:
        """The token of an app that is signed in, of one that has just been if it is used up by asking."""
        if anew:
            self.person.keep(self.person.sign_in())
        return self.person.access

    def _listed(self, name: str) -> list[str]:
        found = self.caller.get(f"{HOME}/{name}").get_json()["data"]
        assert found, f"there is nothing in {name}"
        return [one["id"] for one in found]

    def _sold(self, app: Flask, shop: Shop) -> None:
        for _ in range(MANY):
            ask_refund(shop, make_paid(shop), "5.00")
            make_payment(shop)
            make_link(shop)
        with unit(app):
            add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by="usr_x")
        seller = Seller(shop)
        seller.sells("100.00")
        disputed = seller.sells("40.00")
        with shifted(timedelta(days=30)):
            seller.release()
            seller.pays_out()
        case_of(seller, disputed).tell()

    def _stuck(self, shop: Shop) -> None:
        """Refund links that wait for their payers, and some that wait for the business."""
        for number in range(2 * MANY):
            claim = opened(shop, *failed_refund(shop))
            if number % 2:
                named(shop, claim)

    def _joined(self, shop: Shop) -> None:
        sell(shop, "Bread club", "14.00", on=days_ago(2))
        for _ in range(MANY):
            joined(shop, 1)
        Life(self.app, days_ago(1), shop=shop).answer(days_ago(1))

    def _in_the_directory(self, shop: Shop) -> None:
        listing = make_listing(shop, publish=False)
        make_branch(shop, listing)
        for _ in range(MANY):
            make_product(shop, listing, publish=False)

    def _several(self, shop: Shop, partner: Shop) -> tuple[str, str]:
        sale = Market([shop, partner]).open(1000, 2000)
        sale.pay()
        sale.tell(1, "yes")
        return sale.checkout.public_id, sale.order(1).public_id

    def _hook(self) -> str:
        made = self.caller.post(f"{HOME}/webhook-endpoints", {"address": "https://shop.example/webhooks"}).get_json()["id"]
        self.caller.post(f"{HOME}/webhook-endpoints/{made}/test", {})
        return str(made)


LISTS = (
    "branches", "customers", "disputes", "events", "invoices", "listings", "membership-plans", "memberships", "messages", "payment-links",
    "payments",
    "payouts", "products", "refund-links", "refunds",
)  # fmt: skip
