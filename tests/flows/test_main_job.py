"""The main job told from one end to the other: a business signs up, asks for money, is paid, sees it, and gives some of it back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from flask import Flask

from core.accounts.models import Vendor
from core.kernel.db import db
from core.ledger.queries import balances, find_breaks
from core.notifications.models import Message
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.providers.models import InboxEvent
from tests.browser import Browser
from tests.factories import PASSWORD
from tests.sandbox.running import pay, wait_until

PAYER = f"payer-{secrets.token_hex(4)}@example.com"


def letters_to(app: Flask, address: str) -> dict[str, str]:
    with app.app_context():
        return {m.kind: m.text or "" for m in db.session.scalars(db.select(Message).where(Message.recipient == address))}


def test_a_business_is_paid_through_a_link_and_gives_part_of_it_back(app: Flask, live_server: str, work: Callable[[], int]) -> None:
    seller, email = Browser(app), f"owner-{secrets.token_hex(5)}@example.com"

    business = {"business": "Harbour Books", "country": "GB", "currency": "GBP"}
    seller.submit(seller.get("/sign-up").form(), email=email, password=PASSWORD, **business)
    work()
    proof = re.search(r"/verify-email/[\w.-]+", letters_to(app, email)["verify_email"])
    assert proof
    seller.submit(seller.get(proof.group()).form(proof.group()))
    seller.submit(seller.get("/sign-in").form("/sign-in"), email=email, password=PASSWORD)

    made = seller.submit(
        seller.get("/portal/links/new").form(),
        title="Signed first edition",
        amount_kind="fixed",
        amount="45.00",
        kind="reusable",
        currency="GBP",
    )
    address = re.search(r"/pay/[\w.-]+", made.html)
    assert address

    payer = Browser(app)
    checkout = payer.submit(payer.get(address.group()).form(), email=PAYER, name="Sam Whitlock")
    sent = payer.submit(checkout.form(f"{checkout.address}/attempts"), status=303, follow=False)
    assert pay(sent.response.headers["Location"])[0] == 303, "the card was not taken"
    wait_until(lambda: told_about(app))
    work()

    paid = payer.get(checkout.address)
    assert paid.heading == "Paid"
    receipt = next(link for link in paid.links() if "/receipt/" in link and not link.endswith(".pdf"))
    kept = payer.get(receipt)
    assert "£45.00" in kept.text
    printed = payer.client.get(next(link for link in kept.links() if link.endswith(".pdf")))
    assert (printed.mimetype, printed.data[:5]) == ("application/pdf", b"%PDF-")
    with app.app_context():
        payment = db.session.scalars(db.select(Payment).where(Payment.email == PAYER)).one()
        vendor = db.session.get_one(Vendor, payment.vendor_id)
        fee = payment.fee_minor
    assert "receipt" in letters_to(app, PAYER) and "payment_received" in letters_to(app, email)

    show = f"/portal/payments/{payment.public_id}"
    assert payment.reference in seller.get("/portal/payments").text
    seller.submit(seller.get(show).form(f"{show}/refunds"), amount="10.00")
    wait_until(lambda: work() is not None and refund_state(app, payment) == "succeeded")
    work()
    assert "£10.00" in payer.get(receipt).text
    assert "refund_sent" in letters_to(app, PAYER)

    with app.app_context():
        cost = db.session.get_one(Payment, (vendor.id, "test", payment.id)).processor_fee_minor or 0
        held = {name: money.minor for (name, _, _), money in balances(vendor, "test").items() if money}
        assert held["psp_clearing"] == 4_500 - 1_000 - cost
        assert held["seller_pending"] == 4_500 - fee - (1_000 - held["fee_refunds"])
        assert "refund_in_flight" not in held
        assert find_breaks() == []


def told_about(app: Flask) -> bool:
    with app.app_context():
        payment = db.session.scalars(db.select(Payment).where(Payment.email == PAYER)).one()
        told = db.select(InboxEvent.event_id).where(
            InboxEvent.raw.contains(payment.public_id), InboxEvent.type == "payment_intent.succeeded"
        )
        return db.session.scalar(told) is not None


def refund_state(app: Flask, payment: Payment) -> str:
    with app.app_context():
        return db.session.scalars(db.select(Refund).where(Refund.vendor_id == payment.vendor_id)).one().state
