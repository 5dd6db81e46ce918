"""Payments the bank answers later, through the whole product without scripts: told as what they are, settled by whoever hears first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.published import BY_TOKEN
from tests.flows.visit import NEXT_LOOK, Visit

STAYS = BY_TOKEN["pm_card_processingStays"].number
WAITING = "Your bank is processing this payment"


def bank_says(visit: Visit, outcome: str) -> None:
    intent = visit.processor.sessions(visit.payment)[0]["payment_intent"]
    visit.processor.call("POST", "/_sandbox/processing", payment_intent=intent, outcome=outcome)


def is_told_to_wait(visit: Visit) -> None:
    """Neither paid nor failed: the page says so, takes no second payment, and promises a letter."""
    page = visit.browser.get(visit.address)
    assert page.heading == WAITING
    assert "nothing has gone wrong" in page.text and "We write to sam@example.com" in page.text
    assert "<form" not in page.text
    assert visit.payment.state == "processing"
    visit.is_not_paid()


@pytest.mark.parametrize("webhooks", ["told", "lost"])
def test_a_delayed_payment_is_paid_when_the_bank_says_so(visit: Visit, webhooks: str) -> None:
    if webhooks == "lost":
        visit.processor.story("webhook_lost")
    visit.browser.get(visit.pay(STAYS))
    is_told_to_wait(visit)
    bank_says(visit, "succeeded")
    if webhooks == "told":
        visit.told()
    else:
        visit.time_passes(NEXT_LOOK)
    visit.is_paid_once()
    assert visit.letters("payment_failed") == 0


@pytest.mark.parametrize("webhooks", ["told", "lost"])
def test_a_delayed_payment_that_fails_is_told_and_can_be_paid_anew(visit: Visit, webhooks: str) -> None:
    if webhooks == "lost":
        visit.processor.story("webhook_lost")
    visit.browser.get(visit.pay(STAYS))
    is_told_to_wait(visit)
    bank_says(visit, "failed")
    if webhooks == "told":
        visit.told()
    else:
        visit.time_passes(NEXT_LOOK)
    assert visit.look() == "Your card was declined"
    visit.is_not_paid()
    assert visit.letters("payment_failed") == 1
    visit.browser.get(visit.pay())
    visit.told() if webhooks == "told" else visit.work()
    assert len(visit.processor.sessions(visit.payment)) == 2, "the first page is over and takes no other card"
    visit.is_paid_once()


def test_a_payer_who_closed_the_browser_is_settled_by_the_clock_from_processing_to_paid(visit: Visit) -> None:
    visit.processor.story("webhook_lost")
    visit.pay(STAYS)
    visit.time_passes(NEXT_LOOK)
    is_told_to_wait(visit)
    visit.time_passes(timedelta(hours=30))  # long after the time to pay: what the bank has does not run out
    is_told_to_wait(visit)
    bank_says(visit, "succeeded")
    visit.time_passes(timedelta(hours=40))
    visit.is_paid_once()
