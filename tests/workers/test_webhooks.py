"""Provider events: stored once, opened in batches, and right whether doubled, out of order, unmatched or broken."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.event import listen as listen_to
from sqlalchemy.event import remove as forget

from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from core.ledger.queries import balances, find_breaks
from core.payments.models import Attempt, Payment
from core.payments.queries import timeline
from core.providers.inbox import receive_event
from core.providers.models import InboxEvent
from tests.factories import Shop, ask_refund, fresh, make_link, make_paid, make_payment, make_shop, open_payment, tell_refund
from workers.jobs import INSIDE
from workers.runner import drain
from workers.task import Task

Told = Callable[..., str]
CARD = {"brand": "visa", "last4": "4242", "funding": "credit", "fingerprint": "Xt5EWLLDS7FJjR1c", "exp_month": 12, "exp_year": 2034}


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture(autouse=True)
def outbox(unit: None) -> Iterator[None]:
    """Without anybody else's tasks."""
    with unit_of_work():
        db.session.execute(delete(OutboxTask))
    yield
    db.session.rollback()


def event(kind: str, subject: dict[str, Any], name: str | None = None) -> str:
    """The provider's news as our door stores it: its name, once."""
    name = name or f"evt_{secrets.token_hex(8)}"
    body = {"id": name, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": False, "data": {"object": subject}}
    with unit_of_work():
        receive_event(provider="sandbox", mode="test", event_id=name, type=kind, raw=json.dumps(body))
    return name


def metadata(shop: Shop, payment: Payment, attempt: Attempt | None = None, **more: str) -> dict[str, str]:
    about = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id}
    return about | ({"attempt": attempt.public_id} if attempt else {}) | more


def intent(
    shop: Shop, payment: Payment, attempt: Attempt | None, status: str = "succeeded", charge: str = "", **more: Any
) -> dict[str, Any]:
    return {
        "id": f"pi_{payment.public_id}", "object": "payment_intent", "status": status, "amount_received": payment.amount_minor, "amount": payment.amount_minor,
        "currency": payment.currency.lower(), "latest_charge": charge or f"ch_{payment.public_id}", "metadata": metadata(shop, payment, attempt), **more,
    }  # fmt: skip


def declined(shop: Shop, payment: Payment, attempt: Attempt, charge: str) -> dict[str, Any]:
    error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "charge": charge, "message": "No."}
    return intent(shop, payment, attempt, "requires_payment_method", charge, amount_received=0, last_payment_error=error)


def result(name: str) -> tuple[str | None, bool]:
    """What became of an event, and whether it was handled."""
    with unit_of_work():
        row = db.session.get(InboxEvent, ("sandbox", "test", name), populate_existing=True)
        assert row is not None
        return row.result, row.handled_at is not None


def opened(shop: Shop) -> tuple[Payment, Attempt]:
    payment = make_payment(shop)
    return payment, open_payment(shop, payment)


def waiting(job: str) -> list[OutboxTask]:
    with unit_of_work():
        return list(db.session.scalars(select(OutboxTask).where(OutboxTask.job == job)))


def test_an_event_settles_its_payment_and_is_marked_in_the_same_breath(shop: Shop) -> None:
    payment, attempt = opened(shop)
    name = event("payment_intent.succeeded", intent(shop, payment, attempt))
    assert result(name) == (None, False)
    drain("money")
    assert result(name) == ("settled", True)
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("succeeded", "succeeded")
    assert waiting("open_provider_event") == []


def test_what_follows_a_payment_is_asked_for_once(shop: Shop) -> None:
    payment, attempt = opened(shop)
    for _ in range(2):
        event("payment_intent.succeeded", intent(shop, payment, attempt))
    drain("money")
    assert len(waiting("send_message")) == 2  # the shop and the payer
    assert len(waiting("make_receipt")) == 1


