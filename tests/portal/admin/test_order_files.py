"""The staff's pages of files for the bank: one person makes it, another gives it away, and what goes wrong is said on the page."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from lxml import etree

from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.book import PLATFORM
from core.ledger.post import post
from core.payments.disputed import stop_refunds
from core.payments.models import Payment
from core.payments.order_status import carry_out_refusal, note_refused, take_status_report
from core.payments.start import lock_payment
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.approve import cancel_payout
from core.payouts.models import Payout
from core.payouts.settle import settle_payout
from core.providers.bank_orders import find_order
from core.providers.statement import StatementRefused
from sandbox.bank_files import read_orders, refusals, write_answer
from tests.browser import Browser, Page
from tests.core.payments.claims import approved, failed_refund, named, opened, refund_of, send
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import THEIRS, Seller, send_waiting_orders
from tests.factories import again, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.sandbox.running import ask
from tests.valid_html import problems_of_html
from workers.bank import carry_out_bank_refusal, fetch_status_reports


@pytest.fixture(autouse=True)
def nobody_elses(app: Flask) -> None:
    send_waiting_orders(app)


@pytest.fixture
def seller(app: Flask) -> Seller:
    made = Seller(make_shop(app, currency="EUR", country="DE"), "EUR")
    with unit(app):
        add_account(made.shop.vendor, "test", currency="EUR", holder="Harbour Kiosk", iban=THEIRS, by=made.shop.user.public_id)
    with shifted(-10 * COOLING_OFF):
        made.sells("100.00")
    made.release()
    return made


@pytest.fixture
def payout(seller: Seller) -> Payout:
    return seller.pays_out()


def finance(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def make(browser: Browser) -> Page:
    return browser.submit(browser.get("/staff/order-files").form("/staff/order-files/test"))


def test_from_what_waits_to_the_bank(app: Flask, seller: Seller, payout: Payout) -> None:
    maker, giver = finance(app), finance(app)
    assert "Files for the bank" in maker.get("/staff/payouts").text
    page = make(maker)
    assert "Somebody else looks at it" in page.text and "€98.50" in page.text and payout.public_id in page.text
    assert not [e for e in page.all("form") if e.attrs.get("action", "").endswith("/handed-over")], "whoever made it is not offered that"
    raw = maker.client.get(f"{page.address}.xml")
    assert raw.content_type == "application/xml" and "attachment" in raw.headers["Content-Disposition"]
    assert b"98.50" in etree.tostring(etree.fromstring(raw.data))
    theirs = giver.get(page.address)
    done = giver.submit(theirs.form(f"{page.address}/handed-over"))
    assert "Each transfer is believed when a statement shows it" in done.text and "With the bank" in done.text
    assert giver.submit(theirs.form(f"{page.address}/handed-over"), status=422).error_summary
    assert seller.as_it_is(payout).state == "in_transit"


def test_a_transfer_beside_a_dispute_is_marked_and_said_before_the_file_leaves(app: Flask) -> None:
    with euros_at_another_bank():
        shop = make_shop(app, currency="EUR", country="DE")
        payment, refund = failed_refund(shop)
        transfer = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
        send(shop, transfer)
        browser = finance(app)
        page = make(browser)
        assert "Disputed" not in page.text
        with unit(app):
            held = lock_payment(again(payment))
            held.disputed_minor = 4_000
            stop_refunds(shop.vendor, held)
        page = browser.get(page.address)
        assert "1 transfer of this file gives back a payment whose payer has gone to their bank" in page.text
        row = next(row for row in page.all("tr") if transfer.public_id in row.text)
        assert "Disputed" in row.text and problems_of_html(page.html) == []
        giver = finance(app)
        gone = giver.submit(giver.get(page.address).form(f"{page.address}/handed-over"))
        assert "its payer may be paid twice" in gone.text
    with unit(app):
        again(payment).disputed_minor = 0  # the books of this test know of no dispute


def test_taking_it_back_wants_a_reason(app: Flask, payout: Payout) -> None:
    browser = finance(app)
    page = make(browser)
    form = page.form(f"{page.address}/taken-back")
    assert "Say why" in browser.submit(form, status=422).text
    assert "wait for another file" in browser.submit(form, reason="the bank was closed").text
    assert "Taken back" in browser.get(page.address).text


def test_pressed_twice_it_is_one_file(app: Flask, payout: Payout) -> None:
    browser = finance(app)
    form = browser.get("/staff/order-files").form("/staff/order-files/test")
    browser.submit(form)
    assert browser.submit(form, status=422).error_summary == ["No transfer waits to be made."]


def test_who_may_not_let_money_go_may_neither_make_nor_fetch(app: Flask, payout: Payout) -> None:
    address = make(finance(app)).address
    reviewer = make_staff(app, "reviewer").browser()
    for path in ("/staff/order-files", address, f"{address}.xml"):
        reviewer.get(path, status=403)
    finance(app).get("/staff/order-files/other/x", status=404)


def given(app: Flask) -> str:
    """The address of a file that one person made and another has given to the bank."""
    address = make(finance(app)).address
    giver = finance(app)
    giver.submit(giver.get(address).form(f"{address}/handed-over"))
    return address


def bring(browser: Browser, address: str, raw: bytes, *, status: int = 200) -> Page:
    token = browser.get(address).form(f"{address}/answers").values["csrf_token"]
    sent = browser.client.post(
        f"{address}/answers", data={"csrf_token": token, "file": (io.BytesIO(raw), "answer.xml")}, content_type="multipart/form-data"
    )
    assert sent.status_code == (303 if status == 200 else status), sent.get_data(as_text=True)[:500]
    return browser.get(address) if status == 200 else Page(sent, address)


def told(browser: Browser, address: str, story: str) -> bytes:
    """What a bank would answer to it."""
    message, orders = read_orders(browser.client.get(f"{address}.xml").data)
    return write_answer(f"P-{message[:20]}-{story}", message, orders, story, refusals(story, orders), now().timestamp()).encode()


def test_the_banks_answer_is_brought_and_shown_in_words(app: Flask, seller: Seller, payout: Payout) -> None:
    address, browser = given(app), finance(app)
    assert "The bank has answered nothing yet" in browser.get(address).text
    page = bring(browser, address, told(browser, address, "poor"))
    assert "Refused by the bank" in page.text and "our account does not hold enough; Insufficient funds (AM04)" in page.text
    kept = next(link for link in page.links() if link.endswith(".xml") and "/answers/" in link)
    assert b"<Cd>AM04</Cd>" in browser.client.get(kept).data
    with unit(app):
        order = find_order("test", payout.public_id)
        assert order is not None and carry_out_refusal("test", order.end_to_end)
        settle_payout(seller.shop.vendor, "test", payout.public_id, cause="bank")
    assert seller.as_it_is(payout).state == "failed" and seller.has() == payout.amount
    assert "Our own account did not hold enough at that moment." in seller.shop.browser().get(f"/portal/payouts/{payout.public_id}").text
    assert problems_of_html(page.html) == []


def test_an_answer_that_does_not_fit_is_refused_on_the_page_with_its_line(app: Flask, payout: Payout) -> None:
    address, browser = given(app), finance(app)
    wrong = bring(browser, address, told(browser, address, "each").replace(b"<OrgnlNbOfTxs>1<", b"<OrgnlNbOfTxs>9<"), status=422)
    assert wrong.error_summary == ["Line 5: It speaks of 9 transfers, and the file has 1."]
    assert bring(browser, address, b"", status=422).error_summary == ["Choose a file first."]
    assert bring(browser, address, b"nonsense", status=422).error_summary
    assert "The bank has answered nothing yet" in browser.get(address).text


def test_an_answer_that_cannot_be_taken_hides_none_behind_it(app: Flask, seller: Seller, payout: Payout) -> None:
    """The bank tells of a file that is not ours first: what it says of ours comes in all the same."""
    address, browser = given(app), finance(app)
    headers = {"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}", "Content-Type": "application/xml"}
    raw = browser.client.get(f"{address}.xml").data
    (number, *_) = re.findall(rb"<MsgId>([^<]+)</MsgId>", raw)
    for file in (raw.replace(number, b"0" * len(number)), raw):
        assert ask("POST", f"{settings().sandbox_url}/_sandbox/bank/order-files?story=first", file, headers)[0] == 201
    with app.app_context():
        for _ in range(2):
            fetch_status_reports("test")
    page = browser.get(address)
    assert "The bank has answered nothing yet" not in page.text and "could not be taken" not in page.text
    index = browser.get("/staff/order-files")
    assert "No file of ours has the number" in index.text and "Nothing of it was taken" in index.text
    assert index.text.count(f"has the number {'0' * len(number)}") == 1, "told again it stands there once"
    assert problems_of_html(index.html) == []


def test_an_answer_over_the_line_that_does_not_fit_is_told_at_its_file_until_it_was_taken(app: Flask, payout: Payout) -> None:
    address, browser = given(app), finance(app)
    good = told(browser, address, "each")
    bad = good.replace(b"<OrgnlNbOfTxs>1<", b"<OrgnlNbOfTxs>9<")
    for _ in range(2):
        with pytest.raises(StatementRefused) as refused, unit(app):
            take_status_report("test", bad, name="PSR-9.xml", by="system", number=None)
        with unit(app):
            note_refused("test", bad, name="PSR-9.xml", refusal=refused.value)
    page = browser.get(address)
    assert page.text.count("Line 5: It speaks of 9 transfers, and the file has 1.") == 1 and "PSR-9.xml" in page.text
    assert problems_of_html(page.html) == [] and "It speaks of 9" not in browser.get("/staff/order-files").text
    with unit(app):
        note_refused("test", good, name="PSR-10.xml", refusal=StatementRefused("The bank’s clock is wrong."))
        take_status_report("test", good, name="PSR-10.xml", by="system", number=None)
    assert "PSR-10.xml, " not in browser.get(address).text, "what was taken after all is no trouble any more"


def test_what_the_sandboxs_bank_answers_comes_over_the_line(app: Flask, seller: Seller, payout: Payout) -> None:
    address, browser = given(app), finance(app)
    headers = {"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}", "Content-Type": "application/xml"}
    url = f"{settings().sandbox_url}/_sandbox/bank/order-files?story=first"
    assert ask("POST", url, browser.client.get(f"{address}.xml").data, headers)[0] == 201
    with app.app_context():
        for _ in range(2):
            fetch_status_reports("test")
    page = browser.get(address)
    assert page.text.count("over the line to the bank") == 1 and "the account number is wrong" in page.text
    with app.app_context():
        order = find_order("test", payout.public_id)
        assert order is not None
        carry_out_bank_refusal(PLATFORM, mode="test", order=order.end_to_end)
    with unit(app):
        settle_payout(seller.shop.vendor, "test", payout.public_id, cause="bank")
    assert seller.as_it_is(payout).state == "failed" and seller.has() == payout.amount


def test_a_payout_that_is_held_after_its_order_was_written_stays_out_of_every_file_and_can_be_called_off(
    app: Flask, seller: Seller, payout: Payout
) -> None:
    maker, giver = finance(app), finance(app)
    made = make(maker)
    path = f"/staff/payouts/{payout.public_id}"
    page = maker.get(path)
    assert "After that it leaves by itself." in page.text and f"{path}/approval" not in [form.attrs["action"] for form in page.all("form")]
    page = maker.submit(page.form(f"{path}/hold"), **{"hold-reason": "The register says another name.", "hold-days": "3"})
    assert "This payout is held" in page.text
    theirs = seller.shop.browser().get(f"/portal/payouts/{payout.public_id}")
    assert "The register says another name." in theirs.text
    page = giver.get(made.address)
    assert "that payout stays out of it" in page.text and "kept back" in page.text
    page = giver.submit(page.form(f"{made.address}/handed-over"), status=422)
    assert "is held by now" in page.text
    giver.submit(page.form(f"{made.address}/taken-back"), reason="A payout in it is held")
    page = giver.get("/staff/order-files")
    assert "1 payout is kept back" in page.text and "/staff/order-files/test" not in [form.attrs["action"] for form in page.all("form")]
    giver.submit(giver.get(path).form(f"{path}/cancellation"), reason="Another name")
    assert (seller.as_it_is(payout).state, seller.has().minor) == ("canceled", 9850) and seller.books_are_whole()


def test_a_payout_whose_seller_owes_something_since_says_so_to_both(app: Flask, seller: Seller, payout: Payout) -> None:
    owed = Money(500, "EUR")
    with unit(app):
        paid = db.session.scalars(db.select(Payment).where(Payment.vendor_id == seller.shop.vendor.id)).one()
        post([book.dispute_fee(paid, reference="txn_fee", fee=owed, available=Money(0, "EUR"), owed=owed, at=now(), through="sandbox")])
    assert "has come to owe €5.00" in finance(app).get(f"/staff/payouts/{payout.public_id}").text
    assert "You have come to owe us €5.00" in seller.shop.browser().get(f"/portal/payouts/{payout.public_id}").text
    with unit(app):
        cancel_payout(seller.shop.vendor, seller.as_it_is(payout), by="stf_two", reason="They owe a charge")
    assert "come to owe" not in seller.shop.browser().get(f"/portal/payouts/{payout.public_id}").text
