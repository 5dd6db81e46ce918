"""Somebody tries one card after another: after five declines the processor's page is closed and ours says when it goes on."""

from __future__ import annotations

from datetime import timedelta

from core.payments.lockout import PAUSE
from tests.flows.visit import Visit
from tests.sandbox.running import ask, pay

DECLINED = "4000000000009995"


def test_five_declined_cards_close_the_page_and_the_payment_rests(visit: Visit) -> None:
    page = visit.card_page()
    old_form = visit.browser.get(visit.address).form(f"{visit.address}/attempts")
    for _ in range(5):
        assert pay(page, DECLINED)[0] == 402
    visit.told()
    told = visit.browser.get(visit.address)
    assert told.heading == "Too many cards were declined" and "No money was taken" in told.text and "tried again from" in told.text
    assert "has expired" in ask("GET", page)[2], "no more cards are taken at the processor either"
    assert visit.browser.submit(old_form).heading == "Too many cards were declined"
    visit.is_not_paid()


def test_after_the_pause_the_payer_may_go_on_and_pays_once(visit: Visit) -> None:
    from core.kernel.clock import shifted

    page = visit.card_page()
    for _ in range(5):
        pay(page, DECLINED)
    visit.told()
    with shifted(PAUSE + timedelta(seconds=5)):
        assert visit.look() == "Your card was declined"
        visit.browser.get(visit.pay())
        visit.told()
    visit.is_paid_once()
