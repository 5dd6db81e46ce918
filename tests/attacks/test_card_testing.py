"""Card testers at the real doors, who solve whatever they are asked: how many cards each pattern gets through before it is stopped."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.payments.attempt import live_attempt
from core.payments.lists import list_payments
from core.payments.models import Payment, PaymentLink
from core.payments.queries import page_state
from core.payments.start import payment_token
from core.risk.attack import find_attack
from core.risk.proof import Question
from core.risk.score import judge, note_decline, note_try
from tests.browser import Browser, Page
from tests.core.risk.test_proof import solve
from tests.factories import Shop, again, fresh, make_link, make_payment, make_shop, tell
from workers.risk import count_decline


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@dataclass
class Thief:
    """Somebody with a list of stolen cards. `address` and `browser` stay the same unless they are changed."""

    shop: Shop
    browser: Browser
    tried: int = 0
    proofs: int = 0
    seen: list[str] = field(default_factory=list)

    def at(self, address: str) -> Thief:
        self.browser = Browser(self.shop.app)
        self.browser.client.environ_base["REMOTE_ADDR"] = address
        return self

    def card(self, link: PaymentLink, *, email: str, fingerprint: str) -> str:
        """One card on a fresh payment: 'declined' when it got through to a bank, 'held' when it did not."""
        payment = make_payment(self.shop, link, email=email)
        with self.shop.app.app_context():
            path = f"/checkout/{payment_token(self.shop.vendor, payment)}"
        page = self.browser.get(path)
        answer = self.browser.submit(page.form(f"{page.address}/attempts"), status=None, follow=False)
        answer = self._prove(answer)
        outcome = "declined" if self._declined(payment, fingerprint) else "held"
        self.seen.append(outcome)
        assert answer.response.status_code in (303, 429), answer.text  # 429: so many presses from one address are not even looked at
        return outcome

    def _prove(self, answer: Page) -> Page:
        asked = [form for form in answer.all("form") if "data-proof" in form.attrs]
        if not asked:
            return answer
        self.proofs += 1
        form = answer.form(asked[0].attrs["action"])
        question = Question(form.values["proof"], asked[0].attrs["data-challenge"], int(asked[0].attrs["data-bits"]), 0)
        return self.browser.submit(form, nonce=solve(question), status=None, follow=False)

    def _declined(self, payment: Payment, fingerprint: str) -> bool:
        with self.shop.app.app_context():
            attempt = live_attempt(again(payment))
        if attempt is None:
            return False
        self.tried += 1
        charge = f"ch_{secrets.token_hex(6)}"
        tell(self.shop, payment, attempt, "declined", charge=charge, decline_code="do_not_honor", card_fingerprint=fingerprint)
        with self.shop.app.app_context():
            count_decline(self.shop.vendor.id, mode="test", payment=str(payment.id), decline=charge, card=fingerprint)
        return True


@pytest.fixture
def thief(shop: Shop) -> Thief:
    return Thief(shop, Browser(shop.app)).at(f"203.0.113.{secrets.randbelow(250)}")


def attack_is_on(shop: Shop) -> bool:
    with shop.app.app_context():
        return find_attack(shop.vendor.id, "test") is not None


def test_two_hundred_cards_from_one_address_on_one_link_come_to_ten_at_most(shop: Shop, thief: Thief) -> None:
    link = make_link(shop)
    for n in range(200):
        thief.card(link, email=f"p{n}@example.com", fingerprint=f"fp_{n}")
    assert thief.tried <= 10 and thief.seen[-1] == "held" and thief.proofs, thief.seen[:20]


def test_a_fresh_browser_for_every_card_changes_nothing(shop: Shop, thief: Thief) -> None:
    link, address = make_link(shop), f"198.51.100.{secrets.randbelow(250)}"
    for n in range(40):
        thief.at(address).card(link, email=f"p{n}@example.com", fingerprint=f"fp_{n}")
    assert thief.tried <= 10


def test_one_connection_with_many_addresses_of_the_sixth_kind_is_one(shop: Shop, thief: Thief) -> None:
    link, net = make_link(shop), f"2001:db8:{secrets.token_hex(2)}:7"
    for n in range(40):
        thief.at(f"{net}:{n + 1:x}::{n + 9:x}").card(link, email=f"p{n}@example.com", fingerprint=f"fp_{n}")
    assert thief.tried <= 10


def test_one_email_from_many_addresses_is_asked_for_work_and_locks_nobody_out(shop: Shop, thief: Thief) -> None:
    """Nobody proves that an address is theirs: stopping it would let anybody stop anybody."""
    for n in range(30):
        thief.at(f"192.0.2.{n + 1}").card(make_link(shop), email="one@example.com", fingerprint=f"fp_{n}")
    assert thief.proofs and thief.seen[-1] == "declined"


def test_one_card_over_many_links_is_stopped_where_it_was_declined(shop: Shop, thief: Thief) -> None:
    """It is known only once it was typed: so each further payment gets one try at most, and its page is called off at once."""
    payments: list[Payment] = []
    for n in range(12):
        thief.at(f"192.0.2.{n + 1}").card(make_link(shop), email=f"q{n}@example.com", fingerprint="fp_the_one")
        with shop.app.app_context():
            payments.append(list_payments(shop.vendor, "test").rows[0])
    held = [fresh(shop, payment).held_until is not None for payment in payments]
    assert held.index(True) <= 5 and all(held[held.index(True) :]), held


def test_many_addresses_on_one_vendor_begin_the_attack_mode_and_everybody_proves_from_then_on(shop: Shop, thief: Thief) -> None:
    link = make_link(shop)
    for n in range(10):
        assert not attack_is_on(shop), n
        thief.at(f"198.51.100.{n + 1}").card(link, email=f"r{n}@example.com", fingerprint=f"fp_{n}")
    assert attack_is_on(shop)
    before = thief.proofs
    for n in range(10, 16):
        thief.at(f"198.51.100.{n + 1}").card(link, email=f"r{n}@example.com", fingerprint=f"fp_{n}")
    assert thief.proofs - before == 6, "each of them had to work for it"
    browser = shop.browser()
    assert "Attack mode is on" in browser.get("/portal/").text
    assert "somebody may be testing cards" in browser.get("/portal/notices").text


def test_somebody_else_pays_as_before_while_one_tests_cards(shop: Shop, thief: Thief) -> None:
    link = make_link(shop)
    for n in range(9):  # one short of a surge
        thief.card(link, email=f"p{n}@example.com", fingerprint=f"fp_{n}")
    honest = Thief(shop, Browser(shop.app)).at("192.0.2.200")
    payment = make_payment(shop, link, email="honest@example.com")
    with shop.app.app_context():
        path = f"/checkout/{payment_token(shop.vendor, payment)}"
    page = honest.browser.get(path)
    honest._prove(honest.browser.submit(page.form(f"{page.address}/attempts"), status=None, follow=False))
    with shop.app.app_context():
        assert page_state(again(payment)) == "challenge", "the processor's page is open to them"


def test_of_a_thousand_honest_payers_hardly_anybody_is_held(shop: Shop) -> None:
    """An hour of a busy shop: 1,000 payers behind 300 addresses, one in twelve declined, half of those try again once or twice."""
    chance, scope, held = random.Random(7), f"{secrets.token_hex(8)}:test", 0
    for n in range(1000):
        who = {
            "address": f"a{chance.randrange(300)}",
            "browser": f"b{n}",
            "email": f"e{n}",
            "link": f"l{chance.randrange(5)}",
            "vendor": "v",
        }
        with shifted(timedelta(seconds=3.6 * n)):
            for number in range(3):
                held += judge(scope, who).step == "stop"
                note_try(scope, who, name=f"{n}.{number}")
                if chance.random() > 1 / 12:
                    break
                note_decline(scope, who, name=f"{n}.{number}", card=f"c{n}.{number}", link=who["link"])
    assert held <= 20
