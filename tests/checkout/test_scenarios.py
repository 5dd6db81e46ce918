"""Test mode's panel: what a card would do, done with one press; live mode has none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from core.payments.lists import list_payments
from tests.browser import Form

if TYPE_CHECKING:
    from core.payments.models import Payment
    from tests.browser import Browser, Page
    from tests.factories import Shop


def begun(payer: Browser, path: str) -> Page:
    return payer.submit(payer.get(path).form(), email="sam@example.com")


def panel(page: Page) -> Form:
    return next(Form(page, e) for e in page.all("form") if e.attrs.get("action", "").endswith("/practice"))


def newest(shop: Shop) -> Payment:
    with shop.app.app_context():
        return list_payments(shop.vendor, "test").rows[0]


@pytest.mark.parametrize(
    ("scenario", "state", "reads"),
    [("approve", "succeeded", "Paid"), ("late", "succeeded", "Paid"), ("decline", "requires_method", "Not paid")],
)
def test_one_press_does_what_the_card_would(
    payer: Browser, shop: Shop, new_path: Callable[..., str], scenario: str, state: str, reads: str
) -> None:
    page = payer.submit(panel(begun(payer, new_path())), scenario=scenario)
    assert newest(shop).state == state, page.text[:300]
    assert reads in page.text or reads in page.title


def test_the_bank_can_be_had_to_ask(payer: Browser, shop: Shop, new_path: Callable[..., str]) -> None:
    page = begun(payer, new_path())
    form = panel(page)
    answer = payer.client.post(form.action, data={**form.values, "scenario": "challenge"})
    assert answer.status_code == 303 and "/3ds/" in answer.headers["Location"], "the question is the processor's own page"
    again = payer.get(f"{page.address.partition('?')[0]}/return")
    assert newest(shop).state == "requires_action" and "Pay" in again.text
    page = payer.submit(panel(payer.get(page.address)), scenario="approve")
    assert newest(shop).state in ("requires_action", "succeeded")


def test_after_a_decline_another_press_pays(payer: Browser, shop: Shop, new_path: Callable[..., str]) -> None:
    page = payer.submit(panel(begun(payer, new_path())), scenario="decline")
    payer.submit(panel(page), scenario="approve")
    assert newest(shop).state == "succeeded"


def test_nothing_else_can_be_ordered(payer: Browser, new_path: Callable[..., str]) -> None:
    form = panel(begun(payer, new_path()))
    payer.submit(form, scenario="rob the bank", status=404)
    payer.submit(form, scenario="", status=404)
