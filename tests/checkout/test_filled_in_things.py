"""Things and language through the address: proposed by it, or fixed by a signed one whatever the form says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from core.kernel.money import Money
from core.payments.lists import list_payments
from core.payments.offer import Item, Offer
from core.payments.prefill import Answers, BadPrefill, make_prefill, prefill_token
from core.payments.sale import find_cart
from tests.factories import again, link_address, make_link, unit

if TYPE_CHECKING:
    from core.payments.models import PaymentLink
    from tests.browser import Browser
    from tests.factories import Shop

RYE, BUN = Item("itm_rye", "Rye loaf", 450, least=0, most=5), Item("itm_bun", "Bun", 100, least=0, most=20)


@pytest.fixture
def stall(shop: Shop) -> PaymentLink:
    return make_link(shop, amount=None, title="Bread", offer=Offer(items=(RYE, BUN)))


def filled(shop: Shop, link: PaymentLink, **answers: Any) -> str:
    with unit(shop.app):
        prefill = make_prefill(shop.vendor, again(link), by="usr_x", answers=Answers(**answers), form_token=secrets.token_hex(10))
        return f"/pay/{prefill_token(shop.vendor, again(link), prefill)}"


def bought(shop: Shop) -> tuple[Money, dict[str, int]]:
    with unit(shop.app):
        payment = list_payments(shop.vendor, "test").rows[0]
        cart = find_cart(shop.vendor, payment)
        assert cart
        return payment.amount, {line.item: line.quantity for line in cart.lines if line.quantity}


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("product=Rye%20loaf", {"itm_rye": "1", "itm_bun": "0"}),
        ("product=rye+LOAF:3&product=bun:2", {"itm_rye": "3", "itm_bun": "2"}),
        ("product=Rye%20loaf:99", {"itm_rye": "5", "itm_bun": "0"}),
        ("product=Cake&product=Bun:x&product=:&product=", {"itm_rye": "0", "itm_bun": "0"}),
    ],
)
def test_an_address_proposes_things_and_what_cannot_be_read_is_left_out(
    payer: Browser, shop: Shop, stall: PaymentLink, query: str, chosen: dict[str, str]
) -> None:
    form = payer.get(f"{link_address(shop, stall)}?{query}").form()
    assert {item: form.values[f"quantity-{item}"] for item in chosen} == chosen


def test_what_a_signed_address_fixes_the_payer_reads_and_no_form_changes(payer: Browser, shop: Shop, stall: PaymentLink) -> None:
    page = payer.get(filled(shop, stall, quantities={"itm_rye": 2}))
    form = page.form()
    assert "quantity-itm_rye" not in form.values and "2 ×" in page.text and "Filled in by" in page.text
    assert "£9.00" in page.text
    payer.submit(form, email="ada@example.com", **{"quantity-itm_rye": "5", "quantity-itm_bun": "1", "shown": "1000"})
    assert bought(shop) == (Money(1000, "GBP"), {"itm_rye": 2, "itm_bun": 1})


def test_a_signed_address_opens_in_its_language_and_the_payment_keeps_it(payer: Browser, shop: Shop) -> None:
    link = make_link(shop)
    page = payer.get(filled(shop, link, locale="fr"))
    assert 'lang="fr"' in page.html[:200]
    payer.submit(page.form(), email="ada@example.com")
    with unit(shop.app):
        assert list_payments(shop.vendor, "test").rows[0].locale == "fr"


@pytest.mark.parametrize("quantities", [{"itm_rye": 6}, {"itm_rye": -1}, {"itm_cake": 1}])
def test_more_than_the_link_offers_is_not_filled_in(shop: Shop, stall: PaymentLink, quantities: dict[str, int]) -> None:
    with pytest.raises(BadPrefill):
        filled(shop, stall, quantities=quantities)


def test_things_are_filled_in_on_the_vendors_page(shop: Shop, stall: PaymentLink, payer: Browser) -> None:
    owner, path = shop.browser(), f"/portal/links/{stall.public_id}/filled"
    form = owner.get(path).form(path)
    assert owner.submit(form, status=422, **{"quantity-itm_rye": "77"}).errors
    page = owner.submit(form, locale="de", **{"quantity-itm_rye": "3"})
    assert "Rye loaf 3" in page.text and "Deutsch" in page.text
    address = next(e.attrs["value"] for e in page.all("input") if e.attrs.get("id", "").startswith("filled-"))
    assert "3 ×" in payer.get("/pay/" + address.partition("/pay/")[2]).text
