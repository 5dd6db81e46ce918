"""Batches of workers lock in one order, across sellers too: while they wait for somebody, they hold nothing that comes later in it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import delete

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.payments.attempt import paid_attempt
from core.payments.large import set_threshold
from core.payments.models import Payment
from core.payments.refund import begin_sending
from core.payments.refund_models import Refund
from core.payments.review_models import Screening
from core.payments.statements import import_statement
from tests.core.payments.test_statements import reversal
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.core.providers.statements import file_of
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, make_payment, make_shop, open_payment, out_of_sight, unit
from tests.workers.test_webhooks import event, intent, metadata
from workers.payments import payment_settled
from workers.release import release_next
from workers.runner import drain
from workers.task import Task

BALANCES = "SELECT 1 FROM balances WHERE vendor_id = %(vendor)s AND code = %(code)s FOR UPDATE NOWAIT"
PAYMENT = "SELECT 1 FROM payments WHERE vendor_id = %(vendor)s AND id = %(id)s FOR UPDATE NOWAIT"
VENDOR = "SELECT 1 FROM vendors WHERE id = %(vendor)s FOR NO KEY UPDATE"
NOTHING_BOOKED = (
    "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE pid = %(pid)s AND relation = 'balances'::regclass AND mode = 'RowExclusiveLock')"
)
SELLER_PENDING, REFUND_IN_FLIGHT = 2010, 2050
Asked = tuple[str, dict[str, Any]]
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def first_shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def sellers(app: Flask, first_shop: Shop) -> list[Shop]:
    """Two, in the order in which everybody locks; what they are paid may be released at once. The outbox is theirs alone."""
    kept = {column.name: getattr(first_shop.vendor, column.name) for column in Vendor.__table__.columns}
    made = [Vendor(**{**kept, "id": uuid7(), "public_id": public_id("vnd"), "release_days": 0}) for _ in range(2)]
    with unit(app):
        out_of_sight()
        db.session.add_all(made)
        db.session.execute(delete(OutboxTask))
    return [Shop(app, vendor, first_shop.user, first_shop.membership, first_shop.secret) for vendor in sorted(made, key=lambda one: one.id)]


def waits_at(environment: dict[str, str], first: Asked, act: Callable[[], Any], later: Asked) -> None:
    """While somebody else has what comes first in the order, the act waits for it, and holds nothing of what comes later: `later` finds nothing
    else than what is free. It may name the act's session as `%(pid)s`."""
    address = environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(address) as holder, psycopg.connect(address) as prober:
        assert holder.execute(*first).fetchall(), "there is something to wait for"
        acting = threading.Thread(target=act)
        acting.start()
        try:
            pid = _who_waits(holder, prober, acting)
            statement, values = later
            assert prober.execute(statement, {**values, "pid": pid}).fetchall()
        finally:
            prober.rollback()
            holder.rollback()
            acting.join(60)


def _who_waits(holder: Connection, prober: Connection, acting: threading.Thread) -> int:
    until, waiting = time.monotonic() + 60, "SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    while not (found := prober.execute(waiting, (holder.info.backend_pid,)).fetchone()):
        assert time.monotonic() < until and acting.is_alive(), "nobody came"
        prober.rollback()
        time.sleep(0.01)
    return int(found[0])


def refund_told(app: Flask, shop: Shop, status: str) -> tuple[Shop, Refund]:
    """A refund on its way, and an event that says what became of it; nothing else is to do."""
    paid = make_paid(shop)
    refund = ask_refund(shop, paid, "10.00")
    with unit(app):
        begin_sending(refund)
    with unit(app):
        db.session.execute(delete(OutboxTask).where(OutboxTask.job != "open_provider_event"))
    body = {"id": f"re_{refund.public_id}", "object": "refund", "status": status, "amount": 1000, "currency": "gbp", "charge": paid.charge}
    with app.app_context():
        event("refund.updated", {**body, "metadata": metadata(shop, paid, refund=refund.public_id, reference=refund.public_id)})
    return shop, refund


