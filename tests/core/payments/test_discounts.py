"""Codes for a discount: what they may say, when they count, and that they are used no oftener than they may be."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import now, shifted
from core.kernel.money import Money
from core.payments.basket import Choices, price
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
from core.payments.start import give_up
from tests.core.payments.carts import buy, code, link_with, paid
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, ask_refund, open_payment, tell, tell_refund, unit

ROUNDS = 40


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
