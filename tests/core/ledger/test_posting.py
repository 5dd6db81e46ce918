"""Posting: each fact once, guarded accounts never below zero, and nobody waits or loses money when several post at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.errors import IntegrityError, UniqueViolation

from core.kernel.db import unit_of_work
from core.ledger.post import BalanceTooLow, post
from core.ledger.queries import balance, balances, journals_about, list_lines
from tests.core.ledger.conftest import AVAILABLE, CLEARING, FEE, PENDING, Book, Connect

Connection = psycopg.Connection[Any]
ROUNDS = 40


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts together, from one starting gun; answers what each returned or raised."""
    gun, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        gun.wait(60)
        try:
            answers[number] = act()
        except Exception as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=(n, act), daemon=True) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(t.is_alive() for t in threads), "somebody waits for ever"
    return answers


def attempt(connection: Connection, book: Book, *legs: tuple[int, int], **more: Any) -> bool:
    """Post and commit; False when the account does not hold that much, or the journal was taken back already."""
    try:
        book.move(connection, *legs, **more)
        return True
    except IntegrityError as error:
        assert error.diag.constraint_name == ("ledger_reversal" if more else "ck_balances_floor")
        connection.rollback()
        return False


def apart(connect: Connect) -> tuple[Connection, Connection]:
    """Two sessions, which credit different shards."""
    return connect("app"), connect("app")


# --- what it costs ---------------------------------------------------------------------------------------------------------


def test_the_guards_look_rows_up_by_their_keys_however_small_the_tables_are(connect: Connect, book: Book) -> None:
    """A session keeps the plans it made while there was little to read."""
    owner = connect("owner")
    owner.autocommit = True
    owner.execute("ANALYZE balances, entries, journals, ledger_chart")  # which says how little
    connection, tables = connect("app"), ["balances", "entries", "journals", "ledger_chart"]
    for _ in range(7):  # the first few are planned anew each time
        book.move(connection, (CLEARING, 100), (PENDING, -97), (FEE, -3))
    book.post(connection, book.journal((CLEARING, 100), (PENDING, -97), (FEE, -3)))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the journal is looked at now, and not when it is kept
    read_whole = connection.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY(%s) ORDER BY 1", (tables,))
    assert read_whole.fetchall() == [(table, 0) for table in tables]
    indexes = ["ix_entries_account", "pk_entries", "ix_journals_about", "pk_journals"]
    walks = connection.execute("SELECT pg_stat_get_xact_numscans(name::regclass) FROM unnest(%s::text[]) AS name", (indexes,))
    (legs_of_the_book,), (legs_by_key,), (journals_of_the_book,), (journals_by_key,) = walks.fetchall()
    assert legs_of_the_book == 0 < legs_by_key  # the sums of a journal are taken from its own legs
    assert journals_of_the_book == 0 < journals_by_key


# --- each fact once ------------------------------------------------------------------------------------------------------


def test_the_same_event_twice_is_booked_once(connect: Connect, book: Book) -> None:
    app = connect("app")
    assert book.move(app, (CLEARING, 100), (FEE, -100), key="cap:1") == 1
    assert book.move(app, (CLEARING, 100), (FEE, -100), key="cap:1") == 0
    assert book.held(app, CLEARING) == 100


def test_the_same_event_twice_in_one_document_is_booked_once(connect: Connect, book: Book) -> None:
    app = connect("app")
    assert book.post(app, *(book.journal((CLEARING, 100), (FEE, -100), key="cap:1") for _ in range(3))) == 1
    app.commit()
    assert book.held(app, CLEARING) == 100


def test_the_same_event_with_other_content_is_an_alarm(connect: Connect, book: Book) -> None:
    app = connect("app")
    book.move(app, (CLEARING, 100), (FEE, -100), key="cap:1")
    with pytest.raises(UniqueViolation) as caught:
        book.move(app, (CLEARING, 101), (FEE, -101), key="cap:1")
    assert caught.value.diag.constraint_name == "ledger_same_fact"


