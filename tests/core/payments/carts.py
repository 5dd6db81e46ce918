"""Links that sell more than one sum, their codes and tax rates, and payments through them."""

from __future__ import annotations

import secrets
from typing import Any

from core.kernel.clock import now
from core.kernel.money import Money
from core.payments.basket import Choices
from core.payments.cart import Cart
from core.payments.discount import (
    DiscountTerms,
    make_code,
)
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Item, Offer
from core.payments.sale import find_cart
from core.payments.start import Order, start_payment
from core.payments.tax import make_rate
from tests.factories import Shop, again, make_link, open_payment, tell, unit

LOAF, JAM = Item("itm_loaf", "Loaf", 450, 1, 10), Item("itm_jam", "Jam", 320, 0, 5)


def link_with(shop: Shop, *, amount: str | None = None, **offer: Any) -> PaymentLink:
    offer.setdefault("items", () if amount else (LOAF, JAM))
    return make_link(shop, amount=amount, offer=Offer(**offer))


def buy(
    shop: Shop, link: PaymentLink, *, email: str = "ada@example.com", form: str | None = None, amount: Money | None = None, **order: Any
) -> Payment:
    order["choices"] = Choices(**order.pop("choices", {}))
    return start_payment(
        shop.vendor, again(link), amount=amount, email=email, name="Ada", form_token=form or secrets.token_hex(9), order=Order(**order)
    )


def code(shop: Shop, text: str = "SPRING", **terms: Any) -> Any:
    with unit(shop.app):
        return make_code(shop.vendor, "test", by="usr_x", terms=DiscountTerms(text, **({"bps": 1_000} | terms)))


def rate(shop: Shop, bps: int = 2_000, *, inclusive: bool = False, name: str = "VAT") -> str:
    with unit(shop.app):
        return make_rate(shop.vendor, "test", name=name, bps=bps, inclusive=inclusive, by="usr_x").public_id


def bought(shop: Shop, payment: Payment) -> Cart:
    with shop.app.app_context():
        cart = find_cart(shop.vendor, payment)
    assert cart
    return cart


def paid(shop: Shop, payment: Payment) -> Payment:
    attempt = open_payment(shop, payment)
    told = tell(shop, payment, attempt, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount, occurred_at=now())
    assert told == "settled"
    with shop.app.app_context():
        return again(payment)
