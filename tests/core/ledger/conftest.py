"""Fixtures of the ledger's tests: a book of its own for each test, and raw connections as the two roles of the database."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from core.kernel.ids import uuid7
from core.kernel.money import Money
from core.ledger.post import Journal, Leg

Connect = Callable[[str], "psycopg.Connection[Any]"]
CLEARING, PENDING, AVAILABLE, FEE = 1010, 2010, 2020, 4010
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
            VALUES (%s, %s, %s, %s, 'attack', %s, 'd', 'pay_x', now(), now())"""
LEG = """INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
         VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '')"""


class Book:
    """One vendor's book, written to without any of our Python in between."""

    def __init__(self, mode: str = "test") -> None:
        self.vendor, self.mode = uuid7(), mode
        self.id = self.vendor  # the owner that queries ask for
        self.old: uuid.UUID | None = None

    def header(self, connection: psycopg.Connection[Any], legs: int = 2) -> uuid.UUID:
        journal = uuid7()
        connection.execute(HEADER, (self.vendor, self.mode, journal, f"try:{secrets.token_hex(8)}", legs))
        return journal

    def leg(
        self, connection: psycopg.Connection[Any], journal: uuid.UUID | None, leg: int, amount: int, code: int = CLEARING,
        currency: str = "GBP", sub: str = "", vendor: uuid.UUID | None = None, mode: str | None = None,
    ) -> None:  # fmt: skip
        connection.execute(LEG, (vendor or self.vendor, mode or self.mode, journal, leg, code, sub, currency, amount))

    def journal(
        self, *legs: tuple[int, int], key: str | None = None, currency: str = "GBP", sub: str = "", reverses: uuid.UUID | None = None
    ) -> Journal:
        made = tuple(Leg(code, Money(amount, currency), sub=sub) for code, amount in legs)
        return Journal(self.vendor, self.mode, key or f"ev:{secrets.token_hex(8)}", "test", "pay_x", AT, made, reverses)

    def post(self, connection: psycopg.Connection[Any], *journals: Journal) -> int:
        """Through the one way in, without committing."""
        return connection.execute("SELECT ledger_post(%s::jsonb)", (json.dumps([j.wire() for j in journals]),)).fetchone()[0]

    def move(self, connection: psycopg.Connection[Any], *legs: tuple[int, int], **more: Any) -> int:
        """One journal, committed."""
        posted = self.post(connection, self.journal(*legs, **more))
        connection.commit()
        return posted

    def held(self, connection: psycopg.Connection[Any], code: int) -> int:
        """The kept balance of an account, debit positive."""
        sql = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM balances WHERE vendor_id = %s AND mode = %s AND code = %s"
        found = connection.execute(sql, (self.vendor, self.mode, code)).fetchone()[0]
        connection.rollback()
        return int(found)

    def booked(self, connection: psycopg.Connection[Any], code: int) -> int:
        """The sum of an account's entries, debit positive."""
        sql = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM entries WHERE vendor_id = %s AND mode = %s AND code = %s"
        found = connection.execute(sql, (self.vendor, self.mode, code)).fetchone()[0]
        connection.rollback()
        return int(found)

    def contents(self, connection: psycopg.Connection[Any]) -> list[Any]:
        """Every row of this book, and the chart."""
        rows: list[Any] = []
        for table in ("journals", "entries", "balances"):
            rows += connection.execute(
                f"SELECT '{table}', t::text FROM {table} t WHERE vendor_id = %s ORDER BY 2", (self.vendor,)
            ).fetchall()
        rows += connection.execute("SELECT 'chart', c::text FROM ledger_chart c ORDER BY 2").fetchall()
        connection.rollback()
        return rows


@pytest.fixture(scope="session")
def addresses(environment: dict[str, str]) -> dict[str, str]:
    return {
        "owner": environment["MIGRATION_DATABASE_URL"].replace("+psycopg", ""),
        "app": environment["DATABASE_URL"].replace("+psycopg", ""),
    }


@pytest.fixture
def connect(addresses: dict[str, str]) -> Iterator[Connect]:
    """connect("owner") or connect("app"): a session of its own, closed at the end. A statement that waits 20 s fails."""
    opened: list[psycopg.Connection[Any]] = []

    def open_one(role: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(addresses[role], options="-c lock_timeout=20s")
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def old_book(connect: Connect) -> Book:
    """A book with one honest journal: 100.00 captured, 90.00 for the seller, of which 50.00 are released already."""
    made = Book()
    connection = connect("app")
    first = made.journal((CLEARING, 10_000), (PENDING, -9_000), (FEE, -1_000))
    made.post(connection, first, made.journal((PENDING, 5_000), (AVAILABLE, -5_000)))
    connection.commit()
    made.old = first.id
    return made