def test_the_same_event_in_another_vendors_book_is_another_fact(connect: Connect, book: Book) -> None:
    app, other = connect("app"), Book()
    assert book.move(app, (CLEARING, 1), (FEE, -1), key="cap:1") + other.move(app, (CLEARING, 2), (FEE, -2), key="cap:1") == 2


def test_the_same_event_from_two_sessions_at_once_is_booked_once(connect: Connect) -> None:
    first, second = apart(connect)
    for _ in range(ROUNDS):
        book = Book()
        told = at_once(*(partial(book.move, c, (CLEARING, 100), (FEE, -100), key="cap:1") for c in (first, second)))
        assert sorted(told) == [0, 1]
        assert book.held(first, CLEARING) == 100


# --- taken back by no more than it was -----------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [(10_001,), (6_000, 4_001), (10_000, 1)])
def test_a_journal_is_taken_back_by_no_more_than_it_was(connect: Connect, old_book: Book, parts: tuple[int, ...]) -> None:
    app = connect("app")
    *fits, beyond = parts
    for minor in fits:
        assert old_book.move(app, (CLEARING, -minor), (FEE, minor), reverses=old_book.old) == 1
    for document in ((beyond,), (beyond, 1)):
        with pytest.raises(IntegrityError) as caught:
            old_book.post(app, *(old_book.journal((CLEARING, -minor), (FEE, minor), reverses=old_book.old) for minor in document))
        assert caught.value.diag.constraint_name == "ledger_reversal"
        app.rollback()
    rest = 10_000 - sum(fits)
    assert rest == 0 or old_book.move(app, (CLEARING, -rest), (FEE, rest), reverses=old_book.old) == 1
    assert old_book.held(app, CLEARING) == old_book.booked(app, CLEARING) == 0


def test_what_is_taken_back_in_another_currency_was_never_booked_in_it(connect: Connect, old_book: Book) -> None:
    app = connect("app")
    with pytest.raises(IntegrityError):
        old_book.move(app, (CLEARING, -100), (FEE, 100), currency="EUR", reverses=old_book.old)


def test_the_same_reversal_told_twice_is_one(connect: Connect, old_book: Book) -> None:
    app = connect("app")
    whole = ((CLEARING, -10_000), (PENDING, 4_000), (FEE, 6_000))
    assert old_book.move(app, *whole, key="rev:1", reverses=old_book.old) == 1
    assert old_book.move(app, *whole, key="rev:1", reverses=old_book.old) == 0


def test_two_who_take_the_same_journal_back_at_once_take_it_back_once(connect: Connect) -> None:
    first, second = apart(connect)
    for _ in range(ROUNDS):
        book = Book()
        made = book.journal((CLEARING, 100), (FEE, -100))
        book.post(first, made)
        first.commit()
        done = at_once(*(partial(attempt, c, book, (CLEARING, -100), (FEE, 100), reverses=made.id) for c in (first, second)))
        assert sorted(done) == [False, True]
        assert book.held(first, CLEARING) == book.booked(first, CLEARING) == 0


# --- several at once -----------------------------------------------------------------------------------------------------


def test_two_who_take_at_once_never_overdraw(connect: Connect) -> None:
    first, second = apart(connect)
    for _ in range(ROUNDS):
        book = Book()
        book.move(first, (CLEARING, 100), (AVAILABLE, -100))
        done = at_once(*(partial(attempt, c, book, (AVAILABLE, 70), (CLEARING, -70)) for c in (first, second)))
        assert sorted(done) == [False, True]
        assert book.held(first, AVAILABLE) == book.booked(first, AVAILABLE) == -30


