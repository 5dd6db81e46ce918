"""A wrong journal of the staff's is taken back by another one: whole, once, by two people above the limit, and no closed day is touched."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.kernel.audit import AuditEntry
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.errors import NeedsASecondPerson, Refusal
from core.kernel.ids import uuid7
from core.kernel.money import Money
from core.ledger import book, reverse
from core.ledger.explore import find_reversal, get_booking
from core.ledger.models import Journal
from core.ledger.post import Leg, post
from core.ledger.queries import find_breaks
from core.ledger.reversal_models import Reversal
from core.ledger.reverse import (
    NotReversible,
    ReversedAlready,
    approve_reversal,
    decline_reversal,
    needs_two,
    request_reversal,
)
from tests.core.ledger.conftest import Book
from tests.core.ledger.days import ONE, close, next_day, on
from tests.core.payments.conftest import at_once

__all__ = ["at_once"]
Legs = tuple[tuple[int, Money], ...]


@pytest.fixture(autouse=True)
def in_the_app(unit: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms are called directly; one person decides about up to a hundred pounds."""
    monkeypatch.setattr(reverse, "settings", lambda: replace(settings(), reconciliation_limits={"GBP": 10_000}))


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def corrected(owner: Book, minor: int = 500, *, legs: Legs | None = None, at: Any = None) -> Journal:
    """A correction that somebody of the staff decided on."""
    key = f"rex_{secrets.token_hex(6)}:1"
    legs = legs or ((book.CLEARING, gbp(minor)), (book.ROUNDING, gbp(-minor)))
    made = book.corrected(owner.vendor, owner.mode, key=key, about=key[:-2], source="sandbox", legs=legs, at=at or now())
    with unit_of_work():
        assert post([made]) == 1
        return db.session.get_one(Journal, (owner.vendor, owner.mode, made.id))


def ask(journal: Journal, by: str = "stf_one", reason: str = "The fee was the seller's.") -> Reversal:
    with unit_of_work():
        return request_reversal(journal, reason=reason, by=by)


def say(act: Callable[..., None], row: Reversal, by: str) -> None:
    with unit_of_work():
        act(db.session.get_one(Reversal, (row.vendor_id, row.mode, row.id)), by=by)


def stands(owner: Book, code: int) -> int:
    with unit_of_work():
        asked = text("SELECT coalesce(sum(amount_minor), 0) FROM balances WHERE vendor_id = :v AND mode = :m AND code = :c")
        return int(db.session.execute(asked, {"v": owner.vendor, "m": owner.mode, "c": code}).scalar_one())


def test_up_to_the_limit_it_is_taken_back_at_once_by_a_journal_that_names_it(book_: Book) -> None:
    journal = corrected(book_)
    row = ask(journal)
    assert (row.state, row.decided_by, row.amount, stands(book_, book.CLEARING)) == ("booked", "stf_one", gbp(500), 0)
    with unit_of_work():
        made = find_reversal(book_, journal)
        assert made is not None and (made.reverses, made.event_key, made.about) == (journal.id, f"rev:{journal.id}", journal.about)
        before, after = (get_booking(book_, "test", str(one)).legs for one in (journal.id, made.id))
        assert [(leg.code, leg.sub, leg.ref, -leg.amount) for leg in before] == [(leg.code, leg.sub, leg.ref, leg.amount) for leg in after]
        assert find_breaks(book_.vendor, "test") == []


def test_above_it_a_second_person_has_to_say_so_too(book_: Book) -> None:
    journal = corrected(book_, 10_001)
    row = ask(journal)
    assert row.state == "requested" and stands(book_, book.CLEARING) == 10_001
    assert ask(journal).public_id == row.public_id, "the same person asking again is one wish"
    with pytest.raises(ReversedAlready):
        ask(journal, by="stf_two")
    with pytest.raises(NeedsASecondPerson):
        say(approve_reversal, row, "stf_one")
    for _ in range(2):
        say(approve_reversal, row, "stf_two")
    assert stands(book_, book.CLEARING) == 0


def test_a_currency_without_a_limit_needs_two_and_so_does_the_largest_of_several(book_: Book) -> None:
    yen = corrected(book_, legs=((book.CLEARING, Money(5, "JPY")), (book.ROUNDING, Money(-5, "JPY"))))
    both = corrected(
        book_, legs=((book.CLEARING, gbp(5)), (book.ROUNDING, gbp(-5)), (book.CLEARING, Money(5, "USD")), (book.ROUNDING, Money(-5, "USD")))
    )
    with unit_of_work():
        assert needs_two(yen) and needs_two(both) and not needs_two(corrected(book_, 10_000))


def test_what_was_declined_stays_and_may_be_asked_for_again(book_: Book) -> None:
    journal = corrected(book_, 20_000)
    row = ask(journal)
    say(decline_reversal, row, "stf_two")
    say(approve_reversal, row, "stf_two")
    assert stands(book_, book.CLEARING) == 20_000, "what was declined is not booked afterwards"
    again = ask(journal, by="stf_three")
    assert again.public_id != row.public_id
    say(approve_reversal, again, "stf_one")
    assert stands(book_, book.CLEARING) == 0


