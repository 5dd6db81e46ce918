"""A vendor may leave off the receipt how it was paid; what was refunded stays on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.payments.start import receipt_token
from tests.factories import ask_refund, fresh, make_paid, tell_refund, unit

if TYPE_CHECKING:
    from tests.browser import Browser
    from tests.factories import Shop


def receipt(shop: Shop, payment: object, reader: Browser) -> str:
    with unit(shop.app):
        token = receipt_token(shop.vendor, fresh(shop, payment))
    return str(reader.client.get(f"/receipt/{token}").get_data(as_text=True))


def test_the_payments_are_left_off_and_refunds_stay(shop: Shop, owner: Browser, stranger: Browser) -> None:
    paid = make_paid(shop, name="Ada Payer")
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    shown = receipt(shop, paid, stranger)
    assert all(words in shown for words in ("Paid with", "Visa ending in 4242", "What happened to this payment", "All your payments"))
    form = owner.get("/portal/settings/receipts").form("/portal/settings/receipts")
    form.values.pop("show_payments")
    owner.submit(form)
    left = receipt(shop, paid, stranger)
    assert not any(words in left for words in ("Paid with", "4242", "What happened to this payment", "All your payments"))
    assert "Refunded on" in left and "−£10.00" in left and "£25.00" in left
    assert "show_payments" not in owner.get("/portal/settings/receipts").form("/portal/settings/receipts").values
