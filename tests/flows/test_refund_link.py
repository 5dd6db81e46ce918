"""A refund that the card did not take, from its failure to the money in a SEPA file: the vendor, the payer and the staff, each at their browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments.claim_models import RefundClaim
from tests.browser import Browser
from tests.core.payments.claims import THEIRS, bank_says, failed_refund, refund_of
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import send_waiting_orders
from tests.factories import Shop, fresh, unit
from tests.portal.admin.people import make_staff


@pytest.fixture(autouse=True)
def nobody_elses(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank that takes files only, and no other test's orders wait for one."""
    send_waiting_orders(app)
    with euros_at_another_bank():
        yield


def letter(shop: Shop, kind: str) -> Message:
    with shop.app.app_context():
        (found,) = db.session.scalars(db.select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)).all()
        assert found.state in ("sent", "kept"), found.last_error
        return found


@pytest.mark.usefixtures("live_server")
def test_from_a_failed_refund_to_a_file_for_the_bank(app: Flask, shop: Shop, work: Callable[[], int]) -> None:
    payment, refund = failed_refund(shop)
    owner, show = shop.browser(), f"/portal/payments/{payment.public_id}"
    link = f"{show}/refund-link?refund={refund.public_id}"
    assert link in owner.get(show).links()
    claim_page = owner.submit(owner.get(link).form(f"{show}/refund-link")).address
    work()
    (address,) = set(re.findall(r"/claim/[\w.-]+", letter(shop, "refund_claim").text or ""))
    payer = Browser(app)
    waiting = payer.submit(payer.get(address).form(address), holder="Ada Payer", iban="DE12 5001 0517 0648 4898 90")
    assert "looks at it now" in waiting.heading
    work()
    asked = letter(shop, "refund_claimed")
    assert asked.recipient == shop.vendor.support_email and claim_page in (asked.text or "")
    news = owner.get("/portal/notices?kind=refund_claimed")
    opening = next(e.attrs["action"] for e in news.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert payment.description in news.text
    page = owner.submit(news.form(opening))
    assert page.address == claim_page
    owner.submit(page.form(f"{claim_page}/approve"))
    work()
    desk = make_staff(app, "finance").browser()
    made = desk.submit(desk.get("/staff/order-files").form("/staff/order-files/test"))
    file = desk.client.get(f"{made.address}.xml").get_data(as_text=True)
    assert f"<IBAN>{THEIRS}</IBAN>" in file and "Ada Payer" in file and ">40.00<" in file
    with unit(app):
        claim = db.session.scalars(db.select(RefundClaim).where(RefundClaim.vendor_id == shop.vendor.id)).one()
    bank_says(shop, refund_of(shop, claim))
    work()
    assert "ending in 9890" in (letter(shop, "refund_sent").text or "") and "the way it came" not in (
        letter(shop, "refund_sent").text or ""
    )
    assert payer.get(address).heading == "Your refund is paid"
    assert "Paid out" in owner.get(show).text and fresh(shop, payment).refunded_minor == 4_000
    with unit(app):
        assert find_breaks() == []
