"""Charges to saved cards against the real processor: once whatever happens, and whoever wished them is told how they ended."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask, enqueue
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments import charge as charges
from core.payments.models import Attempt, Payment
from core.payments.queries import timeline
from core.payments.settle import settle
from core.providers.inbox import receive_event
from core.providers.registry import provider_named
from tests.cards import ASKS_ALWAYS, ASKS_ONCE, FAILS_LATER, charge_row, charges_of, save_card, wish_charge
from tests.factories import Shop, again, fresh, make_shop
from workers import jobs
from workers import payments as money
from workers.runner import drain
from workers.saved import send_charge
from workers.schedule import tick

pytestmark = pytest.mark.usefixtures("nobody_elses")


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the caller's own job is told: (payment id, result)."""
    told: list[tuple[str, str]] = []
    monkeypatch.setitem(jobs.OUTSIDE, "look_at_charge", lambda vendor_id, *, mode, payment, result: told.append((payment, result)))
    return told


def send(shop: Shop, attempt: Attempt) -> None:
    send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))


def letters(payment: Payment, kind: str) -> int:
    mine = (Message.vendor_id == payment.vendor_id, Message.about == payment.public_id, Message.kind == kind)
    with unit_of_work():
        return int(db.session.scalar(select(func.count()).select_from(Message).where(*mine)) or 0)


def is_paid_once(shop: Shop, environment: dict[str, str], payment: Payment) -> None:
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor, paid.link_id) == ("succeeded", payment.amount_minor, None)
    assert len(charges_of(environment, payment)) == 1
    with unit_of_work():
        assert find_breaks(shop.vendor.id) == []


# --- the straight way --------------------------------------------------------------------------------------------------


def test_a_saved_card_is_charged_by_a_worker_and_the_caller_is_told(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), on_settled="look_at_charge")
    assert (payment.state, attempt.state, attempt.provider_reference) == ("created", "started", None)
    drain("money")
    drain("money")
    is_paid_once(shop, environment, payment)
    paid = fresh(shop, payment)
    assert (paid.card_brand, paid.card_last4, paid.processor_fee_minor) == ("visa", "4242", 55)
    assert news == [(str(payment.id), "succeeded")] and letters(payment, "receipt") == 1


def test_the_same_reference_is_one_payment_and_a_different_wish_is_refused(shop: Shop, environment: dict[str, str]) -> None:
    card, reference = save_card(shop, environment), secrets.token_hex(8)
    first, _ = wish_charge(shop, card, reference=reference)
    again_, _ = wish_charge(shop, card, reference=reference)
    assert first.id == again_.id
    with pytest.raises(charges.ReferenceUsed):
        wish_charge(shop, card, "26.00", reference=reference)


def test_a_card_set_up_with_its_bank_asks_nobody(shop: Shop, environment: dict[str, str]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment, ASKS_ONCE))
    send(shop, attempt)
    is_paid_once(shop, environment, payment)
    assert letters(payment, "confirm_payment") == 0


# --- declines ----------------------------------------------------------------------------------------------------------


def test_a_decline_says_why_and_whether_another_day_will_help(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment, FAILS_LATER), on_settled="look_at_charge")
    drain("money")
    declined, tried = fresh(shop, payment), fresh(shop, attempt)
    assert (declined.state, declined.decline_code, tried.state) == ("requires_method", "generic_decline", "declined")
    assert (charge_row(payment).told, charge_row(payment).hard) == ("declined", False)
    assert news == [(str(payment.id), "declined")] and letters(payment, "payment_failed") == 0
    intent = tried.provider_reference
    assert provider_named("sandbox", "test").inquire(intent).state == "canceled", "nothing of it stays open at the processor"


def test_a_card_the_processor_has_forgotten_is_a_hard_decline(shop: Shop, environment: dict[str, str]) -> None:
    card = save_card(shop, environment)
    provider_named("sandbox", "test").forget_method(card.provider_method)
    payment, attempt = wish_charge(shop, card)
    send(shop, attempt)
    assert (fresh(shop, payment).state, charge_row(payment).told, charge_row(payment).hard) == ("requires_method", "declined", True)
    assert charges_of(environment, payment) == []


