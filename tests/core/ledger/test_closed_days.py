"""A day that is closed takes no journal any more: what is late takes effect later, and what is written past our functions is refused."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, IntegrityConstraintViolation

from core.kernel.db import db, unit_of_work
from core.kernel.ids import uuid7
from core.ledger.models import Journal
from tests.core.ledger.conftest import CLEARING, PENDING, Book, Connect
from tests.core.ledger.days import ONE, booked, close, counted, next_day, on, shut, undisturbed, work

RAW = """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
         VALUES (%s, %s, %s, %s, 'attack', 2, 'd', 'pay_x', %s, now())"""


def kept(book: Book, number: Any) -> Journal:
    with unit_of_work():
        return db.session.get_one(Journal, (book.vendor, book.mode, number))


def write_past_us(connection: psycopg.Connection[Any], book: Book, at: object) -> None:
    journal = uuid7()
    connection.execute(RAW, (book.vendor, book.mode, journal, f"raw:{journal}", at))
    book.leg(connection, journal, 1, 100, CLEARING)
    book.leg(connection, journal, 2, -100, PENDING)
    connection.commit()


def test_what_comes_too_late_takes_effect_on_the_first_open_day_and_says_when_it_happened(unit: None, book: Book) -> None:
    day = next_day()
    before = booked(book, on(day))
    close(day)
    late, in_time = booked(book, on(day)), booked(book, on(day + ONE, 7))
    assert (kept(book, before.id).effective_at, kept(book, before.id).original_effective_at) == (on(day), None)
    assert (kept(book, late.id).effective_at, kept(book, late.id).original_effective_at) == (on(day + ONE, 0), on(day))
    assert (kept(book, in_time.id).effective_at, kept(book, in_time.id).original_effective_at) == (on(day + ONE, 7), None)


@pytest.mark.parametrize("replica", [False, True], ids=["plain", "in a replica session"])
def test_a_journal_written_past_our_functions_is_refused(unit: None, connect: Connect, book: Book, replica: bool) -> None:
    day = next_day()
    close(day)
    owner = connect("owner")
    if replica:
        owner.execute("SET session_replication_role = replica")
    for at in (on(day, 0), on(day), on(day, 23), on(day - 300 * ONE)):
        with pytest.raises(IntegrityConstraintViolation, match="that day is closed"):
            write_past_us(owner, book, at)
        owner.rollback()
        owner.execute("SET session_replication_role = " + ("replica" if replica else "origin"))
    write_past_us(owner, book, on(day + ONE, 0))


def test_the_other_mode_stays_open(unit: None, connect: Connect) -> None:
    day, live = next_day(), Book("live")
    close(day)
    if next_day("live") <= day:
        write_past_us(connect("owner"), live, on(day))


def test_a_snapshot_from_before_does_not_help(unit: None, connect: Connect, book: Book) -> None:
    day = next_day()
    owner = connect("owner")
    owner.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    owner.execute("SELECT 1 FROM ledger_days")
    close(day)
    with pytest.raises(IntegrityConstraintViolation, match="reads what is committed"):
        write_past_us(owner, book, on(day))


def test_the_journal_of_a_transaction_that_was_under_way_is_on_the_days_paper(unit: None, connect: Connect, book: Book) -> None:
    """It had looked before the day was shut: the close waits for it, and nobody else waits."""
    day = next_day()
    undisturbed()
    slow = connect("owner")
    journal = uuid7()
    slow.execute(RAW, (book.vendor, book.mode, journal, f"raw:{journal}", on(day)))
    book.leg(slow, journal, 1, 100, CLEARING)
    book.leg(slow, journal, 2, -100, PENDING)
    shut(day)
    quick = booked(book, on(day))
    assert kept(book, quick.id).original_effective_at == on(day), "who comes after the mark is moved on, without waiting"
    with pytest.raises(AssertionError, match="a transaction stays open"):
        work(day, patience=1)
    slow.commit()
    row = work(day)
    assert row.state == "closed" and row.facts is not None and (row.facts["journals"], row.facts["books"]) == counted(day) != (0, 0)


def test_an_original_instant_that_is_not_earlier_is_refused(unit: None, connect: Connect, book: Book) -> None:
    owner = connect("owner")
    statement = RAW.replace("recorded_at)", "recorded_at, original_effective_at)").replace("now())", "now(), %s)")
    journal = uuid7()
    with pytest.raises(CheckViolation):
        owner.execute(statement, (book.vendor, book.mode, journal, f"raw:{journal}", on(next_day()), on(next_day())))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_days SET state = 'hindered' WHERE mode = 'test' AND day = %(day)s",
        "UPDATE ledger_days SET facts = '{}' WHERE mode = 'test' AND day = %(day)s",
        "DELETE FROM ledger_days WHERE mode = 'test' AND day = %(day)s",
        "TRUNCATE ledger_days",
        "UPDATE chain_links SET seq = seq + 1",
        "DELETE FROM chain_links",
        "UPDATE chain_anchors SET seq = seq + 1",
        "DELETE FROM chain_anchors",
        "TRUNCATE day_papers",
    ],
)
@pytest.mark.parametrize("role", ["owner", "app"])
def test_a_closed_day_and_what_it_anchored_cannot_be_changed(unit: None, connect: Connect, book: Book, role: str, statement: str) -> None:
    day = next_day()
    booked(book, on(day))
    close(day)
    session = connect(role)
    if role == "owner":
        session.execute("SET session_replication_role = replica")
    with pytest.raises((IntegrityConstraintViolation, InsufficientPrivilege)):
        session.execute(statement, {"day": day})