def test_two_who_take_at_once_are_both_served_when_there_is_enough(connect: Connect) -> None:
    first, second = apart(connect)
    for _ in range(ROUNDS):
        book = Book()
        book.move(first, (CLEARING, 100), (AVAILABLE, -100))
        done = at_once(*(partial(attempt, c, book, (AVAILABLE, 40), (CLEARING, -40)) for c in (first, second)))
        assert done == [True, True]
        assert book.held(first, AVAILABLE) == book.booked(first, AVAILABLE) == -20


def test_whoever_waited_for_another_sees_what_is_left(connect: Connect, book: Book) -> None:
    first, second = apart(connect)
    book.move(first, (CLEARING, 100), (AVAILABLE, -100))
    book.post(first, book.journal((AVAILABLE, 40), (CLEARING, -40)))  # takes, and has not committed yet
    waiting: list[bool] = []
    thread = threading.Thread(target=lambda: waiting.append(attempt(second, book, (AVAILABLE, 40), (CLEARING, -40))), daemon=True)
    thread.start()
    wait_until_blocked(connect("owner"), second)
    first.commit()
    thread.join(60)
    assert waiting == [True]
    assert book.held(first, AVAILABLE) == book.booked(first, AVAILABLE) == -20


def test_what_comes_in_while_others_take_is_never_lost(connect: Connect) -> None:
    first, second = apart(connect)
    third, fourth = apart(connect)
    for _ in range(ROUNDS):
        book = Book()
        book.move(first, (CLEARING, 100), (AVAILABLE, -100))
        book.move(third, (CLEARING, 100), (AVAILABLE, -100))
        at_once(
            partial(attempt, first, book, (AVAILABLE, 40), (CLEARING, -40)),
            partial(attempt, second, book, (AVAILABLE, 40), (CLEARING, -40)),
            partial(book.move, third, (CLEARING, 50), (AVAILABLE, -50)),
            partial(book.move, fourth, (CLEARING, 50), (AVAILABLE, -50)),
        )
        assert book.held(first, AVAILABLE) == book.booked(first, AVAILABLE) == -220


def test_payments_of_one_vendor_do_not_wait_for_one_another(connect: Connect, book: Book) -> None:
    first, second = apart(connect)
    second.execute("SET lock_timeout = '300ms'")
    second.commit()
    capture = ((CLEARING, 1_000), (PENDING, -900), (FEE, -100))
    book.move(first, *capture)
    book.move(second, *capture)
    book.post(first, book.journal(*capture))  # not committed
    assert book.move(second, *capture) == 1
    first.commit()
    assert book.held(first, PENDING) == -3_600


def test_opposite_journals_at_once_do_not_lock_each_other_out(connect: Connect) -> None:
    first, second = apart(connect)
    book = Book()
    book.move(first, (CLEARING, 20_000), (AVAILABLE, -10_000), (PENDING, -10_000))
    there, back = ((AVAILABLE, 1), (PENDING, -1)), ((PENDING, 1), (AVAILABLE, -1))
    for _ in range(ROUNDS):
        done = at_once(partial(attempt, first, book, *there), partial(attempt, second, book, *back))
        assert done == [True, True]
    assert (book.held(first, AVAILABLE), book.held(first, PENDING)) == (-10_000, -10_000)


def wait_until_blocked(owner: Connection, other: Connection) -> None:
    """Return once `other` waits for a lock."""
    for _ in range(2_000):
        waits = owner.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", (other.info.backend_pid,)).fetchone()
        owner.rollback()
        if waits == ("Lock",):
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never had to wait")


# --- through core/ledger/post.py, and read back ---------------------------------------------------------------------------


def test_taking_more_than_there_is_is_refused_in_words(unit: None, book: Book) -> None:
    with pytest.raises(BalanceTooLow), unit_of_work():
        post([book.journal((AVAILABLE, 1), (CLEARING, -1))])


