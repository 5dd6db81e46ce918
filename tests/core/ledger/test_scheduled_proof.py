"""The clock proves every book by itself: what the owner of the database breaks by hand becomes an alarm that stays until it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import structlog
from sqlalchemy import delete, update

from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import OutboxTask
from core.ledger.models import Proof, ProofRun
from core.ledger.proof import AT_REST, IN_USE, SHARE, THE_HOUSE, claim_due_proofs, record_proof, standing
from core.ledger.queries import find_breaks
from tests.core.ledger.conftest import AVAILABLE, CLEARING, FEE, Book, Connect
from tests.core.ledger.test_breaks import TABLES, a_balance_raised, guards_down
from workers.runner import drain
from workers.schedule import tick

Connection = psycopg.Connection[Any]


@pytest.fixture
def owner(connect: Connect, old_book: Book) -> Iterator[Connection]:
    connection = connect("owner")
    yield connection
    with guards_down(connection):
        for table in (*TABLES, "chains"):
            connection.execute(f"DELETE FROM {table} WHERE vendor_id = %s", (old_book.vendor,))
    connection.execute("DELETE FROM ledger_proofs WHERE vendor_id = %s", (old_book.vendor,))
    connection.commit()


@pytest.fixture(autouse=True)
def alone(unit: None, old_book: Book) -> None:
    """No other test's books are due, and nobody else's work is in the way."""
    with unit_of_work():
        db.session.execute(delete(OutboxTask))
        db.session.execute(delete(ProofRun))
        db.session.add(tonight())  # the night has had its run
        record_proof(THE_HOUSE, "live", [], took=timedelta(0))  # takes up every book there is
        db.session.execute(delete(Proof).where(Proof.vendor_id == old_book.vendor))
        db.session.execute(update(Proof).values(due_at=now() + timedelta(days=30), broken_since=None, breaks=[]))
        db.session.execute(update(Proof).where(Proof.vendor_id == THE_HOUSE).values(due_at=now()))


def tonight() -> ProofRun:
    at = now()
    return ProofRun(
        id=uuid7(), public_id=public_id("prf"), asked_by="clock", night=at.date(), asked_at=at, ended_at=at, vendor_id=None, mode=None, total=0,
        books=0, journals=0, entries=0, broken=0, breaks=[],
    )  # fmt: skip


def the_clock_and_the_workers() -> list[dict[str, Any]]:
    """What they log, as dicts."""
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            tick()
            drain("papers")
    return [line for line in said if line["event"].startswith("ledger_")]


def proof(book: Book) -> Proof | None:
    with unit_of_work():
        return db.session.get(Proof, (book.vendor, book.mode), populate_existing=True)


def turns(book: Book) -> tuple[datetime, datetime]:
    """When it was proved, and when it will be again."""
    found = proof(book)
    assert found and found.proven_at
    return found.proven_at, found.due_at


def test_a_new_book_is_taken_up_and_proved_without_anybody_asking(old_book: Book) -> None:
    assert proof(old_book) is None
    assert the_clock_and_the_workers() == []
    found = proof(old_book)
    assert found and found.proven_at and found.breaks == [] and found.broken_since is None


def test_a_broken_balance_is_an_alarm_until_it_is_mended(app: Any, owner: Connection, old_book: Book) -> None:
    the_clock_and_the_workers()
    with guards_down(owner):
        a_balance_raised(owner, old_book)
    with shifted(IN_USE + timedelta(seconds=1)):
        said = the_clock_and_the_workers()
        broken = proof(old_book)
    assert [(line["event"], line["log_level"], line["vendor"]) for line in said][:1] == [("ledger_broken", "error", str(old_book.vendor))]
    assert broken and broken.broken_since and "the balance is not the sum of its entries" in broken.breaks[0]
    told = app.test_cli_runner().invoke(args=["audit"])
    assert told.exit_code == 1 and "ALARM since" in told.output and str(old_book.vendor) in told.output
    with guards_down(owner):
        owner.execute(
            "UPDATE balances SET amount_minor = amount_minor + 1 WHERE vendor_id = %s AND code = %s", (old_book.vendor, AVAILABLE)
        )
    with shifted(3 * IN_USE):
        said = the_clock_and_the_workers()
        mended = proof(old_book)
    assert [line["event"] for line in said] == ["ledger_mended"]
    assert mended and mended.broken_since is None and mended.breaks == []


def test_a_guard_that_is_switched_off_is_an_alarm_too(owner: Connection) -> None:
    the_clock_and_the_workers()
    owner.execute("ALTER TABLE entries DISABLE TRIGGER entries_keep")
    owner.commit()
    try:
        with shifted(IN_USE + timedelta(seconds=1)):
            said = the_clock_and_the_workers()
    finally:
        owner.execute("ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_keep")
        owner.commit()
    assert said[0]["breaks"] == ["trigger entries_keep on entries is switched off"]
    with shifted(3 * IN_USE):
        mended = the_clock_and_the_workers()
    assert {line["event"] for line in mended} == {"ledger_mended"}  # of this book, and of the house's where it was due as well


def test_what_one_book_is_told_is_what_all_books_are_told_of_it(owner: Connection, old_book: Book) -> None:
    with guards_down(owner):
        owner.execute("UPDATE entries SET amount_minor = amount_minor + 1 WHERE vendor_id = %s AND code = %s", (old_book.vendor, FEE))
        owner.execute("DELETE FROM balances WHERE vendor_id = %s AND code = %s", (old_book.vendor, CLEARING))
    with unit_of_work():
        alone, among_all = find_breaks(old_book.vendor, old_book.mode), [s for s in find_breaks() if str(old_book.vendor) in s]
        assert find_breaks(old_book.vendor, "live") == []
    assert sorted(alone) == sorted(among_all) and len(alone) >= 2


def test_a_book_that_rests_is_proved_seldom_and_a_large_one_costs_half_a_percent(connect: Connect, old_book: Book) -> None:
    the_clock_and_the_workers()

    def next_turn(took: timedelta) -> timedelta:
        with unit_of_work():
            record_proof(old_book.vendor, old_book.mode, [], took=took)
        found = proof(old_book)
        assert found and found.proven_at
        return found.due_at - found.proven_at

    assert next_turn(timedelta(milliseconds=5)) == AT_REST
    old_book.move(connect("app"), (CLEARING, 100), (FEE, -100))
    assert next_turn(timedelta(milliseconds=5)) == IN_USE
    old_book.move(connect("app"), (CLEARING, 100), (FEE, -100))
    assert next_turn(timedelta(seconds=30)) == timedelta(seconds=30) * SHARE


def test_a_book_that_rested_is_proved_soon_after_it_moves_again(connect: Connect, owner: Connection, old_book: Book) -> None:
    the_clock_and_the_workers()
    with unit_of_work():
        record_proof(old_book.vendor, old_book.mode, [], took=timedelta(milliseconds=5))
    first, due = turns(old_book)
    assert due == first + AT_REST
    with shifted(IN_USE + timedelta(seconds=1)):
        the_clock_and_the_workers()
    assert turns(old_book) == (first, due), "nothing has happened in it"
    old_book.move(connect("app"), (CLEARING, 100), (FEE, -100))
    with guards_down(owner):
        a_balance_raised(owner, old_book)
    with shifted(2 * (IN_USE + timedelta(seconds=1))):
        assert "ledger_broken" in [line["event"] for line in the_clock_and_the_workers()]
    again, due = turns(old_book)
    assert again > first and due == again + IN_USE


def test_each_book_is_handed_out_once(old_book: Book) -> None:
    the_clock_and_the_workers()
    with shifted(IN_USE + timedelta(seconds=1)):
        with unit_of_work():
            assert (old_book.vendor, old_book.mode) in claim_due_proofs()
        with unit_of_work():
            assert claim_due_proofs() == []


@pytest.fixture
def health_token(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HEALTH_TOKEN", "wx-operator-token")
    settings.cache_clear()
    yield "wx-operator-token"
    monkeypatch.undo()
    settings.cache_clear()


def test_an_operator_reads_the_alarm_and_a_stranger_does_not(client: Any, health_token: str, owner: Connection, old_book: Book) -> None:
    with guards_down(owner):
        a_balance_raised(owner, old_book)
    the_clock_and_the_workers()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {health_token}"}, {"Authorization": "Bearer "}):
        assert client.get("/readyz", headers=headers).json == {"status": "ready", "database": "up"}
    told = client.get("/readyz", headers={"Authorization": f"Bearer {health_token}"})
    assert told.status_code == 200, "a broken book is no reason to take the process out of service"
    assert told.json["books"]["alarm"] is True and told.json["books"]["broken"] >= 1 and told.json["dead_tasks"] == 0
    assert str(old_book.vendor) not in told.text


def test_without_a_token_nobody_reads_more(client: Any) -> None:
    assert client.get("/readyz", headers={"Authorization": "Bearer "}).json == {"status": "ready", "database": "up"}


def test_the_standing_says_how_far_the_clock_has_come(old_book: Book) -> None:
    the_clock_and_the_workers()
    with unit_of_work():
        told = standing()
    assert told.books >= 1 and told.broken == []
