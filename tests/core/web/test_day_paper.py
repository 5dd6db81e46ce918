"""The paper of a closed day: it says what the day came to, is kept once, and printed again it is the same, byte for byte."""

from __future__ import annotations

import io
from datetime import date, timedelta
from hashlib import sha256

import pytest
from flask import Flask
from pypdf import PdfReader

from core.kernel.db import db, unit_of_work
from core.ledger.book import PLATFORM
from core.ledger.day_models import LedgerDay
from core.web.day_paper import day_html
from core.web.pdf import render_pdf
from tests.core.ledger.conftest import Book
from tests.core.ledger.days import booked, close, next_day, on
from tests.factories import Shop, make_shop
from workers.days import print_day, written


class OfShop(Book):
    """The book of a shop, so that its paper can name it."""

    def __init__(self, shop: Shop) -> None:
        super().__init__("test")
        self.vendor = self.id = shop.vendor.id


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def closed(shop: Shop, unit: None) -> LedgerDay:
    day: date = next_day()
    for minor, currency in ((1234, "GBP"), (99, "JPY")):
        booked(OfShop(shop), on(day), minor, currency)
    return close(day)


def words(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def test_it_says_what_the_day_came_to_who_signed_and_where_the_chains_ended(closed: LedgerDay, shop: Shop) -> None:
    paper = print_day(PLATFORM, mode="test", day=closed.day.isoformat())
    told, facts = words(paper.pdf), closed.facts
    assert facts is not None
    assert ("Day close" in told and f"{closed.day.day} January 2001" in told) or str(closed.day.year) in told
    pounds = next(total for total in facts["totals"] if total["currency"] == "GBP")
    for part in (
        f"£{pounds['debit'] // 100:,}.{pounds['debit'] % 100:02}",
        "JPY",
        "one@example.com: Looked at all of it",
        "No break was open",
        "It adds up",
        shop.vendor.public_id,
        "TEST MODE",
    ):
        assert part in told, part
    assert facts["heads_sum"][:32] in told.replace(" ", "") and facts["heads_sum"][32:] in told.replace(" ", "")
    assert str(shop.vendor.id) not in told, "no database id leaves the house"


def test_it_is_kept_once_and_printed_again_it_is_the_same(closed: LedgerDay) -> None:
    day = closed.day.isoformat()
    first = print_day(PLATFORM, mode="test", day=day)
    again = print_day(PLATFORM, mode="test", day=day)
    assert (first.made_at, first.sha256) == (again.made_at, again.sha256) == (first.made_at, sha256(first.pdf).hexdigest())
    booked(Book(), on(closed.day + timedelta(days=1)))
    with unit_of_work():
        html = written("test", closed.day)
        db.session.expire_all()
        assert html == written("test", closed.day)
    assert sha256(render_pdf(html, seconds=45).data).hexdigest() == first.sha256


def test_an_accepted_break_and_the_second_person_stand_on_it(closed: LedgerDay) -> None:
    facts = dict(closed.facts or {})
    facts |= {
        "signed_by": "stf_two",
        "late": 2,
        "accepted": [{"key": "rec_1", "sentence": "The bank has 4.00 more", "minor": 400, "currency": "GBP"}],
    }
    html = day_html(LedgerDay(mode="live", day=closed.day, facts=facts), {})
    assert "stf_two" in html and "The bank has 4.00 more" in html and "£4.00" in html and "2 of them belong to earlier days" in html
    assert "TEST MODE" not in html


def test_the_paper_of_a_day_that_wrote_down_no_names_stays_as_it_was_printed(closed: LedgerDay) -> None:
    facts = {name: value for name, value in (closed.facts or {}).items() if name != "people"}
    assert "By stf_one: Looked at all of it" in day_html(LedgerDay(mode="live", day=closed.day, facts=facts), {})