def test_the_same_event_delivered_twice_is_stored_once(shop: Shop) -> None:
    payment, attempt = opened(shop)
    for _ in range(3):
        event("payment_intent.succeeded", intent(shop, payment, attempt), "evt_again" + payment.public_id)
    assert len(waiting("open_provider_event")) == 1


def test_fifty_events_are_one_batch_and_every_payment_is_paid_once(shop: Shop) -> None:
    link = make_link(shop)
    made = []
    for _ in range(25):
        payment = make_payment(shop, link)
        made.append((payment, open_payment(shop, payment)))
    names = [event("payment_intent.succeeded", intent(shop, p, a)) for p, a in made for _ in range(2)]
    with unit_of_work():
        before = sum(m.minor for (name, _, _), m in balances(shop.vendor, "test").items() if name == "psp_clearing")
    drain("money")
    assert sorted({result(name)[0] for name in names}) == ["already", "settled"]
    assert {fresh(shop, p).state for p, _ in made} == {"succeeded"}
    with unit_of_work():
        after = sum(m.minor for (name, _, _), m in balances(shop.vendor, "test").items() if name == "psp_clearing")
        assert after - before == 25 * 2_500
        assert find_breaks() == []


def test_a_batch_asks_the_database_no_more_than_a_few_events_do(shop: Shop) -> None:
    """What is paid is expired in the session: a look at each row afterwards would be a question for each."""
    few, many = _asked_for(shop, 2), _asked_for(shop, 12)
    assert len(many) == len(few), sorted(set(many))


def _asked_for(shop: Shop, count: int) -> list[str]:
    """What the session asks while the events of so many payments are opened together."""
    link = make_link(shop)
    made = [make_payment(shop, link) for _ in range(count)]
    for payment in made:
        charge = {"id": f"ch_{payment.public_id}", "object": "charge", "payment_method_details": {"type": "card", "card": CARD}}
        event("payment_intent.succeeded", intent(shop, payment, open_payment(shop, payment), latest_charge=charge))
    tasks, asked = [Task(task.vendor_id, task.args) for task in waiting("open_provider_event")], []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    listen_to(db.engine, "before_cursor_execute", listen)
    try:
        with unit_of_work():
            INSIDE["open_provider_event"](tasks)
    finally:
        forget(db.engine, "before_cursor_execute", listen)
    assert {fresh(shop, payment).state for payment in made} == {"succeeded"}
    return asked


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_events_out_of_order_end_in_the_truth(order: tuple[int, ...], together: bool, shop: Shop) -> None:
    payment, attempt = opened(shop)
    told = [
        ("payment_intent.payment_failed", declined(shop, payment, attempt, "ch_0")),
        ("payment_intent.processing", intent(shop, payment, attempt, "processing", amount_received=0)),
        ("payment_intent.succeeded", intent(shop, payment, attempt)),
    ]
    for which in order:
        event(*told[which])
        if not together:
            drain("money")
    drain("money")
    assert (fresh(shop, payment).state, fresh(shop, payment).captured_minor) == ("succeeded", 2_500)
    with unit_of_work():
        assert [line.kind for line in timeline(shop.vendor, payment)].count("payment.succeeded") == 1


def test_a_decline_is_told_and_the_payment_can_still_be_paid(shop: Shop) -> None:
    payment, attempt = opened(shop)
    name = event("payment_intent.payment_failed", declined(shop, payment, attempt, "ch_0"))
    drain("money")
    assert result(name) == ("told", True)
    assert (fresh(shop, payment).state, fresh(shop, payment).decline_code) == ("requires_method", "insufficient_funds")


@pytest.mark.parametrize(
    "about",
    [{}, {"vendor": "vnd_nobody", "payment": "pay_nobody"}, {"payment": "pay_nobody"}, {"vendor": "vnd_nobody"}, {"payment": ""}],
    ids=str,
)
def test_an_event_about_nothing_of_ours_is_kept_and_says_so(about: dict[str, str], shop: Shop) -> None:
    payment, attempt = opened(shop)
    subject = intent(shop, payment, attempt)
    subject["metadata"] = {**(metadata(shop, payment) if about else {}), **about}
    name = event("payment_intent.succeeded", subject)
    drain("money")
    assert result(name) == ("unmatched", True)
    assert fresh(shop, payment).captured_minor == 0


