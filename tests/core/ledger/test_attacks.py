"""Attacks on the books, straight in SQL: as the owner of the tables, as the owner in a replica session, and as the application."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from core.kernel.ids import uuid7
from tests.core.ledger.conftest import AVAILABLE, CLEARING, FEE, PENDING, Book, Connect

Connection = psycopg.Connection[Any]


def unbalanced(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -90, FEE)


def balanced_in_total_but_not_in_each_currency(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE, currency="EUR")


def a_journal_without_legs(c: Connection, book: Book) -> None:
    book.header(c)


def a_journal_that_lacks_a_declared_leg(c: Connection, book: Book) -> None:
    journal = book.header(c, legs=3)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)


def a_journal_of_one_leg(c: Connection, book: Book) -> None:
    book.header(c, legs=1)


def legs_without_a_journal(c: Connection, book: Book) -> None:
    journal = uuid7()
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)


def balanced_legs_added_to_an_old_journal(c: Connection, book: Book) -> None:
    book.leg(c, book.old, 4, 100)
    book.leg(c, book.old, 5, -100, FEE)


def one_more_leg_after_the_check_was_called_early(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute("SET CONSTRAINTS ALL IMMEDIATE")
    book.leg(c, journal, 3, 55)


def a_leg_numbered_zero_after_the_check_was_called_early(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute("SET CONSTRAINTS ALL IMMEDIATE")
    book.leg(c, journal, 0, 55)


def legs_lost_by_rollback_to_a_savepoint(c: Connection, book: Book) -> None:
    journal = book.header(c)
    c.execute("SAVEPOINT s")
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute("ROLLBACK TO SAVEPOINT s")


def legs_lost_by_rollback_after_the_check_was_called_early(c: Connection, book: Book) -> None:
    journal = book.header(c)
    c.execute("SAVEPOINT s")
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute("SET CONSTRAINTS ALL IMMEDIATE")
    c.execute("ROLLBACK TO SAVEPOINT s")


def a_forged_transaction_id(c: Connection, book: Book) -> None:
    journal = uuid7()
    c.execute(
        """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, xid, effective_at, recorded_at)
           VALUES (%s, 'test', %s, %s, 'attack', 2, 'd', 'pay_x', '999999999'::xid8, now(), now())""",
        (book.vendor, journal, f"try:{journal}"),
    )
    c.execute("SET CONSTRAINTS ALL DEFERRED")


def an_upsert_on_a_leg_of_the_same_transaction(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute(
        """INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
           VALUES (%s, 'test', %s, 2, %s, '', 'GBP', -70, '')
           ON CONFLICT (vendor_id, mode, journal_id, leg) DO UPDATE SET amount_minor = excluded.amount_minor""",
        (book.vendor, journal, FEE),
    )


def an_upsert_on_an_old_leg(c: Connection, book: Book) -> None:
    c.execute(
        """INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
           VALUES (%s, 'test', %s, 1, %s, '', 'GBP', 1, '')
           ON CONFLICT (vendor_id, mode, journal_id, leg) DO UPDATE SET amount_minor = 1""",
        (book.vendor, book.old, CLEARING),
    )


def a_merge_into_old_legs(c: Connection, book: Book) -> None:
    c.execute(
        """MERGE INTO entries e USING (SELECT %s::uuid AS vendor, %s::uuid AS journal) s
           ON e.vendor_id = s.vendor AND e.journal_id = s.journal WHEN MATCHED THEN UPDATE SET amount_minor = 0""",
        (book.vendor, book.old),
    )


def legs_brought_by_copy(c: Connection, book: Book) -> None:
    with c.cursor().copy("COPY entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref) FROM STDIN") as copy:
        copy.write_row((book.vendor, "test", book.old, 4, CLEARING, "", "GBP", 100, ""))
        copy.write_row((book.vendor, "test", book.old, 5, FEE, "", "GBP", -100, ""))


def an_account_nobody_knows(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100, 9999)
    book.leg(c, journal, 2, -100, FEE)


def a_leg_in_another_vendors_book(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE, vendor=uuid7())


def a_leg_in_the_other_mode(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE, mode="live")


def sandbox_money_in_a_live_book(c: Connection, book: Book) -> None:
    live = Book("live")
    live.vendor = book.vendor
    journal = live.header(c)
    live.leg(c, journal, 1, 100, sub="sandbox")
    live.leg(c, journal, 2, -100, FEE)


def a_book_in_a_third_mode(c: Connection, book: Book) -> None:
    third = Book("demo")
    third.vendor = book.vendor
    third.header(c)


def more_than_the_seller_has(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 5_001, AVAILABLE)
    book.leg(c, journal, 2, -5_001)


def a_leg_of_nothing(c: Connection, book: Book) -> None:
    journal = book.header(c, legs=3)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    book.leg(c, journal, 3, 0, PENDING)


def an_amount_beyond_the_books(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 9_000_000_000_000_001)
    book.leg(c, journal, 2, -9_000_000_000_000_001, FEE)


def a_currency_that_is_none(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100, currency="gb1")
    book.leg(c, journal, 2, -100, FEE, currency="gb1")


def a_reversal_of_nothing(c: Connection, book: Book) -> None:
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute("SET CONSTRAINTS ALL IMMEDIATE")
    c.execute(
        """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, reverses, effective_at, recorded_at)
           VALUES (%s, 'test', %s, 'rev', 'attack', 2, 'd', 'pay_x', %s, now(), now())""",
        (book.vendor, uuid7(), uuid7()),
    )


def plain(sql: str) -> Callable[[Connection, Book], None]:
    """An attack that is one statement about this book."""

    def run(c: Connection, book: Book) -> None:
        c.execute(sql, {"vendor": book.vendor} if "%(vendor)s" in sql else None)

    return run


ATTACKS: dict[str, Callable[[Connection, Book], None]] = {
    made.__name__.replace("_", " "): made
    for made in (
        unbalanced, balanced_in_total_but_not_in_each_currency, a_journal_without_legs, a_journal_that_lacks_a_declared_leg,
        a_journal_of_one_leg, legs_without_a_journal, balanced_legs_added_to_an_old_journal, one_more_leg_after_the_check_was_called_early,
        a_leg_numbered_zero_after_the_check_was_called_early, legs_lost_by_rollback_to_a_savepoint,
        legs_lost_by_rollback_after_the_check_was_called_early, a_forged_transaction_id, an_upsert_on_a_leg_of_the_same_transaction,
        an_upsert_on_an_old_leg, a_merge_into_old_legs, legs_brought_by_copy, an_account_nobody_knows, a_leg_in_another_vendors_book,
        a_leg_in_the_other_mode, sandbox_money_in_a_live_book, a_book_in_a_third_mode, more_than_the_seller_has, a_leg_of_nothing,
        an_amount_beyond_the_books, a_currency_that_is_none,
    )
} | {
    "update an entry": plain("UPDATE entries SET amount_minor = amount_minor * 2 WHERE vendor_id = %(vendor)s"),
    "delete entries": plain("DELETE FROM entries WHERE vendor_id = %(vendor)s"),
    "truncate entries": plain("TRUNCATE entries CASCADE"),
    "update a journal": plain("UPDATE journals SET n_legs = 4 WHERE vendor_id = %(vendor)s"),
    "delete journals": plain("DELETE FROM journals WHERE vendor_id = %(vendor)s"),
    "truncate journals": plain("TRUNCATE journals CASCADE"),
    "update the chart": plain("UPDATE ledger_chart SET floor = false"),
    "delete from the chart": plain("DELETE FROM ledger_chart WHERE code = 1020"),
    "truncate the chart": plain("TRUNCATE ledger_chart"),
    "a balance raised by hand": plain("UPDATE balances SET amount_minor = amount_minor * 2 WHERE vendor_id = %(vendor)s"),
    "a balance written by hand": plain(
        "INSERT INTO balances SELECT vendor_id, mode, code, sub, currency, 63, amount_minor, floor_side FROM balances WHERE vendor_id = %(vendor)s"
    ),
    "a balance upserted by hand": plain(
        "INSERT INTO balances SELECT * FROM balances WHERE vendor_id = %(vendor)s"
        " ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = 0"
    ),
    "a balance deleted": plain("DELETE FROM balances WHERE vendor_id = %(vendor)s"),
    "balances truncated": plain("TRUNCATE balances"),
    "the floor of a balance taken away": plain("UPDATE balances SET floor_side = 0 WHERE vendor_id = %(vendor)s"),
}  # fmt: skip

ROLES = {
    "owner": ("owner", psycopg.IntegrityError),
    "owner in a replica session": ("owner", psycopg.IntegrityError),
    "app": ("app", InsufficientPrivilege),
}


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_books_withstand(attack: str, who: str, connect: Connect, old_book: Book) -> None:
    role, refusal = ROLES[who]
    attacker, witness = connect(role), connect("owner")
    before = old_book.contents(witness)
    if "replica" in who:
        attacker.execute("SET session_replication_role = replica")
        attacker.commit()
    with pytest.raises(refusal):
        ATTACKS[attack](attacker, old_book)
        attacker.commit()
    attacker.rollback()
    assert old_book.contents(witness) == before


def test_a_reversal_must_name_a_journal_of_its_book(connect: Connect, old_book: Book) -> None:
    owner = connect("owner")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        a_reversal_of_nothing(owner, old_book)
        owner.commit()


def test_the_application_cannot_ask_for_replica_behaviour(connect: Connect) -> None:
    with pytest.raises(InsufficientPrivilege):
        connect("app").execute("SET session_replication_role = replica")


@pytest.mark.parametrize("who", ["owner", "owner in a replica session"])
def test_an_honest_journal_may_arrive_in_two_statements(who: str, connect: Connect, book: Book) -> None:
    owner = connect("owner")
    if "replica" in who:
        owner.execute("SET session_replication_role = replica")
    journal = book.header(owner)
    book.leg(owner, journal, 1, 100)
    book.leg(owner, journal, 2, -100, FEE)
    owner.commit()
    assert (book.held(owner, CLEARING), book.held(owner, FEE)) == (100, -100)


def test_an_honest_journal_survives_a_savepoint_rolled_back_beside_it(connect: Connect, book: Book) -> None:
    owner = connect("owner")
    journal = book.header(owner)
    book.leg(owner, journal, 1, 100)
    owner.execute("SAVEPOINT s")
    book.leg(owner, journal, 2, -70, FEE)
    owner.execute("ROLLBACK TO SAVEPOINT s")
    book.leg(owner, journal, 2, -100, FEE)
    owner.commit()
    assert book.held(owner, FEE) == -100


# --- through the one way in, which the application may use ---------------------------------------------------------------

BAD_DOCUMENTS: dict[str, tuple[tuple[int, int], ...]] = {
    "unbalanced": ((CLEARING, 100), (FEE, -90)),
    "one leg": ((CLEARING, 100),),
    "no legs": (),
    "an account nobody knows": ((9999, 100), (FEE, -100)),
    "more than the seller has": ((AVAILABLE, 5_001), (CLEARING, -5_001)),
}


@pytest.mark.parametrize("wrong", BAD_DOCUMENTS)
def test_the_one_way_in_refuses(wrong: str, connect: Connect, old_book: Book) -> None:
    app, witness = connect("app"), connect("owner")
    before = old_book.contents(witness)
    with pytest.raises(psycopg.IntegrityError):
        old_book.move(app, *BAD_DOCUMENTS[wrong])
    app.rollback()
    assert old_book.contents(witness) == before


def test_the_one_way_in_refuses_sandbox_money_in_a_live_book(connect: Connect) -> None:
    with pytest.raises(CheckViolation, match="sandbox_is_test"):
        Book("live").move(connect("app"), (CLEARING, 100), (FEE, -100), sub="sandbox")


def test_one_bad_journal_takes_the_whole_document_with_it(connect: Connect, book: Book) -> None:
    app = connect("app")
    with pytest.raises(psycopg.IntegrityError):
        book.post(app, book.journal((CLEARING, 100), (FEE, -100)), book.journal((CLEARING, 100), (FEE, -1)))
        app.commit()
    app.rollback()
    assert book.contents(app) == Book().contents(app)


@pytest.mark.parametrize("table", ["journals", "entries", "balances", "ledger_chart"])
def test_a_temporary_table_of_the_same_name_does_not_stand_in_for_the_books(table: str, connect: Connect, old_book: Book) -> None:
    """PostgreSQL looks into a session's temporary tables first, unless a function says otherwise."""
    app, witness = connect("app"), connect("owner")
    app.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
    app.execute(f"GRANT ALL ON {table} TO PUBLIC")
    assert old_book.move(app, (CLEARING, 300), (FEE, -300)) == 1
    assert (old_book.booked(witness, FEE), old_book.held(witness, FEE)) == (-1_300, -1_300)
    assert app.execute(f"SELECT count(*) FROM pg_temp.{table}").fetchone() == (0,)


def test_legs_cannot_be_slipped_in_under_a_temporary_journal(connect: Connect, old_book: Book) -> None:
    app, witness = connect("app"), connect("owner")
    before = old_book.contents(witness)
    app.execute("CREATE TEMPORARY TABLE journals (LIKE public.journals INCLUDING ALL)")
    app.execute("GRANT ALL ON journals TO PUBLIC")
    app.commit()
    with pytest.raises(psycopg.IntegrityError):
        old_book.move(app, (CLEARING, 1_000_000), (FEE, -1))
    assert old_book.contents(witness) == before


@pytest.mark.parametrize("table", ["payment_events", "audit_entries"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("who", ROLES)
def test_history_is_added_to_and_never_changed(table: str, change: str, who: str, connect: Connect, a_line_of_history: uuid.UUID) -> None:
    role, refusal = ROLES[who]
    attacker = connect(role)
    if "replica" in who:
        attacker.execute("SET session_replication_role = replica")
    with pytest.raises(refusal):
        attacker.execute(change.format(table))


@pytest.fixture(scope="module")
def a_line_of_history(app: Any) -> uuid.UUID:
    from tests.factories import make_payment, make_shop

    return make_payment(make_shop(app)).id
