"""How long somebody who has not paid keeps a place of a limited link from others: the less they did, the shorter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.kernel.clock import frozen, now, shifted
from core.kernel.db import unit_of_work
from core.payments.attempt import PaymentOver, begin_attempt
from core.payments.link import link_state
from core.payments.models import Payment, PaymentLink
from core.payments.poll import GRACE, claim_overdue_payments
from core.payments.start import FIRST_HOLD, OPEN_HOLD, SESSION, give_up
from tests.factories import Shop, again, fresh, make_link, make_payment, open_payment, tell, unit

NO = {"charge": "ch_0", "decline_code": "insufficient_funds"}


@pytest.fixture
def link(shop: Shop) -> PaymentLink:
    return make_link(shop, kind="single")


@pytest.fixture
def payment(shop: Shop, link: PaymentLink) -> Payment:
    return make_payment(shop, link)


def held_for(shop: Shop, payment: Payment) -> timedelta:
    row = fresh(shop, payment)
    return row.expires_at - row.created_at


def test_a_filled_in_form_keeps_the_place_for_a_quarter_of_an_hour(shop: Shop, link: PaymentLink, payment: Payment) -> None:
    assert held_for(shop, payment) == FIRST_HOLD
    with shifted(FIRST_HOLD + GRACE + timedelta(minutes=2)), shop.app.app_context():
        with unit_of_work():
            assert (shop.vendor.id, "test", payment.id) in claim_overdue_payments(10_000)
        with unit_of_work():
            give_up(payment, to="expired", actor="system")
        assert link_state(again(link)) == "open"


def test_an_open_card_page_keeps_it_for_half_an_hour_and_a_tried_card_for_all_of_it(shop: Shop, payment: Payment) -> None:
    attempt = open_payment(shop, payment)
    assert held_for(shop, payment) == OPEN_HOLD
    tell(shop, payment, attempt, "requires_method")
    assert held_for(shop, payment) == OPEN_HOLD, "that nothing was tried is no reason"
    tell(shop, payment, attempt, "declined", **NO)
    assert held_for(shop, payment) == SESSION


def test_time_that_is_over_does_not_come_back_by_pressing(shop: Shop, payment: Payment) -> None:
    with frozen(now() + FIRST_HOLD + timedelta(minutes=1)), unit(shop.app), pytest.raises(PaymentOver):
        begin_attempt(shop.vendor, again(payment))


def test_what_the_bank_has_keeps_its_place_however_long_it_takes(shop: Shop, link: PaymentLink, payment: Payment) -> None:
    tell(shop, payment, open_payment(shop, payment), "processing", charge="ch_0")
    with shifted(timedelta(days=5)), shop.app.app_context(), unit_of_work():
        assert (shop.vendor.id, "test", payment.id) not in claim_overdue_payments(10_000)
        assert not give_up(payment, to="expired", actor="system")
        assert link_state(again(link)) == "sold_out"


def test_where_places_are_not_counted_nobody_is_hurried(shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop, kind="reusable"))
    assert held_for(shop, payment) == SESSION
