"""Misfortunes at the processor, ordered one by one: whatever goes wrong there, each payment and each refund ends true, and once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.payments.refund_models import Refund
from tests.factories import unit
from tests.flows.visit import NEXT_LOOK, REFUNDS, SESSIONS, Visit
from tests.sandbox.running import answer_challenge, pay, wait_until

DECLINED, ASKS_BANK = "4000000000009995", "4000002760003184"

# --- webhooks ----------------------------------------------------------------------------------------------------------------


def test_without_any_webhook_a_payment_is_known_within_a_minute(visit: Visit) -> None:
    visit.processor.story("webhook_lost")
    visit.pay()
    visit.time_passes(NEXT_LOOK)
    assert visit.inbox() == []
    visit.is_paid_once()


def test_a_webhook_that_comes_after_the_clock_has_asked_is_no_news(visit: Visit) -> None:
    visit.processor.story("webhook_late", seconds=1.5)
    visit.pay()
    visit.time_passes(NEXT_LOOK)
    assert visit.payment.state == "succeeded"
    visit.told()
    visit.is_paid_once()


def test_a_webhook_that_comes_twice_counts_once(visit: Visit) -> None:
    visit.processor.story("webhook_doubled", seconds=0.3)
    visit.pay()
    visit.told()
    deliveries = "/_sandbox/deliveries?event=" + visit.inbox()[0].event_id
    wait_until(lambda: [d["state"] for d in visit.processor.call("GET", deliveries)["deliveries"]] == ["done", "done"])
    visit.is_paid_once()


def test_webhooks_in_the_wrong_order_end_in_the_same_truth(visit: Visit) -> None:
    visit.processor.story("webhook_out_of_order", seconds=1)
    page = visit.card_page()
    assert pay(page, DECLINED)[0] == 402
    assert pay(page)[0] == 303
    visit.told()
    visit.is_paid_once()


def test_each_webhook_handled_alone_and_backwards_ends_in_the_same_truth(visit: Visit, app: Flask) -> None:
    from workers.task import Task
    from workers.webhooks import open_provider_events

    page = visit.card_page()
    assert pay(page, DECLINED)[0] == 402
    assert pay(page)[0] == 303
    wait_until(lambda: visit.processor.events(visit.payment) <= {row.event_id for row in visit.inbox()})
    told = sorted(visit.inbox(), key=lambda row: json.loads(row.raw)["created"], reverse=True)
    for row in sorted(told, key=lambda row: "succeeded" not in row.type):
        with unit(app):
            open_provider_events([Task(visit.shop.vendor.id, {"provider": "sandbox", "mode": "test", "event": row.event_id})])
    visit.is_paid_once()


# --- opening -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", ["timeout_before", "timeout_after", "error_before", "busy"])
def test_an_opening_that_went_wrong_is_asked_for_again_and_opened_once(visit: Visit, story: str) -> None:
    visit.processor.story(story, times=1, path=SESSIONS, **({"seconds": 0} if "timeout" in story else {}))
    refused = visit.press_pay()
    assert refused.status == 409 and "No money was taken" in refused.text
    back = visit.pay()
    assert len(visit.processor.sessions(visit.payment)) == 1
    visit.browser.get(back)
    visit.told()
    visit.is_paid_once()


def test_an_opening_the_processor_keeps_calling_failed_is_given_up_and_the_next_press_leads_on(visit: Visit) -> None:
    visit.processor.story("error_after", times=1, path=SESSIONS)
    assert visit.press_pay().status == 409
    address = visit.card_page()
    opened = {session["url"] for session in visit.processor.sessions(visit.payment)}
    assert address in opened and len(opened) == 2, "one that nobody was ever given the address of, and this one"
    visit.pay()
    visit.told()
    visit.is_paid_once()


def test_a_payer_who_leaves_after_a_failed_opening_has_paid_nothing_and_the_payment_ends(visit: Visit) -> None:
    visit.processor.story("timeout_after", times=1, path=SESSIONS, seconds=0)
    visit.press_pay()
    visit.time_passes(timedelta(minutes=3))
    visit.time_passes(timedelta(minutes=63))
    assert visit.payment.state == "expired"
    visit.is_not_paid()


# --- the way back ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", ["timeout_before", "error_before", "busy"])
def test_a_processor_that_does_not_answer_on_the_way_back_is_not_taken_for_a_no(visit: Visit, story: str) -> None:
    visit.processor.story("webhook_lost")
    back = visit.pay()
    visit.processor.story(story, times=1, path=SESSIONS, **({"seconds": 0} if "timeout" in story else {}))
    assert visit.browser.get(back).heading == "Checking with your bank"
    visit.time_passes(NEXT_LOOK)
    visit.is_paid_once()


def test_a_payer_who_closes_the_browser_at_the_banks_question_is_not_charged_and_the_payment_ends(visit: Visit) -> None:
    visit.processor.story("challenge_abandoned", times=1)
    question = visit.pay(ASKS_BANK)
    address = question if question.startswith("http") else visit.processor.address + question
    assert "still waiting for your bank" in answer_challenge(visit.processor, address, "approve")[2]
    assert visit.look() == "Not finished yet"
    visit.time_passes(NEXT_LOOK)
    assert visit.look() == "Not finished yet"
    visit.time_passes(timedelta(minutes=63))
    assert visit.payment.state == "expired"
    visit.told()
    visit.is_not_paid()


def test_a_payer_who_comes_back_to_the_banks_question_pays_once(visit: Visit) -> None:
    question = visit.pay(ASKS_BANK)
    address = question if question.startswith("http") else visit.processor.address + question
    answer_challenge(visit.processor, address, "leave")
    visit.time_passes(NEXT_LOOK)
    assert visit.card_page() == visit.processor.sessions(visit.payment)[0]["url"]
    assert answer_challenge(visit.processor, address, "approve")[0] == 303
    visit.told()
    visit.is_paid_once()


# --- refunds -----------------------------------------------------------------------------------------------------------------


@contextmanager
def asked_back(visit: Visit, amount: str) -> Iterator[Callable[[], Refund]]:
    """Paid, and the vendor has asked in the portal for this much to go back; gives what reads the refund."""
    visit.browser.get(visit.pay())
    visit.told()
    seller, show = visit.shop.browser(), f"/portal/payments/{visit.first.public_id}"
    seller.submit(seller.get(show).form(f"{show}/refunds"), amount=amount)

    def read() -> Refund:
        with visit.shop.app.app_context():
            return db.session.scalars(select(Refund).where(Refund.payment_id == visit.first.id)).one()

    yield read
    assert [charge["amount_refunded"] for charge in visit.processor.charges(visit.payment)] == [1_000]
    assert (read().state, visit.payment.refunded_minor, visit.payment.refunding_minor) == ("succeeded", 1_000, 0)
    assert (visit.journals("refund requested"), visit.journals("refund confirmed"), visit.journals("refund failed")) == (1, 1, 0)
    assert visit.letters("refund_sent") == 1
    with visit.shop.app.app_context():
        assert find_breaks() == []


@pytest.mark.parametrize("story", ["timeout_before", "timeout_after", "error_before", "error_after", "busy"])
@pytest.mark.parametrize("webhooks", ["told", "lost"])
def test_a_refund_whose_sending_went_wrong_is_given_once(visit: Visit, story: str, webhooks: str) -> None:
    with asked_back(visit, "10.00") as refund:
        if webhooks == "lost":
            visit.processor.story("webhook_lost")
        visit.processor.story(story, times=1, path=REFUNDS, **({"seconds": 0} if "timeout" in story else {}))
        visit.work()
        assert refund().state in ("unknown", "succeeded")
        visit.time_passes(timedelta(seconds=35))
        if webhooks == "told":
            visit.told()


def test_a_refund_that_the_processor_could_not_even_be_asked_about_is_given_in_the_end(visit: Visit) -> None:
    visit.processor.story("webhook_lost")
    with asked_back_untold(visit) as refund:
        visit.processor.story("timeout_after", times=1, path=REFUNDS, seconds=0)
        visit.processor.story("error_before", times=2, path=REFUNDS)
        visit.work()
        for minutes in (1, 2, 3):
            visit.time_passes(timedelta(minutes=minutes))
        assert refund().state == "succeeded"


@contextmanager
def asked_back_untold(visit: Visit) -> Iterator[Callable[[], Refund]]:
    """The same while no webhook arrives at all."""
    visit.told = visit.work  # type: ignore[method-assign,assignment]
    with asked_back(visit, "10.00") as read:
        yield read
