"""A line borrowed for one statement: what it answers, what it refuses, and that nothing that goes wrong on it stays behind."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from flask import Flask, current_app
from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.kernel import lines
from core.kernel.db import DATABASE_AWAY, TransactionOpen, answers, db, driver, open_reader, unit_begun, unit_of_work, whole_answer
from core.kernel.ids import uuid7

STORE = """INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
           VALUES ($1, $2, 'money', 'settle_attempt', '{}', 'waiting', now() + interval '12 days', 0, now()) RETURNING vendor_id::text"""
pytestmark = pytest.mark.usefixtures("unit")


def spare() -> int:
    """How many connections lie in the pool."""
    return db.engine.pool.checkedin()


def test_a_text_goes_out_and_a_text_comes_back() -> None:
    assert whole_answer("SELECT upper($1) || $2", ("grün", "äß")) == "GRÜNäß"
    assert whole_answer("SELECT $1::text", (None,)) is None
    assert whole_answer("SELECT $1::boolean", ("yes",)) == "t"
    assert not unit_begun()


def test_what_it_writes_is_kept_although_nobody_commits() -> None:
    vendor = str(uuid7())
    assert whole_answer(STORE, (vendor, str(uuid7()))) == vendor
    with unit_of_work():
        assert driver().execute("SELECT count(*) FROM outbox WHERE vendor_id = %s", (vendor,)).fetchone() == (1,)


def test_an_error_is_the_drivers_own_and_the_line_goes_on() -> None:
    words = (str(uuid7()), str(uuid7()))
    whole_answer(STORE, words)
    before = spare()
    with pytest.raises(UniqueViolation) as told:
        whole_answer(STORE, words)
    assert told.value.diag.constraint_name == "pk_outbox"
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        whole_answer(STORE, ("no uuid", str(uuid7())))
    assert spare() == before
    assert whole_answer("SELECT $1", ("on",)) == "on"


def test_a_text_that_would_end_early_is_refused() -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        whole_answer("SELECT $1", ("whole\0half",))


def test_what_the_driver_has_swept_away_is_prepared_again() -> None:
    """After a rollback the driver forgets all prepared statements of a connection, ours among them."""
    statements = {f"SELECT $1 || '{word}'": word for word in ("one", "two", "three")}
    for _ in range(2):
        for statement, word in statements.items():
            assert whole_answer(statement, ("number ",)) == f"number {word}"
        db.engine.pool._pool.queue.reverse()  # whichever connection comes next
        with db.engine.connect() as connection:
            connection.execute(text("DEALLOCATE ALL"))
    for statement, word in reversed(statements.items()):
        assert whole_answer(statement, ("number ",)) == f"number {word}"
    db.engine.dispose()


def test_what_was_swept_away_costs_one_transaction_and_not_the_next() -> None:
    """As a pooler between us and PostgreSQL may do it: the driver hears nothing of it."""
    with db.engine.connect() as connection:
        held: Any = connection.connection.driver_connection
        for sweeps in (False, True):
            held.line.begin()
            assert held.line.rows("SELECT 1", ()) == [(1,)]
            if sweeps:
                held.pgconn.exec_(b"DEALLOCATE ALL")
                with pytest.raises(psycopg.errors.InvalidSqlStatementName):
                    held.line.rows("SELECT 1", ())
            held.pgconn.exec_(b"ROLLBACK")
        held.line.begin()
        assert held.line.rows("SELECT 1", ()) == [(1,)]


def test_it_is_no_part_of_a_unit_that_has_begun() -> None:
    with pytest.raises(TransactionOpen), unit_of_work():
        driver().execute("SELECT 1")
        whole_answer("SELECT 'x'", ())


def test_a_line_that_is_lost_is_said_as_everywhere_and_made_anew() -> None:
    before = spare() or 1
    with pytest.raises(DATABASE_AWAY):
        whole_answer("SELECT pg_terminate_backend(pg_backend_pid())::text", ())
    assert whole_answer("SELECT 'there'", ()) == "there"
    assert spare() == before


def test_a_line_that_was_hung_up_while_it_lay_there_is_made_anew() -> None:
    mine = whole_answer("SELECT pg_backend_pid()::text", ())
    with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", (int(mine or 0),))
    assert whole_answer("SELECT pg_backend_pid()::text", ()) not in (None, mine)


def test_a_line_left_in_the_middle_of_something_is_not_given_to_the_next_one() -> None:
    mine = whole_answer("SELECT pg_backend_pid()::text", ())
    pool = db.engine.pool
    entry, line = pool.lend()
    entry.dbapi_connection.pgconn.exec_(b"BEGIN")
    assert not line.idle
    pool.take_back(entry, line)
    assert whole_answer("SELECT (pg_current_xact_id_if_assigned() IS NULL)::text", ()) == "true"
    assert whole_answer("SELECT count(*)::text FROM pg_stat_activity WHERE pid = $1::integer AND state LIKE 'idle in%'", (mine,)) == "0"


def test_within_a_unit_it_is_part_of_the_same_transaction() -> None:
    vendor, mine = uuid7(), "SELECT count(*) FROM outbox WHERE vendor_id = $1"
    with pytest.raises(ZeroDivisionError), unit_of_work():
        assert answers(STORE, [str(vendor), str(uuid7())]) == [(str(vendor),)]
        assert driver().execute("SELECT count(*) FROM outbox WHERE vendor_id = %s", (vendor,)).fetchone() == (1,)
        assert answers(mine, [vendor]) == [(1,)]
        raise ZeroDivisionError
    with unit_of_work():
        assert answers(mine, [vendor]) == [(0,)]


def test_what_answers_nothing_gives_no_rows() -> None:
    with unit_of_work():
        assert answers("UPDATE outbox SET attempts = 1 WHERE vendor_id = $1", [uuid7()]) == []


def test_what_was_swept_away_within_a_transaction_does_not_break_it() -> None:
    """A rollback, also of a part, makes the driver sweep away what is prepared. Within a transaction nothing may go wrong even once."""
    with unit_of_work():
        for word in ("one", "two", "three"):
            assert answers("SELECT $1 || ' step'", [word]) == [(f"{word} step",)]
            part = db.session.begin_nested()
            for number in range(2):
                driver().execute("SELECT %s::int", (number,), prepare=True)
            part.rollback()
            driver().execute("SELECT %s::int", (3,), prepare=True)
    with pytest.raises(UniqueViolation), unit_of_work():
        words = [str(uuid7()), str(uuid7())]
        answers(STORE, words)
        answers(STORE, words)
    with unit_of_work():
        driver().execute("SELECT %s::int", (4,), prepare=True)
        assert answers("SELECT $1 || ' step'", ["last"]) == [("last step",)]


def test_a_line_keeps_so_many_statements_and_lets_go_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_PREPARED", 3)
    with unit_of_work():
        before = set(driver().line._prepared)
        for _ in range(2):
            for number in range(5):
                assert answers(f"SELECT $1 || '{number}'", ["no "]) == [(f"no {number}",)]
        kept = {name.decode() for name in driver().line._prepared}
        (there,) = driver().execute("SELECT array_agg(name) FROM pg_prepared_statements WHERE name LIKE 'whole_unit_%'").fetchone()
    assert kept == set(there)
    assert len(kept) <= max(3, len(before))


def test_who_waits_on_a_line_holds_up_no_other_thread() -> None:
    """The wait is in C, and whoever holds the row that is waited for may be a thread beside."""
    done = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    waiting = threading.Thread(target=_wait, args=(app, done))
    waiting.start()
    steps = 0
    while not done.wait(0.01):
        steps += 1
    waiting.join()
    assert steps > 5


def _wait(app: Flask, done: threading.Event) -> None:
    try:
        with app.app_context(), unit_of_work():
            answers("SELECT pg_sleep($1)::text", [0.5])
    finally:
        done.set()


def test_a_commit_that_postgresql_refuses_is_refused_and_the_line_goes_on() -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        answers("CREATE TEMPORARY TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP", ())
        answers("INSERT INTO late VALUES (1), (1)", ())
    with unit_of_work():
        assert answers("SELECT 1", ()) == [(1,)]


def test_a_lock_begins_its_transaction_in_one_journey() -> None:
    with unit_of_work():
        line = driver().line
        assert line.begin_with("SELECT pg_try_advisory_xact_lock(4711)") and not line.idle
        assert line.begin_with("SELECT pg_try_advisory_xact_lock(4711)")  # it is ours already


def test_a_lock_that_somebody_else_holds_is_not_had(app: Flask) -> None:
    lock = "SELECT pg_try_advisory_xact_lock(4712)"
    with unit_of_work():
        assert driver().line.begin_with(lock)
        with open_reader(db.engine) as other:
            assert not other.line.begin_with(lock)
    with unit_of_work():
        assert driver().line.begin_with(lock)  # the unit that held it has ended, and with it the lock
