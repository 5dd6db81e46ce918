"""A seller is paid out through the processor from end to end: opening the account, completing it there, a payout, its messages, and each end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payouts.carry import claim_due
from core.payouts.rail_models import Carriage
from core.payouts.receivers import find_receiver
from core.providers.models import InboxEvent
from core.providers.registry import provider_named
from tests.browser import Browser, Page
from tests.core.providers.wishes import wish
from tests.factories import Shop, make_colleague, make_link, make_paid, make_shop, release_all, unit
from tests.flows.visit import Processor
from tests.portal.admin.people import make_staff
from tests.sandbox.running import post_form, wait_until
from workers.payouts import carry_payout

Work = Callable[[], int]
IBAN = "DE89370400440532013000"
FORM = {"holder": "Harbour Kiosk", "currency": "EUR", "iban": IBAN, "bank": "slow", "act": "ready"}


@pytest.fixture
def processor(environment: dict[str, str], live_server: str) -> Processor:
    return Processor(environment)


@pytest.fixture
def shop(app: Flask, processor: Processor) -> Shop:
    """A shop with EUR 98.50 available, and a platform that has enough at the processor."""
    made = make_shop(app, business="Harbour Kiosk", currency="EUR", country="DE")
    with shifted(timedelta(days=-10)):
        make_paid(made, make_link(made, amount="100.00", currency="EUR"))
    release_all(app)
    with app.app_context():
        provider: Any = provider_named("sandbox", "test")
        opening = provider.open_payment(wish(50_000, "EUR", surface="fields"))
        provider.try_published_card(opening.provider_reference, "pm_card_bypassPending", "http://shop.test/r")
    return made


def leads_to(owner: Browser, path: str) -> str:
    return str(owner.get(path, status=303, follow=False).response.headers["Location"])


def connect(owner: Browser, **fields: str) -> Page:
    """Through the portal to the processor's own page, and back."""
    page = owner.get("/portal/payouts/processor")
    if "Open the account" in page.text:
        owner.submit(page.form("/portal/payouts/processor"))
    status, home, text = post_form(leads_to(owner, "/portal/payouts/processor/page"), **{**FORM, **fields})
    assert status == 303 and home and home.endswith("/portal/payouts/processor/back"), text
    return owner.get("/portal/payouts/processor/back")


def choose(owner: Browser) -> Page:
    return owner.submit(owner.get("/portal/payouts/processor").form("/portal/payouts/processor/use"))


def ask(owner: Browser) -> str:
    page = owner.submit(owner.get("/portal/payouts/new?currency=EUR").form("/portal/payouts/new"))
    return page.address.rsplit("/", 1)[1]


def bank_says(shop: Shop, processor: Processor, outcome: str) -> None:
    """The word of the seller's bank on the newest payout; the processor's message of it comes by itself."""
    with unit(shop.app):
        mine = select(Carriage).where(Carriage.vendor_id == shop.vendor.id).order_by(Carriage.created_at.desc()).limit(1)
        row = db.session.scalars(mine).one()
    processor.call("POST", "/_sandbox/connected_payouts", payout=row.payout_reference, outcome=outcome)


def told(shop: Shop, work: Work, kind: str) -> None:
    """The processor's message of this kind about this vendor has come, and was opened."""

    def came() -> bool:
        with shop.app.app_context():
            rows = db.session.scalars(select(InboxEvent).where(InboxEvent.raw.contains(shop.vendor.public_id)))
            return kind in {row.type for row in rows}

    wait_until(came)
    work()


def letters(shop: Shop, kind: str) -> list[Message]:
    with unit(shop.app):
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


def test_from_opening_the_account_to_money_in_the_bank(shop: Shop, processor: Processor, work: Work) -> None:
    owner = shop.browser()
    first = owner.get("/portal/payouts/account")
    assert "Or through Sandbox processor" in first.text
    page = connect(owner, act="leave")
    assert "To be completed" in page.text and "still wants to know" in page.text and "Pay EUR out this way" not in page.text
    page = connect(owner)
    assert "Ready" in page.text and "ending in 3000" in page.text
    page = choose(owner)
    assert page.address == "/portal/payouts" and "Through Sandbox processor" in page.text
    number = ask(owner)
    shown = owner.get(f"/portal/payouts/{number}")
    assert "Through Sandbox processor" in shown.text and "It adds up" in shown.text
    work()
    bank_says(shop, processor, "paid")
    told(shop, work, "payout.paid")
    shown = owner.get(f"/portal/payouts/{number}")
    assert "Paid" in shown.text and "SBXPO" in shown.text
    assert [letter.state for letter in letters(shop, "payout_account")] == ["kept"]
    (letter,) = letters(shop, "payout_paid")
    assert letter.state == "kept" and "Through Sandbox processor" in (letter.text or "")
    assert ",Sandbox processor SBXPO" in owner.get(f"/portal/payouts/{number}.csv", follow=False).html
    assert "€0.00" in owner.get("/portal/balance").text
    with unit(shop.app):
        assert find_breaks(shop.vendor.id, "test") == []


