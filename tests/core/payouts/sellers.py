"""A seller as tests of payouts need one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from sqlalchemy import update

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.ledger.queries import balance, find_breaks
from core.payments.models import Payment
from core.payouts.accounts import add_account
from core.payouts.models import Payout
from core.payouts.queries import find_payout
from core.payouts.request import request_payout
from core.payouts.settle import settle_payout
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import find_order
from tests.core.payments.transfers import TestBank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, make_link, make_paid, make_shop, out_of_sight, release_all, unit

THEIRS, OTHER = "DE12500105170648489890", "GB33BUKB20201555555555"


def send_waiting_orders(app: Flask) -> None:
    """Other tests' transfers wait for no file any more."""
    with unit(app):
        db.session.execute(update(BankOrder).where(BankOrder.state == "requested").values(state="sent"))


@dataclass
class Seller:
    """One vendor in test mode."""

    shop: Shop
    currency: str = "USD"

    def sells(self, amount: str) -> Payment:
        return make_paid(self.shop, make_link(self.shop, amount=amount, currency=self.currency))

    def release(self) -> None:
        release_all(self.shop.app)

    def pays_out(self, token: str | None = None, by: str = "usr_owner") -> Payout:
        with unit(self.shop.app):
            return request_payout(self.shop.vendor, "test", self.currency, by=by, form_token=token or public_id("frm"))

    def has(self, account: str = "seller_available") -> Money:
        with unit(self.shop.app):
            return balance(self.shop.vendor, "test", account, self.currency)

    def as_it_is(self, payout: Payout) -> Payout:
        with unit(self.shop.app):
            found = find_payout(self.shop.vendor, "test", payout.public_id)
            assert found is not None
            return found

    def bank_says(self, payout: Payout, *, back: str = "") -> None:
        """A statement shows that it left or, with a reason, that it came back."""
        with unit(self.shop.app):
            order = find_order("test", payout.public_id)
            assert order is not None
        sign = 1 if back else -1
        tx = Tx(payout.amount_minor, sign=sign, end_to_end=order.end_to_end, name="Blue Door Bakery Ltd", account=THEIRS, returned=back)
        line = Line((tx,), sign=sign, booked_on=now().date())
        TestBank(self.shop, self.currency).tell(line)
        with unit(self.shop.app):
            settle_payout(self.shop.vendor, "test", payout.public_id, cause="line")

    def on_their_statement(self, payout: Payout) -> str:
        """The number that our bank hands on with the transfer."""
        with unit(self.shop.app):
            order = find_order("test", payout.public_id)
            assert order is not None
            return order.end_to_end

    def books_are_whole(self) -> bool:
        with unit(self.shop.app):
            return find_breaks(self.shop.vendor.id, "test") == []


def make_seller(app: Flask, business: str) -> Seller:
    """With an account in dollars, to which may be paid out when it has rested (COOLING_OFF)."""
    made = Seller(make_shop(app, business=business))
    with unit(app):
        out_of_sight()
        add_account(made.shop.vendor, "test", currency="USD", holder=f"{business} Ltd", iban=THEIRS, by=made.shop.user.public_id)
    return made
