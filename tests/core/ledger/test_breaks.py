"""The proof of the books finds whatever is wrong with them, even what only their owner could have done with the guards down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from core.kernel.db import unit_of_work
from core.kernel.ids import uuid7
from core.ledger.queries import GUARDS, find_breaks
from tests.core.ledger.conftest import AVAILABLE, CLEARING, FEE, PENDING, Book, Connect

Connection = psycopg.Connection[Any]
TABLES = ("journals", "entries", "balances", "chain_links")


def wrong(book: Book) -> list[str]:
    """What the proof says about this book."""
    with unit_of_work():
        return [sentence for sentence in find_breaks() if str(book.vendor) in sentence]


@contextmanager
def guards_down(owner: Connection) -> Iterator[None]:
    """The owner's own work without a single trigger; afterwards they all stand again."""
    for table in TABLES:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES:
        for name in GUARDS[table]:
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    owner.commit()


@pytest.fixture
def owner(connect: Connect, old_book: Book) -> Iterator[Connection]:
    """The owner of the tables. What was planted in the test's book is taken out at the end."""
    connection = connect("owner")
    yield connection
    with guards_down(connection):
        for table in (*TABLES, "chains"):
            connection.execute(f"DELETE FROM {table} WHERE vendor_id = %s", (old_book.vendor,))


def an_entry_changed(c: Connection, book: Book) -> None:
    c.execute("UPDATE entries SET amount_minor = amount_minor + 1 WHERE vendor_id = %s AND code = %s", (book.vendor, FEE))


def an_entry_lost(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM entries WHERE vendor_id = %s AND code = %s", (book.vendor, FEE))


def all_entries_of_a_journal_lost(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM entries WHERE vendor_id = %s AND journal_id = %s", (book.vendor, book.old))


def a_journal_lost(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM journals WHERE vendor_id = %s AND id = %s", (book.vendor, book.old))


def money_moved_into_another_currency(c: Connection, book: Book) -> None:
    c.execute("UPDATE entries SET currency = 'EUR' WHERE vendor_id = %s AND code = %s", (book.vendor, CLEARING))
    c.execute("UPDATE balances SET currency = 'EUR' WHERE vendor_id = %s AND code = %s", (book.vendor, CLEARING))


def a_balance_raised(c: Connection, book: Book) -> None:
    c.execute("UPDATE balances SET amount_minor = amount_minor - 1 WHERE vendor_id = %s AND code = %s", (book.vendor, AVAILABLE))


def a_balance_lost(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM balances WHERE vendor_id = %s AND code = %s", (book.vendor, PENDING))


def two_shards_that_cancel_out_but_for_a_penny(c: Connection, book: Book) -> None:
    for shard, amount in ((1061, 500), (1062, -501)):  # no session takes these
        c.execute(
            "INSERT INTO balances VALUES (%s, 'test', %s, '', 'GBP', %s, %s, 0)",
            (book.vendor, CLEARING, shard, amount),
        )


def a_guarded_account_below_zero(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 9_000, AVAILABLE)
    book.leg(c, journal, 2, -9_000, CLEARING)
    c.execute("DELETE FROM balances WHERE vendor_id = %s AND code = %s", (book.vendor, AVAILABLE))
    c.execute("INSERT INTO balances VALUES (%s, 'test', %s, '', 'GBP', 0, 4000, 0)", (book.vendor, AVAILABLE))
    c.execute("UPDATE balances SET amount_minor = amount_minor - 9000 WHERE vendor_id = %s AND code = %s", (book.vendor, CLEARING))


def a_floor_taken_away(c: Connection, book: Book) -> None:
    c.execute("UPDATE balances SET floor_side = 0 WHERE vendor_id = %s AND code = %s", (book.vendor, AVAILABLE))


def money_on_an_account_nobody_knows(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 5, 9999)
    book.leg(c, journal, 2, -5, 9999)
    c.execute("INSERT INTO balances VALUES (%s, 'test', 9999, '', 'GBP', 0, 0, 0)", (book.vendor,))


def entries_of_no_journal_with_their_balances(c: Connection, book: Book) -> None:
    journal = uuid7()
    book.leg(c, journal, 1, 5, CLEARING)
    book.leg(c, journal, 2, -5, FEE)
    c.execute("UPDATE balances SET amount_minor = amount_minor + 5 WHERE vendor_id = %s AND code = %s", (book.vendor, CLEARING))
    c.execute("UPDATE balances SET amount_minor = amount_minor - 5 WHERE vendor_id = %s AND code = %s", (book.vendor, FEE))


def a_journal_taken_back_twice(c: Connection, book: Book) -> None:
    for _ in range(2):
        journal = book.header(c)
        c.execute("UPDATE journals SET reverses = %s WHERE vendor_id = %s AND id = %s", (book.old, book.vendor, journal))
        book.leg(c, journal, 1, -6_000)
        book.leg(c, journal, 2, 6_000, FEE)
    for code, amount in ((CLEARING, -12_000), (FEE, 12_000)):
        c.execute("UPDATE balances SET amount_minor = amount_minor + %s WHERE vendor_id = %s AND code = %s", (amount, book.vendor, code))


PLANTED: dict[Callable[[Connection, Book], None], str] = {
    an_entry_changed: "is not zero or not whole",
    an_entry_lost: "is not zero or not whole",
    all_entries_of_a_journal_lost: "has no entries",
    a_journal_lost: "does not exist",
    money_moved_into_another_currency: "is not zero or not whole",
    a_balance_raised: "the balance is not the sum of its entries",
    a_balance_lost: "the balance is not the sum of its entries",
    two_shards_that_cancel_out_but_for_a_penny: "the balance is not the sum of its entries",
    a_guarded_account_below_zero: "is below zero",
    a_floor_taken_away: "is not guarded as the chart says",
    money_on_an_account_nobody_knows: "is not guarded as the chart says",
    entries_of_no_journal_with_their_balances: "does not exist",
    a_journal_taken_back_twice: "was taken back by more than it was",
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda made: made.__name__)
def test_the_proof_finds(plant: Callable[[Connection, Book], None], unit: None, owner: Connection, old_book: Book) -> None:
    assert wrong(old_book) == []
    with guards_down(owner):
        plant(owner, old_book)
    assert any(PLANTED[plant] in sentence for sentence in wrong(old_book))


@pytest.mark.parametrize("how", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
def test_the_proof_finds_every_guard_that_does_not_always_stand(how: str, unit: None, connect: Connect) -> None:
    """ENABLE alone is not enough: a replica session would pass it by."""
    owner, guards = connect("owner"), [(table, name) for table, names in GUARDS.items() for name in names]
    for table, trigger in guards:
        owner.execute(f"ALTER TABLE {table} {how} TRIGGER {trigger}")
    owner.commit()
    with unit_of_work():
        found = find_breaks()
    for table, trigger in guards:
        owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
    owner.commit()
    assert found == [f"trigger {trigger} on {table} is switched off" for table, trigger in guards]


def test_every_guard_of_the_migrations_is_one_the_proof_looks_for(connect: Connect) -> None:
    rows = connect("owner").execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal").fetchall()
    assert set(rows) == {(table, name) for table, names in GUARDS.items() for name in names}


def test_the_audit_command_says_so_and_fails(app: Any, owner: Connection, old_book: Book) -> None:
    assert "The books are whole" in app.test_cli_runner().invoke(args=["audit"]).output
    with guards_down(owner):
        a_balance_raised(owner, old_book)
    told = app.test_cli_runner().invoke(args=["audit"])
    assert told.exit_code == 1 and "the balance is not the sum of its entries" in told.output
