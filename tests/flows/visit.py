"""One payer's payment through a link, step by step, with the sandbox as its owner sees it: what every story at the processor begins with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.ledger.models import Journal
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments.models import Payment, PaymentLink
from core.providers.models import InboxEvent
from tests.browser import Browser, Page
from tests.factories import Shop, fresh, link_address, make_link, out_of_sight, unit
from tests.flows.people import proven
from tests.sandbox.running import ask, pay, wait_until
from workers.schedule import tick

SESSIONS, REFUNDS = "/v1/checkout/sessions", "/v1/refunds"
NEXT_LOOK = timedelta(seconds=21)  # the clock asks about an open attempt for the first time after twenty seconds


class Processor:
    """The sandbox as its owner sees it: stories are ordered, and the truth about charges is read."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.address, self.key = environment["SANDBOX_URL"], environment["SANDBOX_API_KEY"]

    def call(self, method: str, path: str, /, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        status, _, text = ask(method, self.address + path, json.dumps(body) if body else None, headers)
        assert status < 300, text
        return json.loads(text)

    def story(self, name: str, /, **settings: Any) -> None:
        self.call("POST", "/_sandbox/stories", story=name, **settings)

    def charges(self, payment: Payment) -> list[dict[str, Any]]:
        """What was really taken for this payment."""
        found: list[dict[str, Any]] = []
        after = 0
        while after is not None:
            part = self.call("GET", f"/_sandbox/charges?after={after}")
            found, after = found + part["charges"], part["next"]
        return [c for c in found if c["status"] == "succeeded" and c["metadata"].get("payment") == payment.public_id]

    def sessions(self, payment: Payment) -> list[dict[str, Any]]:
        newest = self.call("GET", f"{SESSIONS}?limit=100")["data"]
        return [session for session in newest if session["metadata"].get("payment") == payment.public_id]

    def events(self, payment: Payment) -> set[str]:
        """What it has to tell about this payment, also of what was done there by hand: that names the charge, and nothing of ours."""

        def about(of: dict[str, Any]) -> bool:
            ours = of.get("metadata", {}).get("payment") == payment.public_id
            return ours or (payment.charge is not None and payment.charge in (of["id"], of.get("charge")))

        newest = self.call("GET", "/v1/events?limit=100")["data"]
        return {event["id"] for event in newest if about(event["data"]["object"])}


class Visit:
    """One payer's payment through a link, and everything that can be asked about it afterwards."""

    def __init__(self, shop: Shop, processor: Processor, work: Callable[[], int], **terms: Any) -> None:
        self.shop, self.processor, self.work = shop, processor, work
        self.link: PaymentLink = make_link(shop, amount="25.00", kind="reusable", **terms)
        self.browser = Browser(shop.app)
        self.page = self.browser.submit(self.browser.get(link_address(shop, self.link)).form(), email="sam@example.com")
        self.address = self.page.address
        with shop.app.app_context():
            mine = select(Payment).where(Payment.vendor_id == shop.vendor.id, Payment.link_id == self.link.id)
            self.first: Payment = db.session.scalars(mine).one()

    @property
    def payment(self) -> Payment:
        found: Payment = fresh(self.shop, self.first)
        return found

    def press_pay(self) -> Page:
        """The button on our page, without following where it leads."""
        form = self.browser.get(self.address).form(f"{self.address}/attempts")
        return self.browser.submit(form, status=None, follow=False)

    def card_page(self) -> str:
        sent = self.press_pay()
        if any("data-proof" in form.attrs for form in sent.all("form")):  # after some declines it is asked for work first
            form, nonce = proven(sent)
            sent = self.browser.submit(form, nonce=nonce, status=None, follow=False)
        assert sent.status == 303, sent.text[:300]
        return str(sent.response.headers["Location"])

    def pay(self, number: str = "4242424242424242") -> str:
        """Press, and type a card; answers where the processor leads next."""
        status, onward, _ = pay(self.card_page(), number)
        assert status == 303
        return str(onward)

    def look(self) -> str:
        """What our page says now."""
        return self.browser.get(self.address).heading

    def time_passes(self, by: timedelta) -> None:
        """The clock and the workers as they will be then, with nobody else's payments to look after."""
        with unit(self.shop.app):
            out_of_sight(keep=self.shop.vendor)
        with shifted(by):
            with self.shop.app.app_context():
                tick()
            self.work()

    def told(self) -> None:
        """Every event about this payment has arrived, and the workers have opened them."""

        def arrived() -> bool:
            wanted = self.processor.events(self.payment)
            return self.count(InboxEvent, InboxEvent.event_id.in_(wanted)) == len(wanted)

        wait_until(arrived)
        self.work()

    def inbox(self) -> list[InboxEvent]:
        with self.shop.app.app_context():
            return list(db.session.scalars(select(InboxEvent).where(InboxEvent.raw.contains(self.first.public_id))))

    def count(self, what: Any, *where: Any) -> int:
        with self.shop.app.app_context():
            return int(db.session.scalar(select(func.count()).select_from(what).where(*where)) or 0)

    def journals(self, kind: str) -> int:
        return self.count(Journal, Journal.vendor_id == self.shop.vendor.id, Journal.about == self.first.public_id, Journal.kind == kind)

    def letters(self, kind: str) -> int:
        return self.count(Message, Message.vendor_id == self.shop.vendor.id, Message.about == self.first.public_id, Message.kind == kind)

    def is_paid_once(self) -> None:
        """The processor, the row, the books and the letters say the same."""
        self.work()
        charges = self.processor.charges(self.payment)
        assert (self.payment.state, [c["id"] for c in charges]) == ("succeeded", [self.payment.charge])
        assert (self.journals("capture"), self.journals("unexpected capture")) == (1, 0)
        assert (self.letters("receipt"), self.letters("payment_received")) == (1, 1)
        assert all(row.handled_at for row in self.inbox())
        assert self.look() == "Paid"
        with self.shop.app.app_context():
            assert find_breaks() == []

    def is_not_paid(self) -> None:
        assert self.processor.charges(self.payment) == []
        assert (self.payment.captured_minor, self.journals("capture"), self.letters("receipt")) == (0, 0, 0)
