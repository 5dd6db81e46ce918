"""Staff look into a book: both sides come to the same, every figure opens its journals, every journal its legs; and nothing can be changed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.explore import house_trial_balances, list_bookings, trial_balances
from core.ledger.models import Journal, Proof
from core.ledger.proof import THE_HOUSE, record_proof
from tests.browser import Browser, Page
from tests.core.payments.transfers import TestBank, transfer
from tests.factories import Shop, ask_refund, make_link, make_paid, make_shop, tell_refund, unit
from tests.portal.admin.people import look_into, make_staff


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop with money in two currencies and a refund."""
    tell_refund(shop, ask_refund(shop, make_paid(shop), "5.00"), "succeeded")
    make_paid(shop, make_link(shop, amount="700", currency="JPY"))
    return shop


def book(shop: Shop, rest: str = "") -> str:
    return f"/staff/books/{shop.vendor.public_id}/test{rest}"


def pennies(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0) * (-1 if "−" in text else 1)


def sides(page: Page) -> list[tuple[str, int, int]]:
    """Rows of the tables on a page: account, debit, credit."""
    rows = [e for e in page.all("tr") if e.within("tbody")]
    cells = [[c.text for c in page.all("td") if row in c.parents] for row in rows]
    return [(cell[0], pennies(cell[-2]), pennies(cell[-1])) for cell in cells]


def test_both_sides_of_every_currency_come_to_the_same_and_to_what_postgresql_keeps(busy: Shop, desk: Browser) -> None:
    page = look_into(desk, book(busy))
    assert page.heading == f"Books of {busy.vendor.name}"
    found = sides(page)
    totals = [(debit, credit) for name, debit, credit in found if name.startswith("Together")]
    assert len(totals) == 2 and all(debit == credit > 0 for debit, credit in totals)
    with busy.app.app_context():
        kept = [one for balance in trial_balances(busy.vendor, "test") for one in balance.accounts]
        assert {balance.currency for balance in trial_balances(busy.vendor, "test")} == {"GBP", "JPY"}
    shown = [(debit, credit) for name, debit, credit in found if not name.startswith("Together")]
    assert shown == [(max(one.amount.minor, 0), max(-one.amount.minor, 0)) for one in kept]


def test_an_accounts_journals_add_up_to_what_stands_on_it(busy: Shop, desk: Browser) -> None:
    page = look_into(desk, book(busy))
    links = [e for e in page.all("a") if "code=" in e.attrs.get("href", "")]
    assert len(links) >= 6
    standing = [row for row in sides(page) if not row[0].startswith("Together")]
    for link, (_, debit, credit) in zip(links, standing, strict=True):
        code = re.search(r"code=(\d+)", link.attrs["href"])
        assert code
        legs = [row for row in sides(desk.get(link.attrs["href"])) if row[0].startswith(code[1])]
        assert sum(row[1] - row[2] for row in legs) == debit - credit, link.text


def test_every_journal_is_on_exactly_one_page_and_each_comes_to_zero(busy: Shop, desk: Browser) -> None:
    link = make_link(busy, kind="reusable", amount="1.00")
    for _ in range(26):
        make_paid(busy, link)
    look_into(desk, book(busy))
    seen: list[str] = []
    path: str | None = book(busy, "/journals")
    while path:
        page = desk.get(path)
        seen += [e.text for e in page.all("a", class_="code") if "/journals/" in e.attrs["href"]]
        path = next((e.attrs["href"] for e in page.all("a", rel="next")), None)
    with busy.app.app_context():
        mine = db.select(Journal.event_key).where(Journal.vendor_id == busy.vendor.id, Journal.mode == "test")
        keys = set(db.session.scalars(mine))
        for booking in list_bookings(busy.vendor, "test", limit=100).rows:
            assert sum(leg.amount.minor for leg in booking.legs) == 0 and len(booking.legs) == booking.journal.n_legs
    assert len(seen) == len(set(seen)) and set(seen) == keys


def test_a_journal_is_found_by_what_it_is_about_and_by_its_key(busy: Shop, desk: Browser) -> None:
    paid = make_paid(busy)
    look_into(desk, book(busy))
    page = desk.get(book(busy, f"/journals?about={paid.public_id}"))
    (key,) = [e.text for e in page.all("a", class_="code") if "/journals/" in e.attrs["href"]]
    journal = desk.get(book(busy, f"/journals?about={key}"))
    assert journal.heading == "Capture" and key in journal.text and paid.public_id in journal.text
    debit, credit = sum(r[1] for r in sides(journal)), sum(r[2] for r in sides(journal))
    assert debit == credit == paid.amount_minor
    assert "No journal fits" in desk.get(book(busy, "/journals?about=pay_none")).text