@pytest.mark.parametrize(("said", "word"), [(("failed",), "Failed"), (("paid", "failed"), "Came back")])
def test_what_does_not_arrive_stands_in_the_balance_again(
    shop: Shop, processor: Processor, work: Work, said: tuple[str, ...], word: str
) -> None:
    owner = shop.browser()
    connect(owner)
    choose(owner)
    number = ask(owner)
    work()
    for outcome in said:
        bank_says(shop, processor, outcome)
        told(shop, work, f"payout.{outcome}")
    shown = owner.get(f"/portal/payouts/{number}")
    assert word in shown.text and "The account is closed" in shown.text
    assert "€98.50" in owner.get("/portal/payouts").text and len(letters(shop, "payout_failed")) == 1
    with unit(shop.app):
        assert find_breaks(shop.vendor.id, "test") == []


def test_without_any_message_the_clock_asks_and_a_doubled_one_counts_once(shop: Shop, processor: Processor, work: Work) -> None:
    owner = shop.browser()
    connect(owner)
    choose(owner)
    processor.story("webhook_lost", times=20)
    number = ask(owner)
    work()
    bank_says(shop, processor, "paid")
    processor.call("DELETE", "/_sandbox/stories")
    with shifted(timedelta(minutes=10)):
        with unit(shop.app):
            mine = [found for found in claim_due() if found[0] == shop.vendor.id]
        assert [found[2] for found in mine] == [number]
        with shop.app.app_context():
            carry_payout(shop.vendor.id, mode="test", payout=number)
    work()
    assert "Paid" in owner.get(f"/portal/payouts/{number}").text and len(letters(shop, "payout_paid")) == 1
    processor.story("webhook_doubled", times=5, seconds=0.1)
    bank_says(shop, processor, "failed")
    told(shop, work, "payout.failed")
    work()
    assert "Came back" in owner.get(f"/portal/payouts/{number}").text and len(letters(shop, "payout_failed")) == 1
    processor.call("DELETE", "/_sandbox/stories")


def test_the_staff_see_how_far_it_is(shop: Shop, app: Flask, work: Work) -> None:
    owner = shop.browser()
    connect(owner)
    choose(owner)
    number = ask(owner)
    work()
    finance = make_staff(app, "finance").browser()
    shown = finance.get(f"/staff/payouts/{number}")
    assert "Through Sandbox processor" in shown.text and "acct_" in shown.text and "tr_" in shown.text


def test_hostile_forms_and_strangers(shop: Shop, app: Flask, work: Work) -> None:
    owner = shop.browser()
    assert owner.get("/portal/payouts/processor/page", status=404) and owner.get("/portal/payouts/processor/back", status=404)
    connect(owner)
    form = owner.get("/portal/payouts/processor").form("/portal/payouts/processor/use")
    for currency in ("USD", "", "X" * 5000, "EUR\x00", "acct_1"):
        assert owner.submit(form, status=422, currency=currency)
    manager = make_colleague(shop, "manager").browser()
    for path in ("/portal/payouts/processor", "/portal/payouts/processor/page", "/portal/payouts/processor/back"):
        assert manager.get(path, status=403)
    stranger = make_shop(app, business="Somebody else", currency="EUR", country="DE").browser()
    assert "Open the account" in stranger.get("/portal/payouts/processor").text
    assert owner.get("/portal/payouts/account?currency=XYZ", status=404)


def test_a_processor_that_does_not_answer_is_said_and_nothing_is_lost(shop: Shop, processor: Processor) -> None:
    owner = shop.browser()
    form = owner.get("/portal/payouts/processor").form("/portal/payouts/processor")
    processor.story("error_before", times=1, path="/v1/accounts")
    page = owner.submit(form, status=409)
    assert "cannot be asked just now" in page.text
    assert "To be completed" in owner.submit(form).text
    processor.story("error_before", times=1, path="/v1/account_links")
    assert "cannot be asked just now" in owner.get("/portal/payouts/processor/page", status=409).text
    processor.call("POST", "/_sandbox/accounts", account=_account(shop), outcome="restricted")
    page = owner.get("/portal/payouts/processor/back")
    assert "Restricted" in page.text and "has closed this account" in page.text


def _account(shop: Shop) -> str:
    with unit(shop.app):
        found = find_receiver(shop.vendor, "test")
        assert found is not None and found.provider_reference is not None
        return found.provider_reference
