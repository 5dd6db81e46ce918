"""Links that sell more than one sum: what is charged is the link's price, and the books show the tip."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from core.kernel.money import Money
from core.ledger.queries import balance, journals_about, list_lines
from core.payments.basket import BadChoice, Choices, PriceChanged, price
from core.payments.discount import (
    CodeRefused,
)
from core.payments.link import edit_link
from core.payments.link_terms import LinkTerms
from core.payments.offer import Item, Offer, Tips
from core.payments.offer_check import BadOffer
from core.payments.sale import find_cart, find_details
from core.payments.tax import put_away_rate
from tests.core.payments.carts import LOAF, bought, buy, code, link_with, paid, rate
from tests.factories import Shop, again, ask_refund, make_link, make_paid, tell_refund, unit

# --- what is charged --------------------------------------------------------------------------------------------------------


def test_a_cart_is_charged_at_the_links_prices_and_frozen(shop: Shop) -> None:
    vat = rate(shop)
    link = link_with(shop, items=(LOAF, Item("itm_jam", "Jam", 320, 0, 5, vat)), discounts=True, tips=Tips((1_000,)))
    code(shop)
    with unit(shop.app):
        payment = buy(shop, link, choices={"quantities": {"itm_loaf": 2, "itm_jam": 3}, "tip": 1_000, "code": " spring "})
    cart = bought(shop, payment)
    # 900 + 960 = 1860, less 186; tip 10 % of 1674; tax 20 % of 960 - 96
    assert (cart.goods.minor, cart.discount.minor, cart.tip.minor, cart.taxes[0].tax.minor) == (1_860, 186, 167, 173)
    assert payment.amount_minor == cart.total.minor == 1_860 - 186 + 167 + 173
    assert payment.tip_minor == 167 and cart.reduction and cart.reduction.code == "SPRING"
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms("Dearer", "GBP", offer=Offer(items=(Item("itm_loaf", "Loaf", 9_900),))))
        put_away_rate(shop.vendor, "test", vat, by="usr_x")
    assert bought(shop, payment) == cart


def test_a_plain_link_keeps_no_cart(shop: Shop) -> None:
    with unit(shop.app):
        payment = buy(shop, make_link(shop), amount=Money(2_500, "GBP"))
    assert not payment.itemised
    with shop.app.app_context():
        assert find_cart(shop.vendor, payment) is None and find_details(shop.vendor, payment) is None


def test_nothing_chosen_is_the_least_of_everything(shop: Shop) -> None:
    with unit(shop.app):
        assert buy(shop, link_with(shop)).amount_minor == 450


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ({"quantities": {"itm_loaf": 0}}, "quantity-itm_loaf"),
        ({"quantities": {"itm_loaf": 11}}, "quantity-itm_loaf"),
        ({"quantities": {"itm_loaf": -1}}, "quantity-itm_loaf"),
        ({"quantities": {"itm_cake": 1}}, None),
        ({"tip": 1_000}, "tip"),
        ({"code": "SPRING"}, "code"),
    ],
)
def test_what_the_link_does_not_offer_is_refused_at_its_field(shop: Shop, choices: dict[str, Any], field: str | None) -> None:
    link = link_with(shop)
    with pytest.raises(BadChoice) as refused, unit(shop.app):
        buy(shop, link, choices=choices)
    assert refused.value.field == field


def test_a_tip_nobody_offered_is_refused_and_an_own_one_taken(shop: Shop) -> None:
    link = link_with(shop, tips=Tips((500, 1_000)))
    with pytest.raises(BadChoice), unit(shop.app):
        buy(shop, link, choices={"tip": 9_999})
    with unit(shop.app):
        assert buy(shop, link, choices={"tip": Money(123, "GBP")}).amount_minor == 573


def test_a_code_that_leaves_less_than_the_smallest_payment_is_refused(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, "ALL", bps=10_000)
    with pytest.raises(BadChoice) as refused, unit(shop.app):
        buy(shop, link, choices={"code": "ALL"})
    assert refused.value.field == "code"


def test_a_cart_above_the_largest_payment_is_refused(shop: Shop) -> None:
    link = link_with(shop, items=(Item("itm_car", "Car", 90_000_000, 1, 5),))
    with pytest.raises(BadChoice), unit(shop.app):
        buy(shop, link, choices={"quantities": {"itm_car": 2}})


def test_a_payer_who_saw_another_total_is_told_and_nothing_is_begun(shop: Shop) -> None:
    link = link_with(shop)
    form = secrets.token_hex(9)
    with pytest.raises(PriceChanged) as told, unit(shop.app):
        buy(shop, link, form=form, shown=Money(400, "GBP"))
    assert told.value.total == Money(450, "GBP") and told.value.status == 409
    with unit(shop.app):
        assert buy(shop, link, form=form, shown=Money(450, "GBP")).amount_minor == 450


def test_prices_of_one_vendor_know_no_rate_or_code_of_another(shop: Shop, first_shop: Shop) -> None:
    code(shop, "OURS")
    foreign = rate(shop)
    link = link_with(first_shop, discounts=True)
    with pytest.raises(CodeRefused), unit(shop.app):
        price(first_shop.vendor, again(link), Choices(code="OURS"))
    with pytest.raises(BadOffer):
        link_with(first_shop, rate=foreign)


# --- the tip in the books ---------------------------------------------------------------------------------------------------


def test_a_tip_is_the_sellers_money_on_a_line_of_its_own(shop: Shop) -> None:
    link = link_with(shop, tips=Tips((2_000,)))
    with unit(shop.app):
        payment = buy(shop, link, choices={"quantities": {"itm_loaf": 4}, "tip": 2_000})
    payment = paid(shop, payment)
    with shop.app.app_context():
        lines = list_lines(shop.vendor, "test", "seller_pending", "GBP").lines
        assert sorted((line.ref, line.amount.minor) for line in lines) == [("", 1_800 - payment.fee_minor), ("tip", 360)]
        assert balance(shop.vendor, "test", "seller_pending", "GBP").minor == payment.net.minor == 2_160 - payment.fee_minor
        ((_, legs),) = journals_about(shop.vendor, "test", payment.public_id)
        assert sum(amount.minor for _, _, amount, _ in legs) == 0
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    with shop.app.app_context():
        assert balance(shop.vendor, "test", "seller_pending", "GBP").minor == 0


def test_a_tip_larger_than_all_the_goods_is_booked(shop: Shop) -> None:
    link = link_with(shop, items=(Item("itm_tea", "Tea", 100),), tips=Tips((1_000,)))
    with unit(shop.app):
        payment = buy(shop, link, choices={"tip": Money(50_000, "GBP")})
    payment = paid(shop, payment)
    assert payment.fee_minor > 100
    with shop.app.app_context():
        assert balance(shop.vendor, "test", "seller_pending", "GBP").minor == 50_100 - payment.fee_minor


def test_a_paid_plain_payment_has_no_tip(shop: Shop) -> None:
    assert make_paid(shop).tip_minor == 0
