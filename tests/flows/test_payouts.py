"""A seller is paid out from end to end: account, asking, the bank's statement, a transfer that comes back, and one above the limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from tests.browser import Browser, Page
from tests.factories import Shop, make_colleague, make_link, make_paid, make_shop, release_all, unit
from tests.flows.test_bank_transfer import PayersBank
from tests.portal.admin.people import make_staff

Work = Callable[[], int]
THEIRS, OTHER = "DE12500105170648489890", "GB33BUKB20201555555555"
LONG_AGO = timedelta(days=-10)


@pytest.fixture
def bank(app: Flask, live_server: str, work: Work) -> PayersBank:
    return PayersBank(app, work)


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A shop with EUR 98.50 available."""
    made = make_shop(app, business="Harbour Kiosk", currency="EUR", country="DE")
    sells(made, "100.00")
    return made


def sells(shop: Shop, amount: str) -> None:
    link = make_link(shop, amount=amount, currency="EUR")
    with shifted(LONG_AGO):
        make_paid(shop, link)
    release_all(shop.app)


def enter_account(owner: Browser, **fields: str) -> Page:
    form = owner.get("/portal/payouts/account?currency=EUR").form("/portal/payouts/account")
    return owner.submit(form, status=None, **{"holder": "Harbour Kiosk GmbH", "iban": "de12 5001 0517 0648 4898 90", **fields})


def ask_for_it(owner: Browser) -> Page:
    form = owner.get("/portal/payouts/new?currency=EUR").form("/portal/payouts/new")
    page = owner.submit(form)
    assert owner.submit(form).address == page.address, "the same form sent again is the same payout"
    return page


