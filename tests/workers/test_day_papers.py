"""The paper of a closed day goes by e-mail to whoever of the staff asked for it: once, however often it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.accounts.staff import remove_staff
from core.accounts.staff_models import StaffMember
from core.accounts.staff_papers import readers_of_day_papers, want_day_papers
from core.kernel.db import db, unit_of_work
from core.ledger import hindrances
from core.notifications.models import Message
from tests.core.ledger.conftest import Book
from tests.core.ledger.days import booked, close, next_day, on
from tests.core.payments.conftest import at_once
from tests.portal.admin.people import Colleague, make_staff
from workers.days import print_day
from workers.house_letters import day_paper_enclosed
from workers.messages import send_message

__all__ = ["at_once"]


@pytest.fixture(autouse=True)
def in_the_app(unit: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms are called directly; what other tests have left unexplained hinders no day."""
    monkeypatch.setattr(hindrances, "_sources", [])


@pytest.fixture
def reader(app: Flask) -> Iterator[Colleague]:
    made = make_staff(app, "finance", device=False)
    wants(made, True)
    yield made
    wants(made, False)


def wants(person: Colleague, wanted: bool) -> None:
    with unit_of_work():
        want_day_papers(db.session.get_one(StaffMember, person.member.user_id), wanted)


def closed() -> date:
    day = next_day()
    booked(Book(), on(day))
    close(day)
    return day


def letters(day: date, person: Colleague) -> list[Message]:
    with unit_of_work():
        mine = select(Message).where(Message.vendor_id == HOUSE, Message.kind == "day_paper", Message.about == day.isoformat())
        return list(db.session.scalars(mine.where(Message.recipient == person.email)))


def printed(day: date) -> None:
    print_day(HOUSE, mode="test", day=day.isoformat())


def test_whoever_asked_for_it_gets_the_paper_with_the_ends_of_the_chains(reader: Colleague) -> None:
    day = closed()
    printed(day)
    (letter,) = letters(day, reader)
    send_message(HOUSE, mode="test", message=str(letter.id))
    (letter,) = letters(day, reader)
    db.session.refresh(letter)
    assert letter.state == "kept" and f"/staff/days/test/{day.isoformat()}" in (letter.text or "")
    with unit_of_work():
        (paper,) = day_paper_enclosed(house(), letter)
    assert paper.data.startswith(b"%PDF") and paper.name == f"day-test-{day.isoformat()}.pdf"


def test_printed_again_and_by_two_workers_at_once_it_is_sent_once(reader: Colleague, at_once: Callable[..., list[object]]) -> None:
    day = closed()
    answers = at_once(*(lambda: print_day(HOUSE, mode="test", day=day.isoformat()) for _ in range(3)))
    assert not [one for one in answers if isinstance(one, Exception)], answers
    printed(day)
    assert len(letters(day, reader)) == 1


def test_who_did_not_ask_or_has_left_gets_nothing(app: Flask, reader: Colleague) -> None:
    other, gone = make_staff(app, "finance", device=False), make_staff(app, "finance", device=False)
    looks_only = make_staff(app, "reviewer", device=False)  # may not see days
    wants(gone, True)
    wants(looks_only, True)
    day = closed()
    with unit_of_work():
        remove_staff(gone.email)
        assert reader.email in [person.email for person in readers_of_day_papers()]
    printed(day)
    assert (len(letters(day, reader)), letters(day, other), letters(day, gone), letters(day, looks_only)) == (1, [], [], [])


def test_who_does_not_want_it_any_more_is_not_written_to_after_all(reader: Colleague) -> None:
    day = closed()
    printed(day)
    wants(reader, False)
    (letter,) = letters(day, reader)
    send_message(HOUSE, mode="test", message=str(letter.id))
    with unit_of_work():
        row = db.session.get_one(Message, (HOUSE, "test", letter.id), populate_existing=True)
        assert row.state == "overtaken" and "not sent the papers" in (row.last_error or "")


def test_it_is_asked_for_on_the_page_of_days(app: Flask) -> None:
    person = make_staff(app, "finance")
    desk = person.browser()
    page = desk.submit(desk.get("/staff/days?mode=test").form("/staff/days/papers"))
    assert "You are sent the paper of each day" in page.text and "as soon as it is printed" in page.text
    assert person.email in [one.email for one in readers_of_day_papers()]
    page = desk.submit(page.form("/staff/days/papers"))
    assert "You are not sent papers any more" in page.text
    db.session.rollback()
    assert person.email not in [one.email for one in readers_of_day_papers()]
    assert make_staff(app, "reviewer").browser().get("/staff/days", status=403)
