"""A payer saves a card and is charged later without being there, through the whole product and without scripts."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments.charge import charge_saved
from core.payments.models import Payment
from core.payments.saved import list_saved
from core.payments.saved_models import SavedCard, Saving
from core.payments.saving import LIFE, claim_due_savings, request_saving, saving_token
from core.payments.start import payment_token
from tests.browser import Browser, Page
from tests.cards import ASKS_ALWAYS, VISA, new_address
from tests.factories import Shop, fresh, out_of_sight, unit
from tests.flows.visit import Processor
from tests.sandbox.running import pay, post_form, wait_until
from workers import jobs


class Payer:
    """Somebody who was asked to save a card."""

    def __init__(self, shop: Shop, processor: Processor, work: Callable[[], int]) -> None:
        self.shop, self.processor, self.work, self.email = shop, processor, work, new_address()
        self.browser = Browser(shop.app)
        with unit(shop.app):
            out_of_sight()
            self.saving: Saving = request_saving(
                shop.vendor, "test", email=self.email, name="Ada Payer", description="Bread every week", form_token=secrets.token_hex(8)
            )
        with shop.app.app_context():
            self.address = f"/cards/{saving_token(shop.vendor, self.saving)}"

    def press(self) -> str:
        sent = self.browser.submit(self.browser.get(self.address).form(self.address), status=303, follow=False)
        return str(sent.response.headers["Location"])

    def type(self, page: str, number: str = VISA) -> str:
        """Types a card and answers the bank; gives where the processor leads back to."""
        _, onward, text = pay(page, number)
        assert onward, text
        if "/3ds/" in onward:
            _, onward, _ = post_form(onward if onward.startswith("http") else self.processor.address + onward, answer="approve")
        return str(onward)

    def come_back(self, onward: str) -> Page:
        return self.browser.get("/" + onward.split("/", 3)[3])

    def cards(self) -> list[SavedCard]:
        with self.shop.app.app_context():
            return list_saved(self.shop.vendor, "test", self.email)

    def saved(self, number: str = VISA) -> SavedCard:
        assert self.come_back(self.type(self.press(), number)).heading == "Your card is saved"
        (card,) = self.cards()
        return card

    def charged(self, card: SavedCard) -> Payment:
        with unit(self.shop.app):
            return charge_saved(
                self.shop.vendor, card, amount=Money.of("25.00", "GBP"), description="Bread, October", reference=secrets.token_hex(8),
                on_settled="look_at_charge",
            )  # fmt: skip

    def letters(self, payment: Payment, kind: str) -> int:
        mine = (Message.vendor_id == self.shop.vendor.id, Message.about == payment.public_id, Message.kind == kind)
        with self.shop.app.app_context():
            return int(db.session.scalar(select(func.count()).select_from(Message).where(*mine)) or 0)


@pytest.fixture
def payer(shop: Shop, processor: Processor, work: Callable[[], int]) -> Payer:
    return Payer(shop, processor, work)


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setitem(jobs.OUTSIDE, "look_at_charge", lambda vendor_id, *, mode, payment, result: told.append(result))
    return told


def test_a_payer_saves_a_card_and_the_page_says_which(payer: Payer) -> None:
    page = payer.browser.get(payer.address)
    assert page.heading == "Save a card" and payer.shop.vendor.name in page.text and "Nothing is charged now" in page.text
    first = payer.press()
    assert payer.press() == first, "pressed twice it is the same page"
    page = payer.come_back(payer.type(first))
    assert page.heading == "Your card is saved" and "Visa ending in 4242" in page.text and "<form" not in page.text
    assert payer.browser.get(payer.address).heading == "Your card is saved"
    assert payer.browser.submit(page_form(payer), status=409).heading == "Your card is saved"
    assert [card.last4 for card in payer.cards()] == ["4242"]


def page_form(payer: Payer) -> Any:
    """The form as another tab still shows it."""
    other = Payer(payer.shop, payer.processor, payer.work)
    form = payer.browser.get(other.address).form(other.address)
    form.action = payer.address
    return form


@pytest.mark.parametrize("told", ["webhook", "clock"])
def test_a_card_is_saved_though_the_payer_never_comes_back(payer: Payer, told: str) -> None:
    if told == "clock":
        payer.processor.story("webhook_lost")
    payer.type(payer.press())
    if told == "clock":
        payer.processor.call("GET", "/_sandbox/stories")
        with shifted(LIFE / 100):
            with unit(payer.shop.app):
                due = [key for key in claim_due_savings() if key[0] == payer.shop.vendor.id]
            with payer.shop.app.app_context():
                for vendor_id, mode, saving in due:
                    jobs.OUTSIDE["settle_saving"](vendor_id, mode=mode, saving=str(saving))
    else:
        wait_until(lambda: payer.work() >= 0 and payer.cards())
    assert [card.last4 for card in payer.cards()] == ["4242"]
    assert fresh(payer.shop, payer.saving).next_inquiry_at is None


def test_who_turns_back_finds_the_form_again(payer: Payer) -> None:
    payer.press()
    page = payer.browser.get(f"{payer.address}/return")
    assert page.heading == "Save a card" and payer.cards() == []


def test_an_address_whose_time_is_over_saves_nothing(payer: Payer) -> None:
    with shifted(LIFE - LIFE / 1000):
        assert payer.browser.get(payer.address).heading == "Save a card"
    with shifted(LIFE + LIFE / 10):
        assert payer.browser.get(payer.address, status=404)


def test_when_the_processor_is_away_nothing_is_lost(payer: Payer) -> None:
    payer.processor.story("busy", times=1, path="/v1/customers")
    page = payer.browser.submit(payer.browser.get(payer.address).form(payer.address), status=409)
    assert "cannot be reached just now" in page.text and page.form(payer.address)
    payer.saved()


def test_the_payer_confirms_to_their_bank_by_the_letter_and_is_charged_once(payer: Payer, news: list[str]) -> None:
    payment = payer.charged(payer.saved(ASKS_ALWAYS))
    payer.work()
    assert (fresh(payer.shop, payment).state, news) == ("requires_action", ["requires_action"])
    assert payer.letters(payment, "confirm_payment") == 1 and payer.processor.charges(payment) == []
    with payer.shop.app.app_context():
        address = f"/checkout/{payment_token(payer.shop.vendor, payment)}"
        letter = db.session.scalars(select(Message).where(Message.about == payment.public_id, Message.kind == "confirm_payment")).one()
    assert address in (letter.text or "") and "Visa ending in 3184" in (letter.text or "")
    page = payer.browser.get(address)
    assert page.heading == "Pay by card" and "Bread, October" in page.text
    sent = payer.browser.submit(page.form(f"{address}/attempts"), status=303, follow=False)
    onward = payer.type(str(sent.response.headers["Location"]), ASKS_ALWAYS)
    assert payer.come_back(onward).heading == "Paid"
    wait_until(lambda: payer.work() >= 0 and news == ["requires_action", "succeeded"])
    assert fresh(payer.shop, payment).state == "succeeded" and len(payer.processor.charges(payment)) == 1
    with payer.shop.app.app_context():
        assert find_breaks(payer.shop.vendor.id) == []


def test_the_vendor_sees_the_charge_among_the_payments(payer: Payer, news: list[str]) -> None:
    payment = payer.charged(payer.saved())
    payer.work()
    portal = payer.shop.browser()
    assert "Bread, October" in portal.get("/portal/payments").text
    page = portal.get(f"/portal/payments/{payment.public_id}")
    assert "Saved card" in page.text and "Visa credit ending in 4242" in page.text and "the payer not being there" in page.text
    assert payer.letters(payment, "receipt") == 1 and news == ["succeeded"]
