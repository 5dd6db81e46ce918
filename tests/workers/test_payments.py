"""The money jobs against the real processor: outcomes nobody told us of, payments nobody paid, and refunds on their way."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from core.payments.attempt import begin_attempt, close_at_provider, live_attempt, open_at_provider, record_opening
from core.payments.close import record_close
from core.payments.models import Attempt, Payment
from core.payments.poll import GRACE
from core.providers.registry import provider_named
from tests.core.payments.settled import again
from tests.factories import Shop, ask_refund, fresh, make_link, make_payment, make_shop
from tests.sandbox.running import pay
from workers import payments as jobs
from workers.runner import drain
from workers.schedule import tick

MINUTES = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("nobody_elses")


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


def opened(shop: Shop) -> tuple[Payment, Attempt]:
    """Really opened at the processor."""
    payment = make_payment(shop, make_link(shop))
    with unit_of_work():
        attempt = begin_attempt(shop.vendor, again(payment))
    opening = open_at_provider(shop.vendor, payment, attempt, return_url="http://shop.test/r", cancel_url="http://shop.test/c")
    with unit_of_work():
        record_opening(shop.vendor, attempt, opening)
    return payment, fresh(shop, attempt)


def paid(shop: Shop) -> tuple[Payment, Attempt]:
    """Paid at the processor, and nobody has told us."""
    payment, attempt = opened(shop)
    assert attempt.redirect_url and pay(attempt.redirect_url)[0] == 303
    return payment, attempt


def settled(shop: Shop) -> Payment:
    payment, attempt = paid(shop)
    jobs.settle_attempt(shop.vendor.id, mode="test", attempt=str(attempt.id))
    return fresh(shop, payment)


def test_an_outcome_nobody_told_us_of_is_found_within_a_minute(shop: Shop) -> None:
    payment, _ = paid(shop)
    with shifted(timedelta(seconds=21)):
        tick()
        drain("money")
    assert fresh(shop, payment).state == "succeeded"


@pytest.mark.parametrize("looks", [1, 2, 3, 4, 9])
def test_one_who_pays_after_many_looks_is_found_within_a_minute_too(shop: Shop, looks: int) -> None:
    payment, attempt = opened(shop)
    for number in range(1, looks + 1):
        with shifted(number * timedelta(seconds=60)):
            tick()
            drain("money")
    assert fresh(shop, attempt).inquiries == looks
    assert attempt.redirect_url and pay(attempt.redirect_url)[0] == 303
    with shifted((looks + 1) * timedelta(seconds=60)):
        tick()
        drain("money")
    assert fresh(shop, payment).state == "succeeded"


def test_what_the_clock_asks_for_is_asked_for_once_while_the_workers_are_away(shop: Shop) -> None:
    _, attempt = opened(shop)
    for seconds in range(30, 300, 10):
        with shifted(timedelta(seconds=seconds)):
            tick()
    with unit_of_work():
        tasks = list(
            db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "settle_attempt"))
        )
    assert [task.args["attempt"] for task in tasks] == [str(attempt.id)]


def test_an_attempt_that_is_over_is_not_asked_about(shop: Shop) -> None:
    payment = settled(shop)
    with unit_of_work():
        assert live_attempt(payment) is None
    with shifted(10 * MINUTES):
        tick()
    with unit_of_work():
        assert not list(
            db.session.scalars(select(OutboxTask).where(OutboxTask.job == "settle_attempt", OutboxTask.vendor_id == shop.vendor.id))
        )


def test_a_payment_nobody_paid_expires_and_cannot_be_paid_any_more(shop: Shop) -> None:
    payment, attempt = opened(shop)
    with shifted(payment.expires_at - now() + GRACE + MINUTES):
        for _ in range(30):  # other tests' unpaid payments are overdue by then as well, and a tick takes a hundred
            tick()
            drain("money")
            if fresh(shop, payment).state == "expired":
                break
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("expired", "abandoned")
    assert pay(attempt.redirect_url)[0] != 303
    assert provider_named("sandbox", "test").inquire(attempt.provider_reference or "").state == "canceled"


def test_a_payment_paid_at_the_last_second_is_paid_and_does_not_expire(shop: Shop) -> None:
    payment, attempt = paid(shop)
    with unit_of_work():
        again(attempt).next_inquiry_at = None  # the poller would find it first
    with shifted(payment.expires_at - now() + GRACE + MINUTES):
        tick()
        drain("money")
    assert fresh(shop, payment).state == "succeeded"


def test_an_attempt_that_was_never_opened_is_dropped_and_the_payer_may_try_again(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit_of_work():
        attempt = begin_attempt(shop.vendor, again(payment))
    jobs.settle_attempt(shop.vendor.id, mode="test", attempt=str(attempt.id))
    assert fresh(shop, attempt).state == "started"
    with shifted(3 * MINUTES):
        jobs.settle_attempt(shop.vendor.id, mode="test", attempt=str(attempt.id))
    assert fresh(shop, attempt).state == "error"
    with unit_of_work():
        assert begin_attempt(shop.vendor, again(payment)).number == 2


def test_an_attempt_opened_after_it_was_given_up_is_closed_at_the_provider(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit_of_work():
        attempt = begin_attempt(shop.vendor, again(payment))
    opening = open_at_provider(shop.vendor, payment, attempt, return_url="http://shop.test/r", cancel_url="http://shop.test/c")
    with unit_of_work():
        record_close(shop.vendor, again(payment), again(attempt), close_at_provider(payment, attempt), to="canceled", actor="payer")
    with unit_of_work():
        record_opening(shop.vendor, attempt, opening)
    tick()
    drain("money")
    assert provider_named("sandbox", "test").inquire(opening.provider_reference).state == "canceled"
    assert fresh(shop, attempt).next_inquiry_at is None


def test_what_the_processor_keeps_is_asked_for_and_booked(shop: Shop) -> None:
    payment = settled(shop)
    with shifted(timedelta(seconds=5)):
        drain("money")
    assert fresh(shop, payment).processor_fee_minor


def test_a_refund_goes_from_the_wish_to_the_provider_to_the_end(shop: Shop) -> None:
    payment = settled(shop)
    refund = ask_refund(shop, payment, "10.00")
    drain("money")
    assert fresh(shop, refund).provider_reference
    _until_settled(shop, refund)
    assert (fresh(shop, refund).state, fresh(shop, payment).refunded_minor) == ("succeeded", 1_000)


def test_a_refund_whose_answer_was_lost_is_made_once(shop: Shop, story: Callable[..., None]) -> None:
    payment = settled(shop)
    refund = ask_refund(shop, payment, "10.00")
    for _ in range(2):  # sent, and sent again by a worker that does not know of the first
        jobs.send_refund(shop.vendor.id, mode="test", refund=str(refund.id))
    _until_settled(shop, refund)
    again_asked = provider_named("sandbox", "test").find_refund(refund.public_id, payment.charge)
    assert again_asked and again_asked.provider_reference == fresh(shop, refund).provider_reference
    assert fresh(shop, payment).refunded_minor == 1_000


def test_a_refund_that_never_reached_the_provider_is_sent_by_the_one_who_asks_about_it(shop: Shop) -> None:
    payment = settled(shop)
    refund = ask_refund(shop, payment, "10.00")
    jobs.poll_refund(shop.vendor.id, mode="test", refund=str(refund.id))
    _until_settled(shop, refund)
    assert fresh(shop, payment).refunded_minor == 1_000


def test_a_job_for_something_settled_already_does_nothing(shop: Shop) -> None:
    payment = settled(shop)
    before = fresh(shop, payment).version
    with unit_of_work():
        attempt = db.session.scalars(select(Attempt).where(Attempt.vendor_id == shop.vendor.id, Attempt.payment_id == payment.id)).one()
    for _ in range(2):
        jobs.settle_attempt(shop.vendor.id, mode="test", attempt=str(attempt.id))
        jobs.close_payment(shop.vendor.id, mode="test", payment=str(payment.id))
    assert (fresh(shop, payment).state, fresh(shop, payment).captured_minor) == ("succeeded", 2_500)
    assert fresh(shop, payment).version - before <= 1  # the fee may have become known


def _until_settled(shop: Shop, refund: Any) -> None:
    until = time.monotonic() + 60
    while fresh(shop, refund).state not in ("succeeded", "failed") and time.monotonic() < until:
        jobs.poll_refund(shop.vendor.id, mode="test", refund=str(refund.id))
        time.sleep(0.05)
