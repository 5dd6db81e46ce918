"""A payment's page, its receipt and its letters all show the same cart."""

from __future__ import annotations

import secrets

from core.kernel.clock import now
from core.kernel.money import Money
from core.notifications.queries import list_messages
from core.payments.basket import Choices
from core.payments.discount import DiscountTerms, make_code
from core.payments.offer import Item, Offer, Tips
from core.payments.start import Order, receipt_token, start_payment
from core.payments.tax import make_rate
from tests.factories import Shop, again, make_link, open_payment, tell, unit


def buy(shop: Shop):
    with unit(shop.app):
        vat = make_rate(shop.vendor, "test", name="VAT", bps=2_000, inclusive=False, by="usr_x").public_id
        make_code(shop.vendor, "test", by="usr_x", terms=DiscountTerms("SPRING", bps=1_000))
    offer = Offer(items=(Item("itm_loaf", "Loaf <b>", 450, 1, 10, vat),), tips=Tips((1_000,)), discounts=True)
    link = make_link(shop, amount=None, offer=offer)
    with unit(shop.app):
        choices = Choices(quantities={"itm_loaf": 4}, tip=Money(200, "GBP"), code="SPRING")
        payment = start_payment(
            shop.vendor,
            again(link),
            amount=None,
            email="ada@example.com",
            name="Ada",
            form_token=secrets.token_hex(9),
            order=Order(choices),
        )
    tell(
        shop,
        payment,
        open_payment(shop, payment),
        "succeeded",
        charge=f"ch_{secrets.token_hex(8)}",
        captured=payment.amount,
        occurred_at=now(),
    )
    with shop.app.app_context():
        return again(payment)


def test_page_receipt_and_letters_show_the_same_cart(shop: Shop, owner, stranger, work) -> None:
    payment = buy(shop)  # 1800, 180 off, 200 tip, 324 tax
    assert payment.amount_minor == 1_800 - 180 + 200 + 324
    page = owner.get(f"/portal/payments/{payment.public_id}")
    for words in ("Loaf <b> 4 × £4.50, −£1.80 discount · VAT 20%: £3.24 added", "Tip", "£2.00", "Discount code SPRING", "£21.44"):
        assert words in page.text, words
    assert not page.all("b")
    with shop.app.app_context():
        token = receipt_token(shop.vendor, payment)
    receipt = stranger.client.get(f"/receipt/{token}").text
    for words in ("4 × <bdi>Loaf &lt;b&gt;</bdi> (£4.50 each)", "Discount SPRING", "−£1.80", "VAT 20% on £16.20", "£21.44"):
        assert words in receipt, words
    work()
    with shop.app.app_context():
        letters = {message.kind: message.text for message in list_messages(shop.vendor, "test").rows}
    for kind in ("receipt", "payment_received"):
        for words in ("4 × Loaf <b>: £18.00", "Discount SPRING: −£1.80", "Tip: £2.00", "VAT 20%: £3.24", "Total: £21.44"):
            assert words in letters[kind], (kind, words)


def test_the_balance_shows_the_tip_on_a_line_of_its_own(shop: Shop, owner) -> None:
    buy(shop)
    lines = owner.get("/portal/balance/pending?currency=GBP")
    assert "Tip" in lines.text and "£2.00" in lines.text
