"""What a link offers and asks: how an offer is kept and what it may not say, tax rates, tax numbers, answers and consent."""

from __future__ import annotations

from typing import Any

import pytest

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.link import edit_link
from core.payments.link_terms import BadTerms, LinkTerms
from core.payments.offer import Item, Offer, Question, Terms, Tips, read_offer
from core.payments.offer_check import BadOffer, slug_of
from core.payments.sale import Consent, Details, find_details, find_terms
from core.payments.tax import BadRate, BadTaxId, list_rates, put_away_rate, read_tax_id
from tests.core.payments.carts import JAM, LOAF, buy, link_with, rate
from tests.factories import Shop, again, make_link, unit


def test_an_offer_is_the_same_after_it_was_kept() -> None:
    offer = Offer(
        items=(LOAF, JAM), rate="txr_1", tips=Tips((500, 1_000), 500, True), discounts=True, business=True,
        questions=(Question("size", "Size", "select", True, ("S", "M")),), terms=Terms("I agree", "All of it."), phone="optional",
        success_url="https://shop.example/{PAYMENT}",
    )  # fmt: skip
    import json

    assert read_offer(json.loads(json.dumps(offer.document()))) == offer
    assert Offer().document() is None and read_offer(None) == Offer()
    with pytest.raises(ValueError, match="surprise"):
        read_offer({"surprise": 1})


@pytest.mark.parametrize(
    ("field", "offer"),
    [
        ("items", {"items": tuple(Item(f"itm_{n}", "x", 100) for n in range(21))}),
        ("item_0_title", {"items": (Item("itm_1", " ", 100),)}),
        ("item_0_price", {"items": (Item("itm_1", "x", 0),)}),
        ("item_0_price", {"items": (Item("itm_1", "x", 10**12),)}),
        ("item_0_least", {"items": (Item("itm_1", "x", 100, -1, 3),)}),
        ("item_0_most", {"items": (Item("itm_1", "x", 100, 3, 2),)}),
        ("item_0_most", {"items": (Item("itm_1", "x", 100, 0, 1_000),)}),
        ("item_0_rate", {"items": (Item("itm_1", "x", 100, rate="txr_nobodys"),)}),
        ("rate", {"rate": "txr_nobodys"}),
        ("discounts", {"discounts": True}),
        ("tip_presets", {"tips": Tips(())}),
        ("tip_presets", {"tips": Tips((500, 500))}),
        ("tip_presets", {"tips": Tips((10_001,))}),
        ("tip_usual", {"tips": Tips((500,), 600)}),
        ("rate", {"tips": Tips((500,), taxed=True)}),
        ("questions", {"questions": tuple(Question(f"q{n}", "x") for n in range(11))}),
        ("question_0_label", {"questions": (Question("q", ""),)}),
        ("question_0_kind", {"questions": (Question("q", "x", "file"),)}),
        ("question_1_label", {"questions": (Question("q", "x"), Question("q", "y"))}),
        ("question_0_options", {"questions": (Question("q", "x", "select", options=("one",)),)}),
        ("phone", {"phone": "always"}),
        ("terms_text", {"terms": Terms("I agree", "")}),
        ("terms_label", {"terms": Terms("", "Text")}),
        ("success_url", {"success_url": "https://evil.example/"}),
        ("cancel_url", {"cancel_url": "javascript:alert(1)"}),
    ],
)
def test_an_offer_that_contradicts_itself_is_refused_at_its_field(shop: Shop, field: str, offer: dict[str, Any]) -> None:
    with pytest.raises(BadOffer if "url" not in field else Refusal) as refused:
        make_link(shop, amount=None, offer=Offer(**offer))
    assert refused.value.field == field


def test_a_link_has_one_amount_or_a_list(shop: Shop) -> None:
    with pytest.raises(BadTerms):
        make_link(shop, amount="25.00", offer=Offer(items=(LOAF,)))


def test_a_rate_put_away_stays_on_the_link_that_carries_it(shop: Shop) -> None:
    vat = rate(shop)
    link = link_with(shop, amount="10.00", rate=vat)
    with unit(shop.app):
        put_away_rate(shop.vendor, "test", vat, by="usr_x")
        assert list_rates(shop.vendor, "test") == []
        edit_link(again(link), by="usr_x", terms=LinkTerms("Same", "GBP", amount_minor=1_000, offer=Offer(rate=vat)))
        assert buy(shop, link, amount=Money(1_000, "GBP")).amount_minor == 1_200
    with pytest.raises(BadOffer):
        link_with(shop, amount="10.00", rate=vat)


def test_a_rate_is_made_once_and_within_reason(shop: Shop) -> None:
    rate(shop)
    for wrong in ({}, {"name": "", "bps": 1}, {"name": "x" * 41}, {"bps": 10_001}):
        with pytest.raises(BadRate):
            rate(shop, **wrong)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("de 136 695 976", "DE136695976"),
        ("GB 980 7806 84", "GB980780684"),
        ("FR40303265045", "FR40303265045"),
        ("US-12-3456789", "US123456789"),
    ],
)
def test_a_tax_id_has_one_spelling(typed: str, kept: str) -> None:
    assert read_tax_id(typed) == kept


@pytest.mark.parametrize("typed", ["", "DE", "DE136695975", "GB980780685", "12345", "D1", "ＤＥ136695976", "DE136695976\x00", "x" * 500])
def test_what_is_no_tax_id_is_refused(typed: str) -> None:
    with pytest.raises(BadTaxId):
        read_tax_id(typed)


def test_answers_and_consent_are_kept_with_the_payment(shop: Shop) -> None:
    terms = Terms("I agree to the terms", "No refunds on bread.")
    details = Details(
        phone="+44 20 7946 0000", billing={"line1": "1 High St", "country": "GB"}, answers=({"slug": "size", "label": "Size", "value": "M"},),
        consent=Consent(terms, "192.0.2.7", "Firefox"),
    )  # fmt: skip
    link = link_with(shop)
    payments = []
    for _ in range(2):
        with unit(shop.app):
            payments.append(buy(shop, link, details=details))
    with shop.app.app_context():
        kept = find_details(shop.vendor, payments[1])
        assert kept and kept.answers == [{"slug": "size", "label": "Size", "value": "M"}]
        assert (kept.phone, kept.billing, kept.shipping) == ("+44 20 7946 0000", {"line1": "1 High St", "country": "GB"}, None)
        assert (kept.terms_version, kept.agreed_from, kept.agreed_with) == (terms.version, "192.0.2.7", "Firefox") and kept.agreed_at
        words = find_terms(shop.vendor, "test", terms.version)
        assert words and words.text == "No refunds on bread."
    assert payments[1].payer_country == "GB"


def test_a_question_gets_a_name_of_its_own() -> None:
    assert slug_of("Table number", set()) == "table_number"
    assert slug_of("Table number!", {"table_number"}) == "table_number_2"
    assert slug_of("2nd name", set()) == "question_2nd_name" and slug_of("日本", set()) == "question"