def test_an_event_that_names_another_shops_payment_moves_nothing(shop: Shop) -> None:
    stranger = make_shop(shop.app)
    payment, attempt = opened(shop)
    subject = intent(shop, payment, attempt)
    subject["metadata"]["vendor"] = stranger.vendor.public_id
    name = event("payment_intent.succeeded", subject)
    drain("money")
    assert result(name) == ("unmatched", True)
    assert fresh(shop, payment).captured_minor == 0


def test_another_payments_attempt_is_not_taken_for_this_ones(shop: Shop) -> None:
    (payment, attempt), (_, other) = opened(shop), opened(shop)
    event("payment_intent.succeeded", intent(shop, payment, other))
    drain("money")
    assert fresh(shop, payment).state == "succeeded"
    assert (fresh(shop, attempt).state, fresh(shop, other).state) == ("action_required", "action_required")


def test_news_that_is_none_of_our_business_is_noted(shop: Shop) -> None:
    name = event("customer.created", {"id": "cus_1", "object": "customer"})
    drain("money")
    assert result(name) == ("noted", True)


def test_an_event_that_cannot_be_read_holds_no_other_back_and_stays_visible(shop: Shop) -> None:
    payment, attempt = opened(shop)
    broken = f"evt_{secrets.token_hex(8)}"
    with unit_of_work():
        receive_event(provider="sandbox", mode="test", event_id=broken, type="payment_intent.succeeded", raw='{"id": "evt_x"}')
    good = event("payment_intent.succeeded", intent(shop, payment, attempt))
    drain("money")
    assert result(good) == ("settled", True)
    assert result(broken) == (None, False)
    (task,) = waiting("open_provider_event")
    assert (task.attempts, task.args["event"]) == (1, broken) and task.last_error


def test_a_refunds_confirmation_and_late_failure_are_heard(shop: Shop) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, "pending")
    subject = {
        "id": f"re_{refund.public_id}",
        "object": "refund",
        "amount": 1_000,
        "currency": "gbp",
        "metadata": metadata(shop, payment, refund=refund.public_id),
    }
    seen = []
    for kind, status in (
        ("refund.updated", "succeeded"),
        ("refund.updated", "succeeded"),
        ("refund.failed", "failed"),
        ("refund.updated", "succeeded"),
    ):
        name = event(kind, {**subject, "status": status})
        drain("money")
        seen.append(result(name)[0])
    assert seen == ["settled", "stale", "settled", "stale"]
    assert (fresh(shop, refund).state, fresh(shop, payment).refundable.minor) == ("failed", 2_500)


def test_a_refund_we_never_made_is_unmatched(shop: Shop) -> None:
    payment = make_paid(shop)
    subject = {
        "id": "re_x", "object": "refund", "amount": 1_000, "currency": "gbp", "status": "succeeded", "metadata": metadata(shop, payment, refund="ref_x"),
    }  # fmt: skip
    name = event("refund.created", subject)
    drain("money")
    assert result(name) == ("unmatched", True)
    assert fresh(shop, payment).refunded_minor == 0


def test_a_refund_nobody_asked_for_here_has_the_processor_asked_whose_it_is(shop: Shop) -> None:
    make_paid(shop)
    subject = {
        "id": "re_y",
        "object": "refund",
        "amount": 1_000,
        "currency": "gbp",
        "status": "succeeded",
        "metadata": {},
        "charge": "ch_nobodys",
    }
    name = event("refund.created", subject)
    drain("money")
    assert result(name) == ("asked", True)
    (task,) = waiting("find_outside_refunds")
    assert task.args == {"provider": "sandbox", "mode": "test", "charge": "ch_nobodys"}
