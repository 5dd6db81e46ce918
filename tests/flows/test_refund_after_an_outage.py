"""A worker dies between the processor's yes and its own note of it, and nobody comes back for days."""

from __future__ import annotations

import sqlite3
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.factories import again, ask_refund, fresh, make_payment, unit

CARD = "pm_card_visa"


def of_the_sandbox(path: str, **form: str) -> None:
    from core.kernel.config import settings

    wish = urllib.request.Request(
        f"{settings().sandbox_url}/v1/{path}",
        urllib.parse.urlencode(form).encode(),
        {"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}"},
    )
    with urllib.request.urlopen(wish, timeout=20) as answer:
        answer.read()


def pay(shop: Any) -> Any:
    """A payment whose money the sandbox really took."""
    from core.kernel.db import db, unit_of_work
    from core.payments.attempt import begin_attempt, open_at_provider, record_opening
    from core.payments.poll import inquire
    from core.payments.settle import settle

    payment, here = make_payment(shop), "http://127.0.0.1/"
    with shop.app.app_context():
        with unit_of_work():
            payment = db.session.merge(payment)
            attempt = begin_attempt(shop.vendor, payment, surface="fields")
        opening = open_at_provider(shop.vendor, payment, attempt, return_url=here, cancel_url=here)
        with unit_of_work():
            record_opening(shop.vendor, attempt, opening)
        of_the_sandbox(f"payment_intents/{opening.provider_reference}/confirm", payment_method=CARD, return_url=here)
        outcome = inquire(payment, attempt)
        with unit_of_work():
            settle(shop.vendor, payment, attempt, outcome, cause="return")
        return again(payment)


def send_and_die(shop: Any, refund: Any) -> None:
    """The worker asks, the processor gives the money back, and the worker does not live to write it down."""
    from core.payments import refund as refunds

    with unit(shop.app):
        sending = refunds.begin_sending(refund)
    with shop.app.app_context():
        assert sending is not None
        assert refunds.send_refund(shop.vendor, sending).state == "succeeded"


def forget_key(services: Any, key: str) -> None:
    """A day has passed at the processor: the answer it kept for this question, should it be repeated, is gone."""
    with sqlite3.connect(services.folder / "sandbox" / "store.db", timeout=20) as line:
        assert line.execute("DELETE FROM answers WHERE key = ?", (key,)).rowcount == 1


def given_back(payment: Any) -> int:
    from core.providers.registry import provider_named

    held = provider_named(payment.provider, payment.mode)
    charge = held._client.v1.charges.retrieve(payment.charge)  # the processor's own figure
    return int(charge.amount_refunded)


@pytest.mark.parametrize("job", ["send_refund", "poll_refund"])
def test_a_refund_whose_answer_was_lost_for_days_is_found_and_not_given_twice(job: str, shop: Any, services: Any) -> None:
    from workers import payments as jobs

    payment = pay(shop)
    refund = ask_refund(shop, payment, "10.00")
    send_and_die(shop, refund)
    forget_key(services, refund.public_id)
    with shop.app.app_context():
        getattr(jobs, job)(shop.vendor.id, mode="test", refund=str(refund.id))
    assert given_back(payment) == 1_000
    assert (fresh(shop, refund).state, fresh(shop, payment).refunded_minor) == ("succeeded", 1_000)


def test_a_refund_the_processor_never_heard_of_is_sent_after_all(shop: Any) -> None:
    from core.payments.refund import begin_sending
    from workers import payments as jobs

    payment = pay(shop)
    refund = ask_refund(shop, payment, "10.00")
    with unit(shop.app):
        begin_sending(refund)  # and dies before it asks
    with shop.app.app_context():
        jobs.send_refund(shop.vendor.id, mode="test", refund=str(refund.id))
    assert given_back(payment) == 1_000
    assert fresh(shop, refund).state == "succeeded"
