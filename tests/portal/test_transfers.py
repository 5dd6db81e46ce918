"""The list of transfers that need somebody."""

from __future__ import annotations

from datetime import timedelta

from core.kernel import clock
from tests.browser import Browser
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import Shop, make_link, make_payment


def test_what_is_to_decide_is_as_old_as_the_money_that_came_last(shop: Shop, owner: Browser) -> None:
    with clock.shifted(timedelta(hours=-3)):
        payment = make_payment(shop, make_link(shop, currency="USD", amount="18.00"))
        bank, reference = TestBank(shop), begin_transfer(shop, payment).provider_reference or ""
        bank.tell(transfer(1000, reference))
    assert "3 hours ago" in owner.get("/portal/transfers").text
    bank.tell(transfer(1500, reference))
    page = owner.get("/portal/transfers")
    assert "USD 7.00" in page.text and "just now" in page.text and "hours ago" not in page.text
