"""Somebody joins a plan, through the whole product and without scripts: the provider's own page, the truth while it is waited for, and their own page."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.kernel.db import db
from core.memberships.join import find_saving
from core.memberships.models import Member
from core.memberships.page import member_token, replace_address
from core.memberships.plans import plan_token
from core.risk.attack import begin_by_hand
from tests.browser import Browser, Page
from tests.cards import ASKS_ALWAYS, FAILS_LATER, VISA, new_address
from tests.core.memberships.joined import plan_named, sell
from tests.factories import Shop, make_shop, out_of_sight, unit
from tests.flows.visit import Processor
from tests.sandbox.running import pay, post_form
from tests.sight import wider_than_screen


class Joiner:
    """A person with a browser and a card."""

    def __init__(self, shop: Shop, processor: Processor, work: Callable[[], int]) -> None:
        self.shop, self.processor, self.work, self.email = shop, processor, work, new_address()
        self.browser = Browser(shop.app)
        with unit(shop.app):
            out_of_sight()
        with shop.app.app_context():
            self.address = f"/j/{plan_token(shop.vendor, plan_named(shop, 'Basic'))}"

    def join(self, **typed: str) -> str:
        """Fills the form in; gives the path of the page it leads to."""
        form = self.browser.get(self.address).form(self.address)
        sent = self.browser.submit(form, status=303, follow=False, **({"email": self.email, "name": "Ada Member"} | typed))
        return path_of(str(sent.response.headers["Location"]))

    def to_card(self, mine: str, *, status: int = 303) -> Page:
        return self.browser.submit(self.browser.get(mine).form(f"{mine}/card"), status=status, follow=False)

    def type(self, page: str, number: str = VISA) -> Page:
        _, onward, text = pay(page, number)
        assert onward, text
        if "/3ds/" in onward:
            _, onward, _ = post_form(onward if onward.startswith("http") else self.processor.address + onward, answer="approve")
        return self.browser.get(path_of(str(onward)))

    def joined(self, number: str = VISA) -> str:
        mine = self.join()
        waiting = self.type(str(self.to_card(mine).response.headers["Location"]), number)
        assert waiting.heading == "Your card is saved, and your membership begins"
        self.work()
        return mine

    def member(self) -> Member:
        with unit(self.shop.app):
            mine = select(Member).where(Member.vendor_id == self.shop.vendor.id, Member.email == self.email)
            return db.session.scalars(mine.order_by(Member.id.desc())).first()  # type: ignore[return-value]


def path_of(url: str) -> str:
    return url if url.startswith("/") else "/" + url.split("/", 3)[3]


@pytest.fixture
def joiner(app, processor: Processor, work: Callable[[], int]) -> Joiner:  # type: ignore[no-untyped-def]
    shop = make_shop(app, business="Harbour Gym")
    sell(shop, "Basic", "10.00", about="The pool and the weights.")
    sell(shop, "Gold", "30.00")
    return Joiner(shop, processor, work)


def test_somebody_joins_reads_cancels_and_keeps(joiner: Joiner) -> None:
    page = joiner.browser.get(joiner.address)
    assert page.heading == "Join Basic" and "£10.00" in page.text and "Charged today" in page.text and "with one press" in page.text
    mine = joiner.joined()
    page = joiner.browser.get(mine)
    assert page.heading == "Your membership" and "Active" in page.text and "TEST-INV-000001" in page.text
    assert "Visa ending in 4242" in page.text and "Receipts" in page.text
    page = joiner.browser.submit(page.form(f"{mine}/cancel"))
    assert "nothing more is charged" in page.text and "Keep my membership" in page.text
    page = joiner.browser.submit(page.form(f"{mine}/keep"))
    assert "Keep my membership" not in page.text and "Next charge" in page.text
    with joiner.shop.app.app_context():
        from core.notifications.models import Message

        letter = db.session.scalars(select(Message).where(Message.recipient == joiner.email, Message.kind == "membership_welcome")).one()
        assert "/m/" in (letter.text or "") and "£10.00" in (letter.text or "")


def test_a_card_that_is_declined_begins_nothing_and_another_one_does(joiner: Joiner) -> None:
    mine = joiner.joined(FAILS_LATER)
    page = joiner.browser.get(mine)
    assert page.heading == "Your card was declined" and "has not begun" in page.text
    joiner.type(str(joiner.to_card(mine).response.headers["Location"]))
    joiner.work()
    assert joiner.browser.get(mine).heading == "Your membership"


def test_a_bank_that_asks_is_answered_on_the_payments_page(joiner: Joiner) -> None:
    mine = joiner.joined(ASKS_ALWAYS)
    page = joiner.browser.get(mine)
    assert page.heading == "Please confirm your payment" and "No money has been taken" in page.text


def test_sent_twice_and_in_two_tabs_it_is_one_membership(joiner: Joiner) -> None:
    tabs = [joiner.browser.get(joiner.address).form(joiner.address) for _ in range(2)]
    found = {
        str(joiner.browser.submit(tab, status=303, follow=False, email=joiner.email, name="Ada").response.headers["Location"])
        for tab in tabs
    }
    with unit(joiner.shop.app):
        mine = select(Member).where(Member.vendor_id == joiner.shop.vendor.id, Member.email == joiner.email)
        assert len(db.session.scalars(mine).all()) == 1
    assert len(found) <= 2, "each address is signed at its moment; they lead to one page"


def test_what_is_wrong_is_said_at_its_field_and_kept(joiner: Joiner) -> None:
    form = joiner.browser.get(joiner.address).form(joiner.address)
    page = joiner.browser.submit(form, status=422, email="no address", name="")
    assert "Enter an e-mail address like" in page.text and "Enter your name" in page.text and 'value="no address"' in page.html


def test_an_address_that_was_replaced_opens_nothing_and_machines_read_the_same_of_all(joiner: Joiner) -> None:
    mine = joiner.joined()
    client = joiner.shop.app.test_client()
    facts = json.loads(client.get(f"{mine}/status.json").data)
    assert facts["active"] is True and facts["plan"] == "Basic" and set(facts) == {"active", "status", "plan", "active_until", "renews"}
    assert joiner.email not in json.dumps(facts)
    with unit(joiner.shop.app):
        replace_address(joiner.shop.vendor, joiner.member(), by="payer")
    token = mine.removeprefix("/m/")
    answers = {client.get(f"/m/{text}/status.json").data for text in (token, token[:-1] + "x", token[:40], "nonsense")}
    assert answers == {b'{"error":"not_valid"}\n'}
    for text in (token, token[:-2], joiner.address.removeprefix("/j/")):
        assert joiner.browser.get(f"/m/{text}", status=404).heading == "This link is not valid"
    with joiner.shop.app.app_context():
        fresh = member_token(joiner.shop.vendor, joiner.member())
    assert joiner.browser.get(f"/m/{fresh}").heading == "Your membership"


def test_asking_for_the_page_tells_a_stranger_nothing(joiner: Joiner) -> None:
    joiner.joined()
    answers = []
    for email in (joiner.email, new_address()):
        form = joiner.browser.get(f"{joiner.address}/page").form(f"{joiner.address}/page")
        answers.append(joiner.browser.submit(form, email=email).text)
    assert answers[0] == answers[1] and "Look into your e-mail" in answers[0]


def test_another_plan_is_read_to_the_penny_before_it_is_taken(joiner: Joiner) -> None:
    mine = joiner.joined()
    page = joiner.browser.get(f"{mine}/plan")
    assert "Change to Gold and pay £20.00" in page.text
    form = page.form(f"{mine}/plan")
    stale = joiner.browser.submit(form, status=409, shown="1.3000")
    assert "costs another sum" in stale.text
    joiner.browser.submit(form, status=303, follow=False)
    joiner.work()
    assert "Gold" in joiner.browser.get(mine).text


def test_it_is_said_in_german(joiner: Joiner) -> None:
    page = joiner.browser.get(f"{joiner.address}?lang=de")
    assert page.heading == "Basic beitreten" and "Heute belastet" in page.text


def test_whoever_joins_while_cards_are_tested_proves_that_they_mean_it(joiner: Joiner) -> None:
    with unit(joiner.shop.app):
        begin_by_hand(joiner.shop.vendor, "test", by=joiner.shop.user.public_id, hours=1)
    mine = joiner.join()
    asked = joiner.to_card(mine, status=200)
    assert asked.heading == "One moment, please" and "make sure that it is a person" in asked.text
    early = joiner.browser.submit(asked.form(f"{mine}/card"))
    assert "a little early" in early.text
    with unit(joiner.shop.app):
        assert find_saving(joiner.member()) is None, "nothing was asked of the processor"


@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
def test_in_a_browser_on_a_phone(joiner: Joiner, visitor, work, scripts: bool) -> None:  # type: ignore[no-untyped-def]
    """From the address to a cancellation that is taken back, through the processor's real page for saving a card."""
    page = visitor(scripts=scripts, phone=True)
    page.goto(joiner.address)
    page.get_by_label("E-mail address").fill(joiner.email)
    page.get_by_label("Name").fill("Ada Member")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Go on to the card page").click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expiry date").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("A Member")
    page.locator("[data-pay]").click()
    page.get_by_role("heading", name="Your card is saved, and your membership begins").wait_for()
    work()
    page.get_by_role("heading", name="Your membership", exact=True).wait_for()  # the page looks again by itself
    assert not wider_than_screen(page) if scripts else True
    page.get_by_text("Cancel membership").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    page.get_by_role("button", name="Keep my membership").click()
    page.get_by_text("Cancel membership").wait_for()