def test_refunds_of_several_sellers_are_settled_in_the_order_of_their_books(
    app: Flask, environment: dict[str, str], sellers: list[Shop]
) -> None:
    low, high = sellers
    told = [refund_told(app, shop, "succeeded") for shop in (high, low)]  # that of the second seller comes first

    def work() -> None:
        with app.app_context():
            drain("money")

    first, later = ((BALANCES, {"vendor": shop.vendor.id, "code": REFUND_IN_FLIGHT}) for shop in (low, high))
    waits_at(environment, first, work, later)
    assert [fresh(shop, refund).state for shop, refund in told] == ["succeeded"] * 2


def test_a_seller_who_has_money_again_is_held_before_anything_is_booked(
    app: Flask, environment: dict[str, str], sellers: list[Shop]
) -> None:
    """In the order payment, vendor, books: whoever asks for a refund at this moment holds the seller, and waits for a balance of the batch's."""
    shop, refund = refund_told(app, sellers[0], "failed")
    payment = make_payment(shop)
    with app.app_context():
        event("payment_intent.succeeded", intent(shop, payment, open_payment(shop, payment)))

    def work() -> None:
        with app.app_context():
            drain("money")

    waits_at(environment, (VENDOR, {"vendor": shop.vendor.id}), work, (NOTHING_BOOKED, {}))
    assert (fresh(shop, refund).state, fresh(shop, payment).state) == ("failed", "succeeded")


def test_sellers_whose_transfers_are_taken_back_are_held_before_anything_is_booked(
    app: Flask, environment: dict[str, str], sellers: list[Shop]
) -> None:
    low, high = sellers
    bank, paid = TestBank(low), [make_payment(shop, make_link(shop, currency="USD")) for shop in sellers]
    references = [begin_transfer(shop, payment).provider_reference or "" for shop, payment in zip(sellers, paid, strict=True)]
    bank.tell(*[transfer(2500, reference) for reference in references])
    with unit(app):
        import_statement(file_of(bank.draft(*[reversal(2500, reference) for reference in references])), name="back.xml", by="operator")

    waits_at(environment, (VENDOR, {"vendor": high.vendor.id}), bank.book, (NOTHING_BOOKED, {}))
    assert [fresh(shop, payment).refunded_minor for shop, payment in zip(sellers, paid, strict=True)] == [2500, 2500]


def test_what_is_released_for_one_seller_is_not_held_while_another_ones_is_waited_for(
    app: Flask, environment: dict[str, str], sellers: list[Shop]
) -> None:
    low, high = sellers
    paid = [(shop, make_paid(shop)) for shop in (high, low)]  # that of the second seller is due first

    def work() -> None:
        with app.app_context():
            release_next()

    first, later = ((BALANCES, {"vendor": shop.vendor.id, "code": SELLER_PENDING}) for shop in (low, high))
    waits_at(environment, first, work, later)
    assert all(fresh(shop, payment).released_at for shop, payment in paid)


def test_payments_that_are_large_and_those_to_be_reviewed_are_locked_together(
    app: Flask, environment: dict[str, str], sellers: list[Shop]
) -> None:
    shop = sellers[0]
    reviewed, large = make_paid(shop, make_link(shop, amount="10.00")), make_paid(shop)
    with unit(app):
        set_threshold(shop.vendor, "test", "GBP", Money(2500, "GBP"), by="usr_owner")
        _expect_review(again(reviewed))
    tasks = [Task(shop.vendor.id, {"mode": "test", "payment": str(payment.id)}) for payment in (reviewed, large)]
    assert reviewed.id < large.id

    def work() -> None:
        with app.app_context(), unit_of_work():
            payment_settled(tasks)

    first, later = ((PAYMENT, {"vendor": shop.vendor.id, "id": payment.id}) for payment in (reviewed, large))
    waits_at(environment, first, work, later)
    with unit(app):
        [row] = db.session.query(Screening).filter_by(vendor_id=shop.vendor.id)
        assert row.state == "waiting"


def _expect_review(payment: Payment) -> None:
    attempt = paid_attempt(payment)
    assert attempt is not None
    key = {"vendor_id": payment.vendor_id, "mode": payment.mode, "id": uuid7(), "public_id": f"rev_{secrets.token_hex(8)}"}
    db.session.add(
        Screening(
            **key,
            payment_id=payment.id,
            attempt_id=attempt.id,
            version=1,
            action="review",
            state="expected",
            reasons=[],
            facts={},
            created_at=now(),
        )
    )
