"""The staff take a journal back from its own page; above the limit it waits for somebody else, and the book shows both."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace

import pytest
from flask import Flask

from core.disputes.write_off import request_write_off
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.models import Journal
from core.ledger.post import post
from core.payments.repaid import pay_back
from core.payments.unknown import get_line
from tests.browser import Browser
from tests.core.payments.transfers import TestBank, books, transfer
from tests.factories import Shop, unit
from tests.portal.admin.people import look_into, make_staff
from tests.portal.admin.test_bank_money import owing


def corrected(shop: Shop, minor: int) -> Journal:
    key, legs = f"rex_{secrets.token_hex(6)}:1", ((book.CLEARING, Money(minor, "GBP")), (book.ROUNDING, Money(-minor, "GBP")))
    made = book.corrected(shop.vendor.id, "test", key=key, about=key[:-2], source="sandbox", legs=legs, at=now())
    with unit(shop.app):
        post([made])
        return db.session.get_one(Journal, (shop.vendor.id, "test", made.id))


def address(shop: Shop, journal: Journal, rest: str = "") -> str:
    return f"/staff/books/{shop.vendor.public_id}/test/journals/{journal.id}{rest}"


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def test_it_is_asked_for_with_a_reason_and_a_second_person_lets_it_be_booked(app: Flask, shop: Shop, desk: Browser) -> None:
    journal = corrected(shop, 98_765_432)
    page = look_into(desk, address(shop, journal))
    page = desk.get(next(link for link in page.links() if link.endswith("/reversal")))
    assert "somebody else has to agree" in page.text and "same legs the other way round" in page.text
    empty = desk.submit(page.form(address(shop, journal, "/reversal")), reason=" ", status=422)
    assert "Say what is wrong with it" in empty.text
    done = desk.submit(empty.form(address(shop, journal, "/reversal")), reason="It was booked for the wrong seller")
    assert "a second person has to say so too" in done.text
    assert "Somebody has asked for that" in desk.get(address(shop, journal, "/reversal")).text
    mine = desk.get("/staff/reversals")
    assert "It was booked for the wrong seller" in mine.text and journal.event_key in mine.text
    approvals = [form.attrs["action"] for form in mine.all("form") if form.attrs.get("action", "").endswith("/approval")]
    second = make_staff(app, "finance").browser()
    theirs = second.get("/staff/reversals")
    path = next(
        f.attrs["action"]
        for f in theirs.all("form")
        if f.attrs.get("action", "").endswith("/approval") and f.attrs["action"] not in approvals
    )
    booked = second.submit(theirs.form(path))
    assert "the journal that does so stands in the book" in booked.text
    shown = look_into(second, address(shop, journal))
    assert "Taken back by" in shown.text and not [link for link in shown.links() if link.endswith("/reversal")]
    back = second.get(next(link for link in shown.links() if "/journals/" in link and str(journal.id) not in link and "?" not in link))
    assert "Takes back" in back.text and "Reversed" in back.heading


def test_who_asked_for_it_cannot_let_it_be_booked_by_hand_either(shop: Shop, desk: Browser) -> None:
    journal = corrected(shop, 98_765_432)
    look_into(desk, address(shop, journal))
    desk.submit(desk.get(address(shop, journal, "/reversal")).form(address(shop, journal, "/reversal")), reason="Twice")
    page = desk.get("/staff/reversals")
    refusal = next(f.attrs["action"] for f in page.all("form") if f.attrs.get("action", "").endswith("/refusal"))
    answer = desk.post(refusal.replace("/refusal", "/approval"), {"csrf_token": page.form(refusal).values["csrf_token"]}, status=None)
    assert answer.status in (409, 422) and "Somebody else has to let a reversal be booked" in answer.text


def test_what_happened_by_itself_is_not_offered(app: Flask, shop: Shop, desk: Browser) -> None:
    legs = ((book.CLEARING, Money(500, "GBP")), (book.SELLER_PENDING, Money(-500, "GBP")))
    made = book.corrected(shop.vendor.id, "test", key="x:1", about="pay_x", source="sandbox", legs=legs, at=now())
    with unit(app):
        post([replace(made, event_key=f"cap:sandbox:{secrets.token_hex(6)}:1", kind="capture")])
        journal = db.session.get_one(Journal, (shop.vendor.id, "test", made.id))
    page = look_into(desk, address(shop, journal))
    assert not [link for link in page.links() if link.endswith("/reversal")]
    assert "it follows from something that happened" in desk.get(address(shop, journal, "/reversal")).text
    assert make_staff(app, "reviewer").browser().get(address(shop, journal, "/reversal"), status=403)


def test_a_write_off_that_is_paid_at_this_moment_is_not_taken_back_as_well(app: Flask, shop: Shop, desk: Browser) -> None:
    """Whoever is second sees what the first has done: the debt does not stand anew beside the money that paid it."""
    bank, name = TestBank(shop), f"Somebody {secrets.token_hex(4)}"
    owing(shop)
    with unit(app):
        row = request_write_off(
            shop.vendor, "test", amount=Money(2500, "USD"), reason="Gone", by="stf_one", form_token=secrets.token_hex(8)
        )
    assert row.state == "booked"
    with unit(app):
        journal = db.session.query(Journal).filter_by(vendor_id=shop.vendor.id, kind=book.WRITE_OFF).one()
    bank.tell(transfer(2500, name=name))
    line, paid = bank.line(name=name).public_id, threading.Event()

    def pays() -> None:
        with unit(app):
            pay_back(get_line("test", line), shop.vendor, by="stf_one", reason="They wrote to us")
            paid.set()
            time.sleep(2)  # not kept yet, while the other one asks

    look_into(desk, address(shop, journal))
    form = desk.get(address(shop, journal, "/reversal")).form(address(shop, journal, "/reversal"))
    payer = threading.Thread(target=pays)
    payer.start()
    assert paid.wait(30)
    told = desk.submit(form, reason="They have written", status=None).text
    payer.join(60)
    assert "come back since" in told
    assert "seller_receivable" not in books(shop) and books(shop)["recoveries"] == 2500
