"""Buttons on other people's pages, as payers meet them: the price is the button's, whatever the page says, and a button can be stopped."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.button import Look, make_button, pause_button, renew_button, resume_button
from core.payments.link import LinkClosed, edit_link, pause_link
from core.payments.link_terms import LinkTerms
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Item, Offer
from core.payments.origin import NotAsFilledIn, Origin
from core.payments.prefill import Answers, BadPrefill, make_prefill, prefill_token, withdraw_prefill
from core.payments.promised import SumsPromised
from core.payments.sharing import Sharing, set_sharing
from core.payments.sharing_models import LinkPrefill
from core.payments.start import start_payment
from tests.browser import Browser
from tests.factories import Shop, again, make_link, unit

LOOK = Look(text="Pay now")


def button(shop: Shop, link: PaymentLink, *, expires_at: Any = None, **answers: Any) -> tuple[LinkPrefill, str]:
    """A button and its token."""
    with unit(shop.app):
        made = make_button(
            shop.vendor,
            again(link),
            by="usr_x",
            answers=Answers(**answers),
            look=LOOK,
            expires_at=expires_at,
            form_token=secrets.token_hex(12),
        )
        return made, prefill_token(shop.vendor, again(link), made)


def priced(shop: Shop, link: PaymentLink, amount: str) -> None:
    with unit(shop.app):
        terms = LinkTerms(title=link.title, currency="GBP", amount_minor=Money.of(amount, "GBP").minor)
        edit_link(again(link), by="usr_x", terms=terms)


def payments(shop: Shop) -> list[tuple[int, str]]:
    with shop.app.app_context():
        mine = db.select(Payment).where(Payment.vendor_id == shop.vendor.id)
        return [(payment.amount_minor, payment.payer_reference) for payment in db.session.scalars(mine)]


def asking(shop: Shop) -> PaymentLink:
    link = make_link(shop, amount=None)
    with unit(shop.app):
        return set_sharing(again(link), by="usr_x", sharing=Sharing(reference_label="Invoice"))


def test_a_button_fixes_amount_and_reference_on_a_link_that_leaves_both_open(shop: Shop, payer: Browser) -> None:
    _, token = button(shop, asking(shop), amount=Money.of("12.50", "GBP"), reference="INV-7")
    page = payer.post("/buy", {"button": token, "amount": "12.50", "currency": "GBP", "reference": "INV-7"}, status=200)
    assert "£12.50" in page.text and "INV-7" in page.text
    payer.submit(page.form(), email="sam@example.com", amount="1.00", choice="own", payer_reference="INV-8")
    assert payments(shop) == [(1250, "INV-7")]


@pytest.mark.parametrize(
    "said", [{"amount": "1.25"}, {"amount": "x"}, {"currency": "EUR"}, {"reference": "INV-8"}, {"amount": "12.5000001"}]
)
def test_what_was_changed_on_the_page_is_refused_in_words(shop: Shop, payer: Browser, said: dict[str, str]) -> None:
    _, token = button(shop, asking(shop), amount=Money.of("12.50", "GBP"), reference="INV-7")
    page = payer.post("/buy", {"button": token, "amount": "12.50", "currency": "GBP", "reference": "INV-7", **said}, status=409)
    assert page.heading == "This button is not as the seller made it" and "Nothing was charged" in page.text and "£12.50" in page.text
    assert payments(shop) == []


@pytest.mark.parametrize("token", ["", "x", "a" * 1200])
def test_a_blob_that_was_changed_opens_nothing(shop: Shop, payer: Browser, token: str) -> None:
    _, good = button(shop, make_link(shop))
    for bad in (token, good[:-1], good + "A", good.swapcase()):
        assert payer.post("/buy", {"button": bad}, status=404).heading == "This link is not valid"


def test_another_kind_of_address_is_no_button(shop: Shop, payer: Browser) -> None:
    from core.payments.link import link_token

    assert payer.post("/buy", {"button": link_token(shop.vendor, make_link(shop))}, status=404).heading == "This link is not valid"


def test_a_button_whose_price_is_not_the_links_any_more_takes_nothing(shop: Shop, payer: Browser) -> None:
    link = make_link(shop, amount="25.00")
    made, token = button(shop, link)
    form = payer.get(f"/pay/{token}").form()
    priced(shop, link, "30.00")
    assert payer.get(f"/pay/{token}").heading == "The price has changed" and "£25.00" in payer.get(f"/pay/{token}").text
    assert payer.submit(form, status=409, email="sam@example.com").heading == "The price has changed"
    assert payments(shop) == []
    with unit(shop.app), pytest.raises(LinkClosed):  # whatever a door has looked at before
        start_payment(
            shop.vendor, again(link), amount=Money.of("30.00", "GBP"), email="a@example.com", name="", form_token=secrets.token_hex(12),
            origin=Origin(prefill=again(made)),
        )  # fmt: skip
    priced(shop, link, "25.00")
    payer.submit(payer.get(f"/pay/{token}").form(), email="sam@example.com")
    assert payments(shop) == [(2500, "")]


def test_a_button_for_things_of_a_list_keeps_their_number_and_their_price(shop: Shop, payer: Browser) -> None:
    offer = Offer(items=(Item("loaf", "Loaf", 450, 0, 10), Item("jam", "Jam", 320, 1, 1)))
    link = make_link(shop, amount=None, offer=offer)
    _, token = button(shop, link, quantities={"loaf": 3})
    page = payer.post("/buy", {"button": token, "amount": "16.70", "currency": "GBP"}, status=200)
    payer.submit(page.form(), email="sam@example.com", **{"quantity-loaf": "1"})
    assert payments(shop) == [(1670, "")]
    dearer = Offer(items=(Item("loaf", "Loaf", 500, 0, 10), Item("jam", "Jam", 320, 1, 1)))
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms(title=link.title, currency="GBP", offer=dearer))
    assert Browser(shop.app).get(f"/pay/{token}").heading == "The price has changed"


def test_pausing_and_taking_back_stop_it_and_renewing_moves_it(shop: Shop, payer: Browser) -> None:
    link = make_link(shop)
    made, token = button(shop, link)
    with unit(shop.app):
        pause_button(again(made), by="usr_x")
    assert payer.get(f"/pay/{token}").heading == "Payments are paused"
    with unit(shop.app):
        resume_button(again(made), by="usr_x")
        fresh = renew_button(shop.vendor, again(link), again(made), by="usr_x", form_token=secrets.token_hex(12))
        renewed = prefill_token(shop.vendor, again(link), fresh)
    assert payer.get(f"/pay/{token}", status=404).heading == "This link is not valid"
    assert payer.get(f"/pay/{renewed}").form()
    with unit(shop.app):
        withdraw_prefill(again(fresh), by="usr_x")
    payer.get(f"/pay/{renewed}", status=404)
    _, other = button(shop, link)
    with unit(shop.app):
        pause_link(again(link), by="usr_x")
    assert payer.get(f"/pay/{other}").heading == "Payments are paused"


def test_a_button_works_until_its_hour(shop: Shop, payer: Browser) -> None:
    link = make_link(shop)
    _, token = button(shop, link, expires_at=now() + timedelta(hours=1))
    form = payer.get(f"/pay/{token}").form()
    with shifted(timedelta(hours=2)):
        assert payer.get(f"/pay/{token}").heading == "This link has expired"
        assert payer.submit(form, status=409, email="sam@example.com").heading == "This link has expired"
    assert payments(shop) == []


def test_without_an_amount_on_an_open_link_the_payer_says_how_much(shop: Shop, payer: Browser) -> None:
    _, token = button(shop, make_link(shop, amount=None))
    payer.submit(payer.post("/buy", {"button": token}, status=200).form(), email="sam@example.com", choice="own", amount="7.00")
    assert payments(shop) == [(700, "")]


def test_a_button_names_nobody_and_refuses_what_its_link_would(shop: Shop) -> None:
    link = make_link(shop)
    refusals = [{"email": "a@example.com"}, {"amount": Money.of("5.00", "GBP")}, {"reference": "x"}]
    for answers in refusals:
        with pytest.raises(BadPrefill):
            button(shop, link, **answers)
    with pytest.raises(BadPrefill):
        button(shop, link, expires_at=now() - timedelta(minutes=1))


def test_another_sum_than_the_buttons_is_refused_by_the_core_itself(shop: Shop) -> None:
    link = make_link(shop, amount=None)
    made, _ = button(shop, link, amount=Money.of("12.50", "GBP"))
    with unit(shop.app), pytest.raises(NotAsFilledIn):
        start_payment(
            shop.vendor, again(link), amount=Money.of("1.00", "GBP"), email="a@example.com", name="", form_token=secrets.token_hex(12),
            origin=Origin(prefill=again(made)),
        )  # fmt: skip


@pytest.mark.parametrize("how", ["button", "filled"])
def test_a_promised_sum_keeps_its_currency(shop: Shop, how: str) -> None:
    """The row keeps a number; in another currency it would be another sum, and nobody would notice."""
    link = make_link(shop, amount=None)
    terms = LinkTerms(title=link.title, currency="JPY", amount_minor=None)
    if how == "button":
        made, _ = button(shop, link, amount=Money(2_500, "GBP"))
    else:
        with unit(shop.app):
            made = make_prefill(
                shop.vendor, again(link), by="usr_x", answers=Answers(amount=Money(2_500, "GBP")), form_token=secrets.token_hex(12)
            )
    with pytest.raises(SumsPromised), unit(shop.app):
        edit_link(again(link), by="usr_x", terms=terms)
    with unit(shop.app):
        withdraw_prefill(again(made), by="usr_x")
    with unit(shop.app):
        assert edit_link(again(link), by="usr_x", terms=terms).currency == "JPY"
