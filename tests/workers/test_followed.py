"""What follows from payments is asked for by the batch: each business hears as it has chosen, and many cost no more questions than one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db, unit_of_work
from core.kernel.lines import Line
from core.kernel.outbox import OutboxTask
from core.notifications.models import Message, Notice
from core.notifications.payer_letters import LetterWish, change_letter, unsent_in
from core.notifications.team import BUSINESS, Choice, choose, readers_in_many, readers_of
from core.payments.models import Payment
from tests.factories import Shop, make_colleague, make_paid, make_shop, unit
from workers.payments import payment_settled
from workers.runner import drain
from workers.task import Task

pytestmark = pytest.mark.usefixtures("nobody_elses")


@pytest.fixture(scope="module")
def usual(app: Flask) -> Shop:
    """Nobody has chosen anything."""
    return make_shop(app)


@pytest.fixture(scope="module")
def without_receipts(app: Flask) -> Shop:
    shop = make_shop(app)
    with unit(app):
        vendor = db.session.merge(shop.vendor)
        change_letter(vendor, "test", "receipt", LetterWish(sent=False), by=shop.user.public_id, receipt_otherwise=True)
    return shop


@pytest.fixture(scope="module")
def other_readers(app: Flask) -> tuple[Shop, Shop]:
    """The business's own address gets no letter, and an accountant does. With that person."""
    shop = make_shop(app)
    colleague = make_colleague(shop, "accountant")
    with unit(app):
        choose(shop.vendor, "test", BUSINESS, {"payment_received": Choice(mailed=False)})
        choose(shop.vendor, "test", colleague.user.public_id, {"payment_received": Choice(mailed=True)})
    return shop, colleague


def letters(shop: Shop, payment: Payment) -> list[tuple[str, str]]:
    mine = select(Message.kind, Message.recipient).where(Message.vendor_id == shop.vendor.id, Message.about == payment.public_id)
    with unit_of_work():
        return sorted(tuple(row) for row in db.session.execute(mine))


def test_each_business_hears_as_it_has_chosen(usual: Shop, without_receipts: Shop, other_readers: tuple[Shop, Shop]) -> None:
    other, colleague = other_readers
    paid = [(shop, make_paid(shop)) for shop in (usual, without_receipts, other, usual)]
    drain("money")
    seen = [letters(shop, payment) for shop, payment in paid]
    own, receipt = ("payment_received", usual.vendor.support_email), ("receipt", "ada@example.com")
    assert seen == [
        [own, receipt],
        [("payment_received", without_receipts.vendor.support_email)],
        [("payment_received", colleague.email), receipt],
        [own, receipt],
    ]
    for shop, payment in paid:
        with unit_of_work():
            mine = select(Notice.kind).where(Notice.vendor_id == shop.vendor.id, Notice.about == payment.public_id)
            assert db.session.scalars(mine).all() == ["payment_received"]
            jobs = select(OutboxTask.job).where(
                OutboxTask.vendor_id == shop.vendor.id, OutboxTask.args["payment"].astext == str(payment.id)
            )
            assert sorted(db.session.scalars(jobs)) == ["complete_payment", "make_receipt"]


def test_many_books_at_once_say_the_same_as_one_by_one(usual: Shop, without_receipts: Shop, other_readers: tuple[Shop, Shop]) -> None:
    shops = [usual, without_receipts, other_readers[0]]
    with unit_of_work():
        books = [(db.session.get_one(Vendor, shop.vendor.id), mode) for shop in shops for mode in ("test", "live")]
        together = readers_in_many(books, "payment_received")
        assert together == {(vendor.id, mode): readers_of(vendor, mode, "payment_received") for vendor, mode in books}
        assert together[other_readers[0].vendor.id, "live"] == [(other_readers[0].vendor.support_email, "en")], "chosen for test mode only"
        keys = [(vendor.id, mode) for vendor, mode in books]
        assert unsent_in(keys, "receipt") == {(without_receipts.vendor.id, "test")}
        assert unsent_in(keys, "payment_received") == set(), "that cannot be switched off"
        assert unsent_in([], "receipt") == set() and readers_in_many([], "payment_received") == {}


def test_many_businesses_cost_no_more_questions_than_one(
    usual: Shop, without_receipts: Shop, other_readers: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = [(usual, make_paid(usual)) for _ in range(3)]
    many = [(shop, make_paid(shop)) for shop in (usual, without_receipts, other_readers[0])]
    assert followed(one, monkeypatch) == followed(many, monkeypatch) > 0


def followed(paid: list[tuple[Shop, Payment]], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many statements PostgreSQL was given for it, through the driver or on its line."""
    tasks = [Task(shop.vendor.id, {"mode": "test", "payment": str(payment.id)}) for shop, payment in paid]
    with counted(monkeypatch) as statements, unit_of_work():
        payment_settled(tasks)
    db.session.remove()
    return len(statements)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    asked: list[str] = []
    ask = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(str(query))
        return ask(self, query, *args, **kwargs)

    lean = Line.rows

    def rows(self: Any, statement: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(statement)
        return lean(self, statement, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        patch.setattr(Line, "rows", rows)
        yield asked