def test_a_vendors_book_opens_only_after_saying_why_and_only_to_its_own_journals(app: Flask, busy: Shop, desk: Browser) -> None:
    for rest in ("", "/journals", "/journals/x"):
        assert desk.get(book(busy, rest)).heading == f"Look into {busy.vendor.name}"
    other = make_shop(app)
    make_paid(other)
    with app.app_context():
        theirs = db.session.scalars(db.select(Journal.id).where(Journal.vendor_id == other.vendor.id)).first()
    look_into(desk, book(busy))
    desk.get(book(busy, f"/journals/{theirs}"), status=404)
    make_staff(app, "reviewer").browser().get(book(busy), status=403)


def test_the_platforms_own_book_shows_what_nobody_knows(app: Flask, shop: Shop, desk: Browser) -> None:
    bank = TestBank(shop)
    bank.tell(transfer(4711, name="Kim Fremd"))
    line = bank.line(amount_minor=4711)
    page = desk.get("/staff/books/platform/test")
    assert page.heading == "Books of The platform" and "unapplied receipts" in page.text
    assert all(debit == credit for name, debit, credit in sides(page) if name.startswith("Together"))
    assert "USD 47.11" in desk.get(f"/staff/books/platform/test/journals?about={line.public_id}").text


def test_every_account_is_checked_at_a_press_and_one_that_is_kept_wrong_is_named(busy: Shop, desk: Browser) -> None:
    page = look_into(desk, book(busy))
    assert "sum of its entries" not in page.text.replace("balances are the sums of their entries", "")
    accounts = len([row for row in sides(page) if not row[0].startswith("Together")])
    checked = desk.get(book(busy, "?checked=yes"))
    assert checked.text.count("is the sum of its entries") == accounts and "is not the sum" not in checked.text


def test_all_books_together_are_the_sum_over_every_book(busy: Shop, desk: Browser) -> None:
    make_paid(busy)
    found = sides(desk.get("/staff/books/together/test"))
    assert all(debit == credit > 0 for name, debit, credit in found if name.startswith("Together"))
    with busy.app.app_context():
        for balance in house_trial_balances("test"):
            rows = db.session.execute(
                text("SELECT code, sum(amount_minor) FROM entries WHERE mode = 'test' AND currency = :c GROUP BY code ORDER BY code"),
                {"c": balance.currency},
            )
            assert [(one.code, one.amount.minor) for one in balance.accounts] == [(code, int(total)) for code, total in rows]
    desk.get("/staff/books/together/x", status=404)


def test_any_number_leads_to_its_journals_whosever_book_it_is(busy: Shop, desk: Browser) -> None:
    paid = make_paid(busy)
    refund = ask_refund(busy, paid, "1.00")
    with unit(busy.app):
        record_proof(THE_HOUSE, "live", [], took=timedelta(0))  # the clock knows every book
        journal = db.session.scalars(db.select(Journal).where(Journal.about == paid.public_id).order_by(Journal.id)).first()
    assert journal
    look_into(desk, book(busy))
    for number, expected in (
        (paid.public_id, "Journals"),
        (refund.public_id, "Refund requested"),
        (journal.event_key, "Capture"),
        (str(journal.id), "Capture"),
    ):
        page = desk.get(f"/staff/books/find?q={number}")
        assert (page.heading == expected and journal.event_key.split(":")[2] in page.text) or paid.public_id in page.text, number
    assert "No book knows this number" in desk.get("/staff/books/find?q=pay_none").text
    assert "Write a number like" in desk.get("/staff/books/find?q=%C3%A9", status=422).text
    assert desk.get("/staff/books/find").heading == "Find in the books"


def test_a_broken_book_says_so(busy: Shop, desk: Browser) -> None:
    with unit(busy.app):
        db.session.merge(
            Proof(vendor_id=busy.vendor.id, mode="test", due_at=now() + timedelta(days=1), proven_at=now(), breaks=["a journal is not zero"], broken_since=now())
        )  # fmt: skip
    try:
        page = look_into(desk, book(busy))
        assert "found this book broken" in page.text and "a journal is not zero" in page.text
    finally:
        with unit(busy.app):
            db.session.delete(db.session.get_one(Proof, (busy.vendor.id, "test")))


@pytest.mark.parametrize(
    "rest",
    ["/journals/x", "/journals?after=x", "/journals?code=1&currency=GBP", "/journals?code=1010&currency=x", "/journals?code=1010&currency=GBP&sub=%00", "/journals?code=abcd"],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(busy: Shop, desk: Browser, rest: str) -> None:
    look_into(desk, book(busy))
    desk.get(book(busy, rest), status=404)


def test_there_is_nothing_to_press_in_a_book(busy: Shop, desk: Browser) -> None:
    look_into(desk, book(busy))
    for rest in ("", "/journals"):
        assert [e.attrs["action"] for e in desk.get(book(busy, rest)).all("form") if e.attrs.get("method") == "post"] == [
            "/staff/sign-out"
        ] * 2  # at a desk, and in the menu on a phone