def test_a_declined_charge_runs_out_without_more_news(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, _ = wish_charge(shop, save_card(shop, environment, FAILS_LATER), on_settled="look_at_charge")
    drain("money")
    money.close_payment(shop.vendor.id, mode="test", payment=str(payment.id))
    drain("money")
    assert fresh(shop, payment).state == "expired" and news == [(str(payment.id), "declined")]


# --- answers that are lost ---------------------------------------------------------------------------------------------


def test_an_answer_that_was_lost_is_asked_for_again_and_never_charged_twice(
    shop: Shop, environment: dict[str, str], story: Callable[..., None], news: list[Any]
) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), on_settled="look_at_charge")
    story("webhook_lost")
    story("error_after", times=1, path="/v1/payment_intents")
    send(shop, attempt)
    waiting = fresh(shop, payment)
    assert waiting.state in ("processing", "succeeded"), "the processor did it and said that it had failed"
    if waiting.state == "processing":
        with shifted(timedelta(seconds=30)):
            tick()
            drain("money")
    drain("money")
    is_paid_once(shop, environment, payment)
    assert news == [(str(payment.id), "succeeded")]


def test_a_charge_the_processor_never_heard_of_is_sent_by_the_clock(
    shop: Shop, environment: dict[str, str], story: Callable[..., None]
) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    story("busy", times=1, path="/v1/payment_intents")
    send(shop, attempt)
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("processing", "submitted")
    with shifted(timedelta(seconds=30)):
        tick()
        drain("money")
    is_paid_once(shop, environment, payment)