def test_nothing_is_taken_back_twice_but_a_reversal_that_was_wrong_is_itself_taken_back(book_: Book) -> None:
    journal = corrected(book_)
    ask(journal)
    with pytest.raises(ReversedAlready):
        ask(journal, by="stf_two")
    with unit_of_work():
        made = find_reversal(book_, journal)
    assert made is not None
    ask(made, by="stf_two")
    assert stands(book_, book.CLEARING) == 500
    with pytest.raises(ReversedAlready):
        ask(journal, by="stf_two")


@pytest.mark.parametrize("_round", range(3))
def test_three_people_at_the_same_moment_take_it_back_once(book_: Book, at_once: Callable[..., list[Any]], _round: int) -> None:
    journal = corrected(book_)
    answers = at_once(*(lambda by=by: request_reversal(journal, reason="x", by=by) for by in ("stf_one", "stf_two", "stf_three")))
    assert sorted(type(one).__name__ for one in answers) == ["Reversal", "ReversedAlready", "ReversedAlready"]
    assert stands(book_, book.CLEARING) == 0


def test_approved_and_declined_at_the_same_moment_it_is_one_of_both(book_: Book, at_once: Callable[..., list[Any]]) -> None:
    row = ask(corrected(book_, 20_000))

    def decides(act: Callable[..., None]) -> None:
        act(db.session.get_one(Reversal, (row.vendor_id, row.mode, row.id)), by="stf_two")

    at_once(lambda: decides(approve_reversal), lambda: decides(decline_reversal), lambda: decides(approve_reversal))
    with unit_of_work():
        state = db.session.get_one(Reversal, (row.vendor_id, row.mode, row.id), populate_existing=True).state
    assert (state, stands(book_, book.CLEARING)) in (("booked", 0), ("declined", 20_000))


def test_only_what_people_decided_is_taken_back_by_people(book_: Book) -> None:
    happened = book_.journal((book.CLEARING, 500), (book.SELLER_PENDING, -500), key="cap:sandbox:ch_1:1")
    dressed = replace(happened, event_key="cap:sandbox:ch_2:1", kind=book.RECONCILED, id=uuid7())
    bank = book.corrected(
        book_.vendor, "test", key="rex_b:1", about="rex_b", source="", legs=((book.BANK, gbp(5)), (book.BANK_CHARGES, gbp(-5))), at=now()
    )
    with unit_of_work():
        assert post([happened, dressed, bank]) == 3
    for made in (happened, dressed, bank):
        with pytest.raises(NotReversible), unit_of_work():
            request_reversal(db.session.get_one(Journal, (book_.vendor, "test", made.id)), reason="x", by="stf_one")


def test_what_had_been_put_aside_and_was_used_since_is_not_taken_away(book_: Book) -> None:
    journal = corrected(book_, legs=((book.CLEARING, gbp(500)), (book.UNAPPLIED, gbp(-500))))
    corrected(book_, legs=((book.CLEARING, gbp(900)), (book.UNAPPLIED, gbp(-900))))  # so that the account as a whole would hold it
    number = journal.about
    with unit_of_work():
        legs = Leg(book.UNAPPLIED, gbp(500), ref=number), Leg(book.REFUND_IN_FLIGHT, gbp(-500), ref="ref_x")
        post([replace(book_.journal((1010, 1), (2010, -1)), legs=legs)])
    with pytest.raises(NotReversible, match="used since"):
        ask(journal)


def test_a_reason_is_asked_for(book_: Book) -> None:
    with pytest.raises(Refusal) as refused:
        ask(corrected(book_), reason="  \n ")
    assert refused.value.field == "reason"


def test_a_closed_day_stays_as_it_is(app: Flask, book_: Book) -> None:
    day = next_day()
    journal = corrected(book_, at=on(day))
    before = close(day).facts
    ask(journal)
    with unit_of_work():
        made = find_reversal(book_, journal)
        assert made is not None and made.effective_at.date() == now().date()
        kept = db.session.execute(text("SELECT facts FROM ledger_days WHERE mode = 'test' AND day = :day"), {"day": day}).scalar_one()
    assert kept == before and day + ONE < now().date()


def test_the_audit_log_says_who_and_why(book_: Book) -> None:
    row = ask(corrected(book_, 20_000))
    say(approve_reversal, row, "stf_two")
    with unit_of_work():
        lines = list(db.session.scalars(select(AuditEntry).where(AuditEntry.vendor_id == book_.vendor).order_by(AuditEntry.id)))
    assert [(line.action, line.actor) for line in lines] == [("journal.reversal_asked", "stf_one"), ("journal.reversed", "stf_two")]
    assert lines[1].detail["reason"] == "The fee was the seller's." and lines[1].detail["asked_by"] == "stf_one"


@pytest.fixture
def book_() -> Book:
    """Of nobody else's."""
    return Book()
