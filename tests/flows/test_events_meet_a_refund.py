"""A batch of the processor's events and a vendor's refund touch the same payment and the same balance at the same moment."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any

from tests.factories import fresh, make_paid, make_payment, open_payment, unit


def store(shop: Any, payment: Any, attempt: Any, kind: str, **facts: Any) -> Any:
    """An event of the sandbox in the inbox, as it came; answers the task to open it."""
    from core.providers.inbox import receive_event
    from workers.task import Task

    named = f"evt_{secrets.token_hex(8)}"
    about = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "attempt": attempt.public_id}
    intent = {"id": "pi_1", "currency": "gbp", "amount_received": payment.amount_minor, "metadata": about, **facts}
    raw = json.dumps({"id": named, "type": kind, "created": 1, "livemode": False, "data": {"object": intent}})
    with unit(shop.app):
        receive_event(provider="sandbox", mode="test", event_id=named, type=kind, raw=raw)
    return Task(shop.vendor.id, {"provider": "sandbox", "mode": "test", "event": named})


def test_a_refund_beside_a_batch_of_events_waits_its_turn_and_nobody_waits_in_a_circle(shop: Any) -> None:
    from core.kernel.db import db
    from core.kernel.money import Money
    from core.payments.refund import request_refund
    from core.payments.start import lock_payment
    from workers.webhooks import open_provider_events

    refunded, failures = make_paid(shop), []
    with unit(shop.app):  # the other line to the database has its own share of the balance too
        db.session.connection()
        other = threading.Thread(target=make_paid, args=(shop,))
        other.start()
        other.join(120)
    new = make_payment(shop)
    attempt = open_payment(shop, new)
    tasks = [
        store(shop, new, attempt, "payment_intent.succeeded", status="succeeded", latest_charge=f"ch_{secrets.token_hex(8)}"),
        store(shop, refunded, attempt, "payment_intent.processing", status="processing"),
    ]

    def open_events() -> None:
        try:
            with unit(shop.app):
                open_provider_events(tasks)
        except Exception as problem:
            failures.append(problem)

    with unit(shop.app):
        held = lock_payment(refunded)
        events = threading.Thread(target=open_events)
        events.start()
        time.sleep(1)  # by now the events wait for the payment we hold
        request_refund(
            shop.vendor, held, amount=Money(500, "GBP"), reason="other", by=shop.user.public_id, form_token=secrets.token_urlsafe(18)
        )
    events.join(20)
    assert not failures
    assert (fresh(shop, new).state, fresh(shop, refunded).refunding_minor) == ("succeeded", 500)