def test_a_worker_killed_before_it_asked_is_followed_by_another(shop: Shop, environment: dict[str, str]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    with unit_of_work():
        assert charges.begin_sending(shop.vendor.id, "test", attempt.id)
    send(shop, attempt)
    is_paid_once(shop, environment, payment)


def test_a_worker_killed_after_the_answer_is_followed_by_another(shop: Shop, environment: dict[str, str]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    with unit_of_work():
        sending = charges.begin_sending(shop.vendor.id, "test", attempt.id)
    assert sending and charges.send_charge(shop.vendor, sending).state == "succeeded"  # and then it died
    drain("money")
    is_paid_once(shop, environment, payment)


@pytest.mark.parametrize("charged", [True, False])
def test_an_old_key_is_never_sent_again_but_looked_up(shop: Shop, environment: dict[str, str], charged: bool) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    with unit_of_work():
        sending = charges.begin_sending(shop.vendor.id, "test", attempt.id)
    if charged:
        assert sending and charges.send_charge(shop.vendor, sending).state == "succeeded"
    with shifted(timedelta(hours=25)):
        send(shop, attempt)
    if charged:
        is_paid_once(shop, environment, payment)
    else:
        assert (fresh(shop, payment).state, fresh(shop, payment).decline_code) == ("requires_method", "no_answer")
        assert charges_of(environment, payment) == []


def test_a_look_that_is_refused_says_nothing_of_the_charge(shop: Shop, environment: dict[str, str], story: Callable[..., None]) -> None:
    """The key here is another account's by now: the money was taken all the same, and a person has to look."""
    story("webhook_lost")
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    with unit_of_work():
        sending = charges.begin_sending(shop.vendor.id, "test", attempt.id)
    assert sending and charges.send_charge(shop.vendor, sending).state == "succeeded"
    with unit_of_work():
        again(sending.card).provider_customer = "cus_of_another"
        enqueue("settle_attempt", shop.vendor.id, mode="test", attempt=str(attempt.id))
    with shifted(timedelta(hours=25)):
        drain("money")
    assert fresh(shop, payment).state == "processing"
    with unit_of_work():
        job = db.session.scalars(select(OutboxTask).where(OutboxTask.job == "settle_attempt", OutboxTask.vendor_id == shop.vendor.id)).one()
        assert "resource_missing" in (job.last_error or "")


# --- news that come early, doubled or instead of the answer ------------------------------------------------------------


def told_by_webhook(payment: Payment, attempt: Attempt, status: str, charge: str, **more: Any) -> None:
    subject = {
        "id": "pi_" + charge, "object": "payment_intent", "status": status, "amount": payment.amount_minor, "currency": "gbp",
        "amount_received": payment.amount_minor if status == "succeeded" else 0, "latest_charge": charge,
        "metadata": {"vendor": more.pop("vendor"), "mode": "test", "payment": payment.public_id, "attempt": attempt.public_id, "off_session": "1"}, **more,
    }  # fmt: skip
    name = f"evt_{secrets.token_hex(8)}"
    kind = f"payment_intent.{'succeeded' if status == 'succeeded' else 'payment_failed'}"
    body = {"id": name, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": False, "data": {"object": subject}}
    with unit_of_work():
        receive_event(provider="sandbox", mode="test", event_id=name, type=kind, raw=json.dumps(body))


def test_a_webhook_that_is_faster_than_the_answer_changes_nothing(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), on_settled="look_at_charge")
    with unit_of_work():
        sending = charges.begin_sending(shop.vendor.id, "test", attempt.id)
    assert sending
    outcome = charges.send_charge(shop.vendor, sending)
    for _ in range(2):
        told_by_webhook(payment, attempt, "succeeded", str(outcome.charge), vendor=shop.vendor.public_id)
    drain("money")
    with unit_of_work():
        charges.note_reference(attempt, outcome)
        assert settle(shop.vendor, again(payment), again(attempt), outcome, cause="sent") == "already"
    drain("money")
    is_paid_once(shop, environment, payment)
    assert news == [(str(payment.id), "succeeded")] and fresh(shop, payment).processor_fee_minor == 55


def test_a_decline_told_twice_by_webhook_and_answer_is_one(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), on_settled="look_at_charge")
    with unit_of_work():
        assert charges.begin_sending(shop.vendor.id, "test", attempt.id)
    no = {"code": "card_declined", "decline_code": "lost_card", "charge": "ch_lost"}
    for _ in range(2):
        told_by_webhook(payment, attempt, "requires_payment_method", "ch_lost", vendor=shop.vendor.public_id, last_payment_error=no)
    drain("money")
    assert (fresh(shop, payment).decline_code, charge_row(payment).hard) == ("lost_card", True)
    assert news == [(str(payment.id), "declined")]
    with unit_of_work():
        assert [event.kind for event in timeline(shop.vendor, payment)].count("attempt.declined") == 1


def test_a_charge_on_its_way_is_not_given_up_because_it_has_no_name_yet(shop: Shop, environment: dict[str, str]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    with unit_of_work():
        sending = charges.begin_sending(shop.vendor.id, "test", attempt.id)
    money.close_payment(shop.vendor.id, mode="test", payment=str(payment.id))
    assert fresh(shop, payment).state == "processing" and fresh(shop, attempt).state == "submitted"
    assert sending
    send(shop, attempt)
    is_paid_once(shop, environment, payment)


def test_a_charge_nobody_could_send_in_time_is_never_sent(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), on_settled="look_at_charge")
    money.close_payment(shop.vendor.id, mode="test", payment=str(payment.id))
    send(shop, attempt)
    drain("money")
    assert fresh(shop, payment).state == "expired" and charges_of(environment, payment) == []
    assert news == [(str(payment.id), "expired")]


# --- the bank wants its customer ---------------------------------------------------------------------------------------


def test_when_the_bank_wants_its_customer_the_payment_waits_and_a_letter_leaves(
    shop: Shop, environment: dict[str, str], news: list[Any]
) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment, ASKS_ALWAYS), on_settled="look_at_charge")
    drain("money")
    waiting = fresh(shop, payment)
    assert (waiting.state, waiting.decline_code, fresh(shop, attempt).state) == ("requires_action", None, "declined")
    assert waiting.expires_at >= now() + timedelta(days=6)
    assert letters(payment, "confirm_payment") == 1 and news == [(str(payment.id), "requires_action")]
    assert charges_of(environment, payment) == []


def test_a_payer_who_never_confirms_is_told_to_the_caller(shop: Shop, environment: dict[str, str], news: list[Any]) -> None:
    payment, _ = wish_charge(shop, save_card(shop, environment, ASKS_ALWAYS), on_settled="look_at_charge")
    drain("money")
    with unit_of_work():
        db.session.query(OutboxTask).filter_by(vendor_id=shop.vendor.id, job="send_message").delete()
    money.close_payment(shop.vendor.id, mode="test", payment=str(payment.id))
    drain("money")
    assert [result for _, result in news] == ["requires_action", "expired"]
