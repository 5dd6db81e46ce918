"""A code counts people by their card as well as by their e-mail address: the card is known once the processor has named it."""

from __future__ import annotations

import secrets

import pytest

from core.kernel.db import db
from core.notifications.models import Notice
from core.payments.discount import CodeRefused
from core.payments.models import Payment
from core.payments.queries import timeline
from core.payments.sale_models import DiscountUse
from tests.core.payments.carts import buy, code, link_with
from tests.factories import Shop, again, ask_refund, fresh, make_shop, open_payment, tell, tell_refund, unit


def pay(shop: Shop, payment: Payment, card: str) -> Payment:
    tell(
        shop, payment, open_payment(shop, payment), "succeeded",
        charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount, card_brand="visa", card_last4="4242", card_fingerprint=card,
    )  # fmt: skip
    return fresh(shop, payment)


def with_code(shop: Shop, link: object, email: str) -> Payment:
    with unit(shop.app):
        return buy(shop, link, email=email, choices={"quantities": {"itm_loaf": 1}, "code": "SPRING"})  # type: ignore[arg-type]


def kinds(shop: Shop, payment: Payment) -> list[str]:
    with shop.app.app_context():
        return [event.kind for event in timeline(shop.vendor, payment)]


def test_a_card_that_has_had_the_code_is_noticed_under_another_address(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, most_each=1)
    pay(shop, with_code(shop, link, "ada@example.com"), "fp_ada")
    again_she = pay(shop, with_code(shop, link, "other@example.com"), "fp_ada")
    assert again_she.state == "succeeded", "the money has come: the seller decides"
    assert kinds(shop, again_she)[-1] == "discount.beyond_limit"
    with shop.app.app_context():
        told = db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, kind="discount_beyond").all()
    assert [notice.about for notice in told] == [again_she.public_id]


def test_somebody_known_by_card_is_refused_before_paying(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, most_each=2)
    for email in ("ada@example.com", "other@example.com"):
        pay(shop, with_code(shop, link, email), "fp_ada")
    for email in ("ada@example.com", "other@example.com"):
        with pytest.raises(CodeRefused, match="or card"):
            with_code(shop, link, email)
    assert with_code(shop, link, "grace@example.com")


def test_a_full_refund_frees_the_use_of_the_card(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, most_each=1)
    first = pay(shop, with_code(shop, link, "ada@example.com"), "fp_ada")
    tell_refund(shop, ask_refund(shop, first), "succeeded")
    second = pay(shop, with_code(shop, link, "other@example.com"), "fp_ada")
    assert "discount.beyond_limit" not in kinds(shop, second)


def test_another_card_of_the_same_household_counts_alone(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, most_each=1)
    pay(shop, with_code(shop, link, "ada@example.com"), "fp_ada")
    assert "discount.beyond_limit" not in kinds(shop, pay(shop, with_code(shop, link, "bob@example.com"), "fp_bob"))


def test_a_declined_card_is_known_too_and_news_heard_twice_are_noted_once(shop: Shop) -> None:
    link = link_with(shop, discounts=True)
    code(shop, most_each=1)
    payment = with_code(shop, link, "ada@example.com")
    attempt = open_payment(shop, payment)
    declined = {"charge": f"ch_{secrets.token_hex(8)}", "decline_code": "do_not_honor", "card_fingerprint": "fp_ada"}
    tell(shop, payment, attempt, "declined", **declined)
    with shop.app.app_context():
        first = db.session.query(DiscountUse).filter_by(payment_id=payment.id).one().card
    assert first and "fp_ada" not in first
    tell(shop, again_in(shop, payment), attempt, "declined", **declined)
    paid = {"charge": f"ch_{secrets.token_hex(8)}", "captured": payment.amount, "card_fingerprint": "fp_ada"}
    for _ in range(2):
        tell(shop, again_in(shop, payment), attempt, "succeeded", **paid)
    assert "discount.beyond_limit" not in kinds(shop, payment)


def again_in(shop: Shop, payment: Payment) -> Payment:
    with shop.app.app_context():
        return again(payment)


def test_the_mark_of_a_card_is_another_one_at_each_vendor(shop: Shop) -> None:
    other = make_shop(shop.app)
    marks = set()
    for one in (shop, other):
        link = link_with(one, discounts=True)
        code(one)
        paid = pay(one, with_code(one, link, "ada@example.com"), "fp_ada")
        with one.app.app_context():
            marks.add(db.session.query(DiscountUse).filter_by(payment_id=paid.id).one().card)
    assert len(marks) == 2
