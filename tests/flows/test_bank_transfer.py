"""Paying by bank transfer from end to end, scripts off: the payer's bank is the sandbox's, and its statements come over the line."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from core.kernel.config import settings
from core.kernel.db import db
from core.ledger.book import PLATFORM
from core.ledger.queries import find_breaks
from core.methods.rules import switch_method
from core.notifications.models import Message
from core.payments.models import Payment, PaymentLink
from tests.browser import Browser, Page
from tests.core.providers.statements import Draft, file_of
from tests.factories import Shop, fresh, link_address, make_link, out_of_sight, unit
from tests.portal.admin.people import make_staff
from tests.sandbox.running import ask
from workers.bank import fetch_statements

PAYER = "DE12500105170648489890"
Work = Callable[[], int]


class PayersBank:
    """The sandbox's bank, as the payer's app and as the bank of ours."""

    def __init__(self, app: Flask, work: Work) -> None:
        self.app, self.work = app, work

    def call(self, path: str, **body: object) -> None:
        headers = {"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}", "Content-Type": "application/json"}
        status, _, text = ask("POST", f"{settings().sandbox_url}/_sandbox/bank/{path}", json.dumps(body), headers)
        assert status == 201, text

    def send(self, told: dict[str, str], amount: str | None = None, **facts: object) -> None:
        """The payer types what the page says, or something else."""
        self.call(
            "transfers", iban=told["IBAN"], amount=amount or told["Amount"],
            **{"name": "Ada Payer", "reference": told["Reference"], "from_iban": PAYER, **facts},
        )  # fmt: skip
        self.day_ends()

    def day_ends(self) -> None:
        """The bank closes its statements, and they are fetched and booked."""
        self.call("statements", now=True)
        with self.app.app_context():
            fetch_statements(PLATFORM, mode="test")
        self.work()


@pytest.fixture
def bank(app: Flask, live_server: str, work: Work) -> PayersBank:
    return PayersBank(app, work)


@pytest.fixture
def payer(app: Flask) -> Browser:
    return Browser(app)


def choose_transfer(shop: Shop, payer: Browser, email: str, work: Work, amount: str = "40.00") -> Page:
    """From the link to the page with the instructions, which are sent by e-mail as well."""
    with unit(shop.app):
        out_of_sight(shop.vendor)
        switch_method(shop.vendor, "test", "bank_transfer", on=True, by=shop.user.public_id)
    link = make_link(shop, amount=amount, currency="EUR", title="Pottery course")
    checkout = payer.submit(payer.get(link_address(shop, link)).form(), email=email, name="Ada Payer")
    waiting = payer.submit(checkout.form(f"{checkout.address}/attempts"), method="bank_transfer")
    work()
    return waiting


def instructions(page: Page) -> dict[str, str]:
    """What the page tells the payer to enter, by the label above it."""
    labels = {e.attrs["for"]: e.text for e in page.all("label") if "for" in e.attrs}
    fields = {labels[e.attrs["id"]]: e.attrs["value"] for e in page.all("input") if e.attrs.get("id", "").startswith("transfer-")}
    return {name.split(" in ")[0]: value for name, value in fields.items()}


def letters(app: Flask, email: str) -> list[str]:
    with app.app_context():
        found = db.session.scalars(db.select(Message).where(Message.recipient == email).order_by(Message.id)).all()
        assert {m.state for m in found} <= {"kept"}, [(m.kind, m.last_error) for m in found]
        return [m.kind for m in found]


def payment_of(app: Flask, email: str) -> Payment:
    with app.app_context():
        return db.session.scalars(db.select(Payment).where(Payment.email == email)).one()


def whole(app: Flask) -> None:
    with app.app_context():
        assert find_breaks() == []


def someone() -> str:
    return f"payer-{secrets.token_hex(5)}@example.com"


def test_a_transfer_is_paid_when_the_statement_says_so(app: Flask, shop: Shop, bank: PayersBank, payer: Browser) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    told = instructions(waiting)
    assert told["Amount"] == "40.00" and told["Reference"].startswith("RF") and told["BIC"]
    assert "We have not received it yet" in waiting.text and "failed" not in waiting.text.lower()
    assert waiting.all("svg", class_="qr"), "the code to scan"
    assert payer.get(waiting.address).heading == "Pay by bank transfer"
    with app.app_context():
        link = db.session.scalars(db.select(PaymentLink).where(PaymentLink.id == payment_of(app, email).link_id)).one()
    assert payer.get(link_address(shop, link)).address == waiting.address, "the link leads back to the payment it began"
    bank.send(told)
    paid = payer.get(waiting.address)
    assert paid.heading == "Paid" and "Bank transfer" in paid.text
    assert letters(app, email) == ["transfer_instructions", "receipt"]
    shown = shop.browser().get(f"/portal/payments/{payment_of(app, email).public_id}")
    assert "Bank transfer received" in shown.text and "Ada Payer" in shown.text
    whole(app)


def test_a_part_is_told_and_the_rest_completes_it(app: Flask, shop: Shop, bank: PayersBank, payer: Browser) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    bank.send(instructions(waiting), "15.00")
    part = payer.get(waiting.address)
    assert "€15.00 has arrived" in part.text and instructions(part)["Amount"] == "25.00"
    assert not [f for f in part.all("form") if f.attrs["action"].endswith(("/cancel", "/leave"))], "money is here: it is not called off from here"
    assert "€25.00 of €40.00 is still missing" in shop.browser().get("/portal/transfers").text
    bank.send(instructions(part))
    assert payer.get(waiting.address).heading == "Paid"
    assert letters(app, email) == ["transfer_instructions", "transfer_partial", "receipt"]
    assert "Every transfer has found its payment" in shop.browser().get("/portal/transfers").text
    whole(app)


def test_what_is_too_much_goes_back_with_one_press(app: Flask, shop: Shop, bank: PayersBank, payer: Browser, work: Work) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    bank.send(instructions(waiting), "47.50")
    paid = payer.get(waiting.address)
    assert paid.heading == "Paid" and "€7.50 more than was asked" in paid.text
    payment, seller = payment_of(app, email), shop.browser()
    assert "1 bank transfer needs your decision" in seller.get("/portal/payments").text
    cases = seller.get("/portal/transfers")
    done = seller.submit(cases.form(f"/portal/payments/{payment.public_id}/transfer/give-back"))
    assert "Waiting for the bank" in done.text
    work()  # the order is handed over
    assert "With the bank" in seller.get(done.address).text
    bank.day_ends()
    assert "Sent back" in seller.get(done.address).text
    assert "€7.50 is on its way back" in payer.get(waiting.address).text
    assert letters(app, email) == ["transfer_instructions", "transfer_held", "receipt", "transfer_returned"]
    assert fresh(shop, payment).unapplied.minor == 0
    whole(app)


def test_a_transfer_after_the_payer_called_it_off_is_the_sellers_to_accept(app: Flask, shop: Shop, bank: PayersBank, payer: Browser) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    over = payer.submit(waiting.form(f"{waiting.address}/cancel"))
    assert over.heading == "Payment cancelled"
    bank.send(instructions(waiting))
    late = payer.get(waiting.address)
    assert late.heading == "Your transfer came late" and "No money was taken" not in late.text
    payment, seller = payment_of(app, email), shop.browser()
    case = seller.get(f"/portal/payments/{payment.public_id}/transfer")
    seller.submit(case.form(f"/portal/payments/{payment.public_id}/transfer/accept"))
    assert payer.get(waiting.address).heading == "Paid"
    whole(app)


def test_a_wrong_reference_is_assigned_by_the_operator(app: Flask, shop: Shop, bank: PayersBank, payer: Browser) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    told = instructions(waiting)
    bank.send({**told, "Reference": "my pottery course"}, name=f"Ada {email}")
    assert "We have not received it yet" in payer.get(waiting.address).text
    run: FlaskCliRunner = app.test_cli_runner()
    payment = payment_of(app, email)
    listed = run.invoke(args=["unknown-transfers", "--mode", "test"]).output
    line = re.search(rf"(bkl_\w+) .*Ada {email}", listed)
    assert line and payment.public_id in listed and "No reference of ours" in listed
    desk = make_staff(app, "finance").browser()
    assert "/staff/bank-money" in desk.get("/staff/").html
    shown = desk.get("/staff/bank-money").text
    assert line[1] in shown and f"Ada {email}" in shown and "No reference of ours stands on it." in shown
    words = ["assign-transfer", line[1], shop.vendor.public_id, payment.public_id, "--mode", "test", "--why", "The payer sent a picture"]
    assert run.invoke(args=words).output == "Booked.\n"
    assert "Somebody has decided" in run.invoke(args=words).output
    assert payer.get(waiting.address).heading == "Paid"
    assert line[1] not in desk.get("/staff/bank-money").text
    whole(app)


def test_the_payer_may_choose_a_card_after_all(app: Flask, shop: Shop, bank: PayersBank, payer: Browser) -> None:
    waiting = choose_transfer(shop, payer, someone(), bank.work)
    back = payer.submit(waiting.form(f"{waiting.address}/transfer/leave"))
    assert back.heading == "How would you like to pay?"
    sent = payer.submit(back.form(f"{back.address}/attempts"), status=303, follow=False, method="card")
    assert sent.response.headers["Location"].startswith(settings().sandbox_url)
    unfinished = payer.get(waiting.address)
    again = payer.submit(unfinished.form(f"{waiting.address}/attempts"), method="bank_transfer")
    assert again.heading == "Pay by bank transfer"
    bank.send(instructions(again))
    assert payer.get(waiting.address).heading == "Paid"
    whole(app)


def test_a_refund_of_a_transfer_goes_back_by_transfer(app: Flask, shop: Shop, bank: PayersBank, payer: Browser, work: Work) -> None:
    email = someone()
    waiting = choose_transfer(shop, payer, email, bank.work)
    bank.send(instructions(waiting))
    payment, seller = payment_of(app, email), shop.browser()
    show = f"/portal/payments/{payment.public_id}"
    seller.submit(seller.get(show).form(f"{show}/refunds"), amount="10.00")
    work()
    assert fresh(shop, payment).refunding_minor == 1000
    bank.day_ends()
    assert fresh(shop, payment).refunded_minor == 1000
    assert "refund_sent" in letters(app, email)
    whole(app)


def test_a_statement_can_be_imported_by_hand_and_a_damaged_one_is_refused(app: Flask, tmp_path, live_server: str) -> None:
    run: FlaskCliRunner = app.test_cli_runner()
    bad = tmp_path / "bad.xml"
    bad.write_bytes(file_of(Draft(())).replace(b"</GrpHdr>", b"</GrpHdr"))
    told = run.invoke(args=["import-statement", str(bad)])
    assert told.exit_code == 1 and "Line 5" in told.output
    assert "orders wait" in run.invoke(args=["bank-orders", "--mode", "test"]).output
    assert run.invoke(args=["return-transfer", "bkl_nothing", "--mode", "test", "--why", "x"]).exit_code == 1


def test_amounts_are_never_shown_as_failed_before_they_are(shop: Shop, bank: PayersBank, payer: Browser) -> None:
    """The page of a waiting transfer says what is true and nothing worse, also when it is asked for again and again."""
    waiting = choose_transfer(shop, payer, someone(), bank.work, amount="12.34")
    assert Decimal(instructions(waiting)["Amount"]) == Decimal("12.34")
    part = payer.part(f"{waiting.address}/transfer/state")
    assert "We have not received it yet" in part.text
