"""News about an attempt that was closed, and news heard twice: neither says anything untrue about the payment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import Browser
from tests.factories import fresh, link_address, make_link, make_payment, open_payment, tell

DECLINE = {"charge": "ch_first", "decline_code": "insufficient_funds"}


@pytest.mark.parametrize("news", ["unknown", "processing", "requires_action", "requires_method", "declined"])
def test_news_of_a_closed_attempt_leaves_the_payment_where_the_present_one_has_it(shop: Any, news: str) -> None:
    payment = make_payment(shop)
    first = open_payment(shop, payment)
    tell(shop, payment, first, "canceled")
    second = open_payment(shop, payment)
    before = fresh(shop, payment).state
    tell(shop, payment, first, news, **(DECLINE if news == "declined" else {}))
    assert fresh(shop, payment).state == before == "requires_action"
    assert (fresh(shop, first).state, fresh(shop, second).state) == ("abandoned", "action_required")


def test_after_a_failed_inquiry_a_decline_that_is_known_ends_the_waiting(shop: Any) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    for state in ("declined", "unknown", "declined"):
        tell(shop, payment, attempt, state, **(DECLINE if state == "declined" else {}))
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("requires_method", "action_required")


def test_a_payer_is_not_sent_to_a_card_page_that_opened_after_another_tab_cancelled(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from checkout import try_card

    payer, other_tab = Browser(shop.app), Browser(shop.app)
    page = payer.get(link_address(shop, make_link(shop)))
    page = payer.submit(page.form(), email="sam@example.com")
    there = other_tab.get(page.address)
    open_it = try_card.open_at_provider

    def slowly(*args: Any, **kwargs: Any) -> Any:
        opening = open_it(*args, **kwargs)
        other_tab.submit(there.form(f"{page.address}/cancel"))
        return opening

    monkeypatch.setattr(try_card, "open_at_provider", slowly)
    assert payer.submit(page.form(f"{page.address}/attempts")).heading == "Payment cancelled"


def test_an_attempt_that_the_page_opens_in_the_moment_of_cancelling_is_closed_as_well(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from checkout import result

    payer, script = Browser(shop.app), Browser(shop.app)
    page = payer.get(link_address(shop, make_link(shop)))
    page = payer.submit(page.form(), email="sam@example.com")
    there, real, opened = script.get(page.address), result.record_close, []

    def late(*args: Any, **kwargs: Any) -> str:
        if not opened:
            opened.append(script.submit(there.form(f"{page.address}/attempts"), status=303, follow=False))
        return real(*args, **kwargs)

    monkeypatch.setattr(result, "record_close", late)
    assert payer.submit(page.form(f"{page.address}/cancel")).heading == "Payment cancelled"
    assert opened