def test_a_balance_has_its_natural_sign_and_its_lines_add_up_to_it(unit: None, book: Book) -> None:
    with unit_of_work():
        post([book.journal((CLEARING, 100 + n), (PENDING, -(100 + n))) for n in range(7)])
        post([book.journal((PENDING, 250), (AVAILABLE, -250))])
    kept = balance(book, "test", "seller_pending", "GBP")
    lines, after = [], None
    while page := list_lines(book, "test", "seller_pending", "GBP", after=after, limit=3):
        lines += page.lines
        after = page.next
        if after is None:
            break
    assert kept.minor == sum(line.amount.minor for line in lines) == 721 - 250
    assert lines[0].amount.minor == -250
    assert balances(book, "test")[("psp_clearing", "", "GBP")].minor == 721


def test_an_account_that_never_moved_holds_nothing(unit: None, book: Book) -> None:
    assert not balance(book, "test", "seller_available", "JPY")


def test_one_vendors_figures_do_not_show_in_anothers(unit: None, book: Book) -> None:
    other = Book()
    with unit_of_work():
        post([book.journal((CLEARING, 100), (FEE, -100))])
    assert (balances(other, "test"), balances(book, "live"), journals_about(other, "test", "pay_x")) == ({}, {}, [])


def test_a_leg_of_nothing_is_left_out(unit: None, book: Book) -> None:
    with unit_of_work():
        post([book.journal((CLEARING, 100), (PENDING, -100), (FEE, 0))])
    ((_, legs),) = journals_about(book, "test", "pay_x")
    assert [leg[0] for leg in legs] == ["psp_clearing", "seller_pending"]


# --- shards --------------------------------------------------------------------------------------------------------------


def test_sessions_that_are_connected_together_credit_shards_of_their_own(connect: Connect) -> None:
    sessions = [connect("app") for _ in range(24)]
    shards = [session.execute("SELECT ledger_shard()").fetchone()[0] for session in sessions]
    # Only where more than 999 are connected do two share a shard.
    own = "SELECT slot FROM pg_stat_get_backend_idset() AS slot WHERE pg_stat_get_backend_pid(slot) = pg_backend_pid()"
    slots = [session.execute(own).fetchone()[0] for session in sessions]
    assert len(set(slots)) == len(slots) and shards == [1 + slot % 999 for slot in slots]
    assert all(1 <= shard <= 999 for shard in shards), "row 0 is for whoever takes money out"
    assert [session.execute("SELECT ledger_shard()").fetchone()[0] for session in sessions] == shards


@pytest.mark.parametrize("last", [65, 999])
def test_there_are_more_shards_than_sessions_can_be(connect: Connect, last: int) -> None:
    """A batch adds to rows of several books and comes back to the first of them: two that shared a shard waited for each other in a circle."""
    app = connect("app")
    app.execute("SELECT set_config('portal.ledger_shard', %s, false)", (str(last),))
    assert app.execute("SELECT ledger_shard(), current_setting('max_connections')::integer < 999").fetchone() == (last, True)


def test_the_shard_a_session_remembers_is_read_without_a_call(connect: Connect) -> None:
    plan = " ".join(line for (line,) in connect("app").execute("EXPLAIN (VERBOSE) SELECT ledger_shard()"))
    assert "current_setting('portal.ledger_shard'" in plan and "ledger_find_shard()" in plan


@pytest.mark.parametrize("words", ["", "0", "1000", "-1", "9999", "x", "1; DROP TABLE balances"])
def test_a_shard_chosen_by_hand_changes_no_sum(words: str, connect: Connect, book: Book) -> None:
    app = connect("app")
    app.execute("SELECT set_config('portal.ledger_shard', %s, false)", (words,))
    book.move(app, (CLEARING, 100), (AVAILABLE, -100))
    book.move(app, (AVAILABLE, 30), (CLEARING, -30))
    assert (book.held(app, CLEARING), book.held(app, AVAILABLE)) == (70, -70)
    assert not attempt(app, book, (AVAILABLE, 71), (CLEARING, -71))
