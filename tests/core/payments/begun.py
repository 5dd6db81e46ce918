"""How a payment is begun in tests, and what we do to its link."""

from __future__ import annotations

import secrets
from typing import Any

from core.kernel.money import Money
from core.payments.attempt import begin_attempt
from core.payments.link import (
    link_state,
)  # fmt: skip
from core.payments.models import Attempt, Payment, PaymentLink
from core.payments.start import start_payment
from tests.core.payments.settled import again
from tests.factories import Shop, unit


def pay(shop: Shop, link: PaymentLink, form: str | None = None, amount: Money | None = None) -> Payment:
    amount = amount or Money(2_500, "GBP")
    return start_payment(
        shop.vendor, again(link), amount=amount, email=" Ada@Example.COM ", name=" Ada ", form_token=form or secrets.token_hex(9)
    )


def state(shop: Shop, link: PaymentLink) -> str:
    with unit(shop.app):
        return link_state(again(link))


def by_us(shop: Shop, act: Any, link: PaymentLink, **more: Any) -> PaymentLink:
    with unit(shop.app):
        return act(link, by=shop.user.public_id, **more)


def begin(shop: Shop, payment: Payment) -> Attempt:
    return begin_attempt(shop.vendor, again(payment))
