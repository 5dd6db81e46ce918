"""From a link to an attempt: forms sent twice, two tabs, the last place, and what the page says at each stage."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from core.kernel.clock import frozen
from core.payments.attempt import PaymentOver, record_opening
from core.payments.link import (
    LinkClosed,
    taken_places,
)  # fmt: skip
from core.payments.models import Payment
from core.payments.queries import list_attempts, page_state, timeline
from core.payments.start import AmountNotOffered
from core.providers.contract import Opening
from tests.core.payments.begun import begin, pay
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payments.settled import again
from tests.factories import Shop, fresh, make_link, make_payment, open_payment, tell, unit

ROUNDS = 40


def test_the_same_form_twice_is_one_payment(shop: Shop) -> None:
    link = make_link(shop)
    with unit(shop.app):
        first, second = pay(shop, link, "once"), pay(shop, link, "once")
        assert first.id == second.id
        assert [line.kind for line in timeline(shop.vendor, first)] == ["payment.created"]


def test_a_form_of_one_link_starts_nothing_on_another(shop: Shop) -> None:
    first, second = make_link(shop), make_link(shop)
    with unit(shop.app):
        pay(shop, first, "once")
    with pytest.raises(AmountNotOffered), unit(shop.app):
        pay(shop, second, "once")


def test_the_same_form_in_another_shop_is_another_payment(shop: Shop) -> None:
    other = another_shop(shop)
    links = make_link(shop), make_link(other)
    with unit(shop.app):
        assert pay(shop, links[0], "once").id != pay(other, links[1], "once").id


@pytest.mark.parametrize("terms", [{"kind": "single"}, {"max_payments": 1}, {}], ids=str)
def test_one_form_sent_twice_at_once_is_one_payment(terms: dict[str, Any], shop: Shop, at_once: AtOnce) -> None:
    for n in range(ROUNDS):
        link = make_link(shop, **terms)
        first, second = at_once(*[partial(pay, shop, link, f"form-{n}")] * 2)
        assert first.id == second.id


def test_two_payers_never_both_get_the_last_place(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        link = make_link(shop, max_payments=2)
        make_payment(shop, link)
        done = at_once(*[partial(pay, shop, link)] * 2)
        assert {type(answer) for answer in done} == {Payment, LinkClosed}
        with unit(shop.app):
            assert taken_places(link) == 2


def test_two_tabs_share_one_attempt(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS):
        payment = make_payment(shop, link)
        first, second = at_once(*[partial(begin, shop, payment)] * 2)
        assert first.id == second.id
        with unit(shop.app):
            assert len(list_attempts(shop.vendor, payment)) == 1


def test_an_attempt_is_opened_once(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    with unit(shop.app):
        record_opening(shop.vendor, attempt, Opening(provider_reference="cs_other", redirect_url="http://elsewhere/"))
    assert fresh(shop, attempt).provider_reference == attempt.provider_reference
    assert fresh(shop, payment).state == "requires_action"


@pytest.mark.parametrize("over", ["succeeded", "processing", "canceled", "expired"])
def test_nothing_is_attempted_when_there_is_nothing_left_to_pay(over: str, shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        again(payment).state = over
    with pytest.raises(PaymentOver), unit(shop.app):
        begin(shop, payment)


def test_nothing_is_attempted_after_the_payers_hour(shop: Shop) -> None:
    payment = make_payment(shop)
    with frozen(payment.expires_at), pytest.raises(PaymentOver), unit(shop.app):
        begin(shop, payment)


def test_a_payment_tried_twenty_times_is_no_person(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        for _ in range(20):
            begin(shop, payment).state = "error"
    with pytest.raises(PaymentOver, match="too often"), unit(shop.app):
        begin(shop, payment)


def test_the_page_tells_the_truth_at_each_stage(shop: Shop) -> None:
    payment = make_payment(shop)
    seen = [_page(shop, payment)]
    attempt = open_payment(shop, payment)
    seen.append(_page(shop, payment))
    for told, facts in (
        ("unknown", {}), ("declined", {"charge": "ch_0", "decline_code": "x"}), ("processing", {}),
        ("succeeded", {"charge": "ch_1", "captured": payment.amount}),
    ):  # fmt: skip
        tell(shop, payment, attempt, told, **facts)
        seen.append(_page(shop, payment))
    assert seen == ["pay", "challenge", "checking", "failed", "checking", "paid"]


def _page(shop: Shop, payment: Payment) -> str:
    with unit(shop.app):
        return page_state(again(payment))