def letters(shop: Shop, kind: str) -> list[Message]:
    with unit(shop.app):
        return list(db.session.scalars(db.select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


def test_from_the_account_to_the_statement_and_back(shop: Shop, bank: PayersBank, work: Work) -> None:
    owner = shop.browser()
    first = owner.get("/portal/payouts")
    assert "No bank account yet" in first.text and "€98.50" in first.text
    page = enter_account(owner)
    assert "the account that ends in 9890" in page.text and page.address == "/portal/payouts"
    work()
    (letter,) = letters(shop, "payout_account")
    assert letter.state == "kept" and "account ending in 9890" in (letter.text or "")

    sheet = owner.get("/portal/payouts/new?currency=EUR")
    assert "Leaves your balance €98.50" in sheet.text
    page = ask_for_it(owner)
    number = page.address.rsplit("/", 1)[1]
    assert "It adds up: €0.00 carried over and lines of €98.50 make €98.50 paid out and €0.00 carried on" in page.text
    assert "Payment" in page.text and "€100.00" in page.text and "-€1.50" in page.text.replace("−", "-")
    table = owner.get(f"/portal/payouts/{number}.csv", follow=False).html
    assert "carried over" in table and re.search(r"release,pay_\w+,[A-Z0-9-]+,EUR,100.00,-1.50,0.00,98.50", table), table
    assert "€98.50" in owner.get("/portal/balance/to-your-bank?currency=EUR").text

    work()
    bank.day_ends()
    page = owner.get(page.address)
    assert [text for text in ("Paid", "On its way") if text in page.text] == ["Paid", "On its way"]
    (letter,) = letters(shop, "payout_paid")
    assert letter.state == "kept" and "€98.50 has left for" in (letter.text or "")
    assert "A payout has left for your bank" in owner.get("/portal/notices").text
    with unit(shop.app):
        assert find_breaks(shop.vendor.id, "test") == []


def test_a_changed_account_waits_and_says_so(shop: Shop) -> None:
    owner = shop.browser()
    enter_account(owner)
    page = enter_account(owner, iban=OTHER)
    assert "nothing is paid there before" in page.text and "Pay out €98.50" not in page.text
    page = owner.get("/portal/payouts/new?currency=EUR")
    assert "Pay out €98.50 now" not in page.text
    refused = owner.post("/portal/payouts/new?currency=EUR", {"form_token": "f" * 32}, status=None)
    assert refused.status in (400, 422)


def test_bad_input_is_told_at_its_field_and_nothing_is_lost(shop: Shop) -> None:
    owner = shop.browser()
    page = enter_account(owner, iban="DE00 5001 0517 0648 4898 90")
    assert page.status == 422 and any("not an IBAN" in error for error in page.errors)
    assert 'value="DE00 5001 0517 0648 4898 90"' in page.html and 'value="Harbour Kiosk GmbH"' in page.html
    form = owner.get("/portal/payouts/schedule?currency=EUR").form("/portal/payouts/schedule")
    page = owner.submit(form, status=422, schedule="monthly", day="32", minimum="0.50")
    assert page.errors
    page = owner.submit(form, schedule="weekly", weekday="5", minimum="20")
    assert "at least €20.00" in page.text
    for path in ("new", "schedule", "account"):
        assert owner.get(f"/portal/payouts/{path}?currency=XYZ", status=404)
    assert owner.get("/portal/payouts/po_nothing", status=404) and owner.get("/portal/payouts?after=%00", status=404)


def test_nobody_else_sees_or_moves_it(shop: Shop, app: Flask) -> None:
    owner = shop.browser()
    enter_account(owner)
    number = ask_for_it(owner).address.rsplit("/", 1)[1]
    stranger = make_shop(app, business="Somebody else", currency="EUR", country="DE").browser()
    assert stranger.get(f"/portal/payouts/{number}", status=404) and stranger.get(f"/portal/payouts/{number}.csv", status=404)
    manager = make_colleague(shop, "manager").browser()
    assert manager.get("/portal/payouts/account?currency=EUR", status=403)
    assert make_colleague(shop, "viewer").browser().get("/portal/payouts", status=403)


def test_one_above_the_limit_is_let_go_by_the_staff(shop: Shop, app: Flask, bank: PayersBank, work: Work) -> None:
    sells(shop, "5000.00")
    owner = shop.browser()
    enter_account(owner)
    page = ask_for_it(owner)
    number = page.address.rsplit("/", 1)[1]
    assert "a person of the platform looks at it first" in page.text
    finance = make_staff(app, "finance").browser()
    assert number in finance.get("/staff/payouts").html
    shown = finance.get(f"/staff/payouts/{number}")
    assert THEIRS in shown.text and "€5,023.50" in shown.text
    assert finance.submit(shown.form(f"/staff/payouts/{number}/cancellation"), status=422, reason="").errors
    assert make_staff(app, "reviewer").browser().get("/staff/payouts", status=403)
    done = finance.submit(shown.form(f"/staff/payouts/{number}/approval"))
    assert "the order for the bank is written" in done.text
    work()  # until the bank has been told, it could be called off
    again = finance.submit(shown.form(f"/staff/payouts/{number}/cancellation"), status=None, reason="too late")
    assert again.status == 409
    bank.day_ends()
    assert "Paid" in owner.get(page.address).text


def test_the_seller_reads_why_a_payout_was_called_off(shop: Shop, app: Flask) -> None:
    sells(shop, "5000.00")
    owner = shop.browser()
    enter_account(owner)
    page = ask_for_it(owner)
    number = page.address.rsplit("/", 1)[1]
    finance = make_staff(app, "finance").browser()
    form = finance.get(f"/staff/payouts/{number}").form(f"/staff/payouts/{number}/cancellation")
    finance.submit(form, reason="The name is not the one in your papers.")
    assert "The name is not the one in your papers." in owner.get(page.address).text


def test_nobody_is_offered_a_letter_that_cannot_be_chosen(shop: Shop) -> None:
    """Of a new bank account every owner hears, and the portal says so: a box for it would do nothing."""
    page = shop.browser().get("/portal/settings/notifications")
    assert 'name="shown_payout_failed"' in page.html and 'name="mailed_payout_failed"' in page.html
    assert 'name="shown_payout_account"' not in page.html and 'name="mailed_payout_account"' not in page.html


def test_a_currency_that_is_none_is_refused_at_its_field(shop: Shop) -> None:
    owner = shop.browser()
    form = owner.get("/portal/payouts/account?currency=EUR").form("/portal/payouts/account")
    for bad in ("a\x00b", "XXX", ""):
        assert owner.submit(form, status=422, currency=bad, holder="Kiosk", iban="").heading


def test_whoever_changes_the_account_reads_from_when_on_it_counts(shop: Shop) -> None:
    owner = shop.browser()
    first = enter_account(owner)
    assert "Saved. Payouts go to the account that ends in 9890." in first.text
    changed = enter_account(owner, iban="DE89370400440532013000")
    assert re.search(r"Saved\. From \d{1,2} \w+ \d{4}, \d\d:\d\d on payouts go to the account that ends in 3000\.", changed.text)
