"""Links that sell more than one sum: what is charged is the link's price, a code is used no oftener than it may be, and the books show the tip."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import now, shifted
from core.kernel.money import Money
from core.ledger.queries import balance, journals_about, list_lines
from core.payments.basket import BadChoice, Choices, PriceChanged, price
from core.payments.cart import Cart
from core.payments.discount import (
    BadDiscount,
    CodeRefused,
    DiscountTerms,
    end_code,
    list_codes,
    make_code,
    one_customer,
    uses_of,
)
from core.payments.link import BadTerms, LinkTerms, edit_link
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Item, Offer, Question, Terms, Tips, read_offer
from core.payments.offer_check import BadOffer, slug_of
from core.payments.sale import Consent, Details, find_cart, find_details, find_terms
from core.payments.start import Order, give_up, start_payment
from core.payments.tax import BadRate, BadTaxId, list_rates, make_rate, put_away_rate, read_tax_id
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, ask_refund, make_link, make_paid, open_payment, tell, tell_refund, unit

ROUNDS = 40
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


def paid(shop: Shop, payment: Payment) -> Payment:
    attempt = open_payment(shop, payment)
    told = tell(shop, payment, attempt, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount, occurred_at=now())
    assert told == "settled"
    with shop.app.app_context():
        return again(payment)


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


# --- codes ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("code", {"code": "AB"}),
        ("code", {"code": "A" * 31}),
        ("code", {"code": "ÜBER20"}),
        ("percent", {"bps": None}),
        ("percent", {"amount": Money(100, "GBP")}),
        ("percent", {"bps": 0}),
        ("percent", {"bps": 10_001}),
        ("amount", {"bps": None, "amount": Money(0, "GBP")}),
        ("ends_at", {"ends_at": now() - timedelta(hours=1)}),
        ("ends_at", {"starts_at": now() + timedelta(days=2), "ends_at": now() + timedelta(days=1)}),
        ("most_uses", {"most_uses": 0}),
        ("most_each", {"most_each": 1_001}),
    ],
)
def test_a_code_that_contradicts_itself_is_refused_at_its_field(shop: Shop, field: str, wrong: dict[str, Any]) -> None:
    terms = {"code": "SPRING", "bps": 1_000} | wrong
    with pytest.raises(BadDiscount) as refused, unit(shop.app):
        make_code(shop.vendor, "test", by="usr_x", terms=DiscountTerms(**terms))
    assert refused.value.field == field


def test_the_same_code_is_made_once(shop: Shop) -> None:
    code(shop, "SPRING")
    with pytest.raises(BadDiscount):
        code(shop, "spring")


def test_a_code_counts_only_in_its_window_and_until_it_is_ended(shop: Shop) -> None:
    made = code(shop, starts_at=now() + timedelta(days=1), ends_at=now() + timedelta(days=3))
    link = link_with(shop, discounts=True)

    def refused() -> bool:
        try:
            with unit(shop.app):
                price(shop.vendor, again(link), Choices(code="SPRING"))
        except CodeRefused:
            return True
        return False

    assert refused()
    with shifted(timedelta(days=2)):
        assert not refused()
    with shifted(timedelta(days=4)):
        assert refused()
    with unit(shop.app):
        end_code(shop.vendor, "test", made.public_id, by="usr_x")
    with shifted(timedelta(days=2)):
        assert refused()


def test_a_sum_off_is_for_its_own_currency(shop: Shop) -> None:
    code(shop, "EURO", bps=None, amount=Money(100, "EUR"))
    with pytest.raises(CodeRefused), unit(shop.app):
        price(shop.vendor, again(link_with(shop, discounts=True)), Choices(code="EURO"))


def test_a_sum_off_test_mode_is_unknown_in_live(shop: Shop) -> None:
    code(shop)
    with shop.app.app_context():
        assert list_codes(shop.vendor, "live") == [] and len(list_codes(shop.vendor, "test")) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ADA@Example.com"),
        ("ada@example.com", "ada+shop@example.com"),
        ("ada.payer@gmail.com", "adapayer+1@googlemail.com"),
    ],
)
def test_one_person_is_counted_once_however_the_address_is_spelt(one: str, other: str) -> None:
    assert one_customer(one) == one_customer(other)


def test_different_people_are_different() -> None:
    assert one_customer("ada.p@example.com") != one_customer("adap@example.com")
    assert one_customer("+tag@example.com") == "+tag@example.com"


def uses(shop: Shop, made: Any) -> int:
    with shop.app.app_context():
        return uses_of(shop.vendor, [made]).get(made.id, 0)


def test_a_use_is_free_again_when_the_payment_ends_unpaid(shop: Shop) -> None:
    made, link = code(shop, most_uses=1), link_with(shop, discounts=True)
    for ending in ("canceled", "expired"):
        with unit(shop.app):
            payment = buy(shop, link, choices={"code": "SPRING"})
        with pytest.raises(CodeRefused, match="used up"), unit(shop.app):
            buy(shop, link, choices={"code": "SPRING"})
        with unit(shop.app):
            give_up(payment, to=ending, actor="system")
        assert uses(shop, made) == 0


def test_a_use_is_free_again_after_a_full_refund_only(shop: Shop) -> None:
    made, link = code(shop, most_each=1), link_with(shop, discounts=True)
    with unit(shop.app):
        payment = buy(shop, link, choices={"code": "SPRING"})
    payment = paid(shop, payment)
    tell_refund(shop, ask_refund(shop, payment, "1.00"), "succeeded")
    with pytest.raises(CodeRefused, match="e-mail"), unit(shop.app):
        buy(shop, link, email="Ada+2@example.com", choices={"code": "SPRING"})
    tell_refund(shop, ask_refund(shop, payment, "3.05"), "succeeded")
    assert uses(shop, made) == 0
    with unit(shop.app):
        buy(shop, link, choices={"code": "SPRING"})
    assert uses(shop, made) == 1


def test_money_that_comes_after_the_end_takes_the_use_again(shop: Shop) -> None:
    made, link = code(shop, most_uses=1), link_with(shop, discounts=True)
    with unit(shop.app):
        payment = buy(shop, link, choices={"code": "SPRING"})
    attempt = open_payment(shop, payment)
    with unit(shop.app):
        give_up(again(payment), to="expired", actor="system")
    assert uses(shop, made) == 0
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount)
    assert uses(shop, made) == 1


def test_two_at_once_never_both_have_the_last_use(shop: Shop, at_once: AtOnce) -> None:
    link = link_with(shop, discounts=True)
    for n in range(ROUNDS):
        made = code(shop, f"LAST{n}", most_uses=1)
        told = at_once(
            *(lambda who=who, made=made: buy(shop, link, email=f"{who}@example.com", choices={"code": made.code}) for who in ("ada", "ben"))
        )
        assert sorted(type(answer).__name__ for answer in told) == ["CodeRefused", "Payment"], told
        assert uses(shop, made) == 1


def test_two_tabs_of_one_customer_never_both_use_a_code_for_one(shop: Shop, at_once: AtOnce) -> None:
    link = link_with(shop, discounts=True)
    for n in range(ROUNDS):
        made = code(shop, f"EACH{n}", most_each=1)
        told = at_once(
            *(
                lambda at=at, made=made: buy(shop, link, email=at, choices={"code": made.code})
                for at in ("ada@example.com", "ADA+x@example.com")
            )
        )
        assert sorted(type(answer).__name__ for answer in told) == ["CodeRefused", "Payment"], told
        assert uses(shop, made) == 1


def test_one_form_pressed_twice_is_one_payment_with_the_last_use(shop: Shop, at_once: AtOnce) -> None:
    link = link_with(shop, discounts=True)
    for n in range(ROUNDS):
        made, form = code(shop, f"TWICE{n}", most_uses=1), secrets.token_hex(9)
        told = at_once(*[lambda form=form, made=made: buy(shop, link, form=form, choices={"code": made.code}).public_id] * 2)
        assert len(set(told)) == 1 and isinstance(told[0], str), told
        assert uses(shop, made) == 1


# --- offers, rates, answers -------------------------------------------------------------------------------------------------


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
    with pytest.raises(BadOffer if "url" not in field else Exception) as refused:
        make_link(shop, amount=None, offer=Offer(**offer))
    assert refused.value.field == field  # type: ignore[attr-defined]


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


def test_a_paid_plain_payment_has_no_tip(shop: Shop) -> None:
    assert make_paid(shop).tip_minor == 0
