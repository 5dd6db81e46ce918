"""The staff close a day in the browser: what hinders it is said, the reason is asked for, a worker finishes it, and the paper is there."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from pypdf import PdfReader

from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.ledger import hindrances
from core.ledger.book import PLATFORM
from core.ledger.days import find_day
from core.ledger.hindrances import OpenBreak, reports_breaks
from tests.core.ledger.conftest import Book
from tests.core.ledger.days import LONGEST, ONE, booked, everybody_has_ended, next_day, on, shut, undisturbed
from tests.portal.admin.people import make_staff
from workers.days import close_day, print_day


@pytest.fixture
def day(app: Flask) -> date:
    with app.app_context():
        that = next_day()
        booked(Book(), on(that))
        undisturbed()
    return that


@pytest.fixture
def breaks() -> Iterator[list[OpenBreak]]:
    found: list[OpenBreak] = []
    source = reports_breaks(lambda mode, day: list(found))
    yield found
    hindrances._sources.remove(source)


def address(day: date, rest: str = "") -> str:
    return f"/staff/days/test/{day.isoformat()}{rest}"


def the_worker(app: Flask, day: date) -> None:
    """Outside of any request, as it is."""
    until = time.monotonic() + LONGEST
    with app.app_context():
        while True:  # somebody else's transaction may still go on
            everybody_has_ended()
            close_day(PLATFORM, mode="test", day=day.isoformat())
            with unit_of_work():
                row = find_day("test", day)
            if row is not None and row.state != "closing":
                break
            assert time.monotonic() < until, "nobody has shut the day, or its closing does not end"
        print_day(PLATFORM, mode="test", day=day.isoformat())


def test_a_day_is_closed_with_a_reason_and_its_paper_is_there(app: Flask, day: date) -> None:
    person = make_staff(app, "finance")
    desk = person.browser()
    assert "is over and waits to be closed" in desk.get("/staff/days?mode=test").text
    page = desk.get(address(day))
    assert "No sum is broken" in page.text and "No break is open" in page.text
    empty = desk.submit(page.form(address(day, "/close")), reason="", status=422)
    assert "Say what you looked at" in empty.text
    short = desk.submit(empty.form(address(day, "/close")), reason="ok", status=422)
    assert "in 8 to 500 characters" in short.text and short.form(address(day, "/close")).values["reason"] == "ok"
    (step,) = [e for e in page.all("details") if e.attrs.get("class") == "confirm"]
    assert step and "It cannot be opened again" in page.text, "it is asked once more"
    done = desk.submit(short.form(address(day, "/close")), reason="Statements compared")
    assert "The day is shut" in done.text and "being closed" in done.text
    desk.get(address(day, "/paper.pdf"), status=404)
    the_worker(app, day)
    page = desk.get(address(day))
    assert "Open the paper" in page.text and "Statements compared" in page.text
    for shown in (page, desk.get("/staff/days?mode=test")):
        assert person.email in shown.text and person.member.public_id not in shown.text
    pdf = desk.client.get(address(day, "/paper.pdf"))
    assert pdf.content_type == "application/pdf" and pdf.data.startswith(b"%PDF")
    said = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf.data)).pages)
    assert f"By {person.email}: Statements compared" in " ".join(said.split())
    assert address(day) in desk.get("/staff/days?mode=test").links()


def test_who_signed_and_has_no_name_is_shown_by_their_number(app: Flask, day: date) -> None:
    with app.app_context():
        shut(day)
    the_worker(app, day)
    desk = make_staff(app, "finance").browser()
    for shown in (desk.get(address(day)), desk.get("/staff/days?mode=test")):
        assert "stf_one" in shown.text


def test_open_breaks_are_accepted_one_by_one_and_a_large_one_by_two_people(app: Flask, day: date, breaks: list[OpenBreak]) -> None:
    breaks += [OpenBreak("rec_1", "The bank has 4.00 more", Money(400, "GBP")), OpenBreak("rec_2", "A large one", Money(500_000, "GBP"))]
    first, second = make_staff(app, "finance").browser(), make_staff(app, "finance").browser()
    page = first.get(address(day))
    assert "2 breaks are not explained" in page.text and "two people" in page.text
    refused = first.submit(page.form(address(day, "/close")), reason="Known since Monday", accept=["rec_1"], status=409)
    assert (
        "neither explained nor accepted: 1" in refused.text
        and refused.form(address(day, "/close")).values["reason"] == "Known since Monday"
    )
    done = first.submit(refused.form(address(day, "/close")), reason="Known since Monday", accept=["rec_1", "rec_2"])
    assert "somebody else has to sign too" in done.text and "waits for a second person" in done.text
    assert "Sign too" not in done.text, "not the one who asked"
    page = second.get(address(day))
    assert "A large one" in page.text
    assert "Signed by both" in second.submit(page.form(address(day, "/signature"))).text
    the_worker(app, day)
    page = second.get(address(day))
    assert "Second person" in page.text and "Open the paper" in page.text


def test_a_day_that_is_not_the_next_one_has_no_page(app: Flask, day: date) -> None:
    desk = make_staff(app, "finance").browser()
    for wrong in (
        address(day + ONE),
        "/staff/days/test/yesterday",
        "/staff/days/other/2001-01-01",
        "/staff/days?mode=x",
        "/staff/days?before=x",
    ):
        desk.get(wrong, status=404)


def test_a_reviewer_reads_no_days(app: Flask) -> None:
    make_staff(app, "reviewer").browser().get("/staff/days", status=403)
