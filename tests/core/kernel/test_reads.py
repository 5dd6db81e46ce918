"""Plain questions need no transaction; whatever locks, writes or calls something opens one, and it stays one until the unit ends."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import bindparam, column, func, insert, literal_column, select, text, update

from core.accounts.models import Vendor
from core.kernel.db import db, driver, finish_unit, locked
from core.kernel.reads import is_plain
from core.payments.models import Payment
from tests.factories import make_shop

PLAIN = {
    "rows of two tables": select(Vendor, Payment).join(Payment, Payment.vendor_id == Vendor.id).where(Vendor.public_id == bindparam("v")),
    "a page of a list": select(Payment).where(Payment.state.in_(["paid"])).order_by(Payment.id.desc()).limit(3),
    "a count of some": select(func.count()).select_from(select(Payment.id).limit(3).subquery()),
    "a sum": select(func.coalesce(func.sum(Payment.amount_minor), 0)),
    "whether there is one": select(Payment.id).where(select(Payment.id).exists()),
}
NOT_PLAIN = {
    "a lock": select(Payment).with_for_update(),
    "a lock within": select(select(Payment.id).with_for_update().scalar_subquery()),
    "a function": select(func.nextval("x")),
    "a function within a harmless one": select(func.count(func.f())),
    "a function in a condition": select(Payment).where(Payment.id.in_(select(func.f()))),
    "a function as a table": select(func.f().table_valued("a")),
    "text": text("SELECT 1"),
    "text as a column": select(text("f()")),
    "a literal column": select(literal_column("f()")),
    "text in a condition": select(Payment).where(text("f()")),
    "text in the order": select(Payment).order_by(text("f()")),
    "text as a table": select(text("SELECT f()").columns(column("a")).subquery()),
    "text behind rows": select(Payment).from_statement(text("SELECT f()")),
    "a write read back": select(insert(Payment).returning(Payment.id).cte()),
    "a write beside it": select(Payment).add_cte(insert(Payment).returning(Payment.id).cte("x")),
    "a write": insert(Payment),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_question_is_plain(name: str) -> None:
    assert is_plain(PLAIN[name])


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_anything_else_is_not(name: str) -> None:
    assert not is_plain(NOT_PLAIN[name])


def _status() -> TransactionStatus:
    connection: Any = db.session().connection().connection.driver_connection
    return TransactionStatus(connection.pgconn.transaction_status)


def test_reading_leaves_no_transaction_open_and_locking_does(app: Flask) -> None:
    vendor = make_shop(app).vendor
    with app.app_context():
        assert db.session.scalar(select(Vendor.name).where(Vendor.id == vendor.id)) == vendor.name
        assert _status() == TransactionStatus.IDLE
        locked(Vendor, vendor.id)
        assert _status() == TransactionStatus.INTRANS
        db.session.scalar(select(Vendor.name).where(Vendor.id == vendor.id))
        assert _status() == TransactionStatus.INTRANS
        finish_unit(keep=False)
        assert _status() == TransactionStatus.IDLE


def test_what_is_written_after_a_plain_question_is_thrown_away_whole(app: Flask) -> None:
    vendor = make_shop(app).vendor
    with app.app_context():
        db.session.scalar(select(Vendor.name).where(Vendor.id == vendor.id))
        db.session.execute(update(Vendor).where(Vendor.id == vendor.id).values(name="Another name"))
        driver().execute("UPDATE vendors SET fee_bps = 7 WHERE id = %s", (vendor.id,))
        finish_unit(keep=False)
        kept = db.session.execute(select(Vendor.name, Vendor.fee_bps).where(Vendor.id == vendor.id)).one()
        assert kept.name != "Another name" and kept.fee_bps != 7


def test_a_driver_asked_for_after_a_plain_question_works_in_a_transaction(app: Flask) -> None:
    vendor = make_shop(app).vendor
    with app.app_context():
        db.session.scalar(select(Vendor.name).where(Vendor.id == vendor.id))
        driver().execute("UPDATE vendors SET fee_bps = 7 WHERE id = %s", (vendor.id,))
        assert _status() == TransactionStatus.INTRANS
        finish_unit(keep=False)
        assert db.session.scalar(select(Vendor.fee_bps).where(Vendor.id == vendor.id)) != 7
