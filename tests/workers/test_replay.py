"""`flask replay` makes everything anew from the logs: a world that went through all of it is equal, and whatever is kept otherwise is named."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, select, text

from core.accounts.house import HOUSE
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.shadow import replay
from core.ledger.book import processor_fee
from core.ledger.post import post
from core.ledger.queries import GUARDS
from core.payments.models import Payment
from core.payments.replay import PAYMENTS
from core.payouts.accounts import add_account
from tests.core.disputes.cases import case_of
from tests.core.ledger.conftest import CLEARING, FEE, Book, Connect, addresses, connect
from tests.core.payments.conftest import first_shop
from tests.core.payments.conftest import shop as paying_shop
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.plans import Life, publish
from tests.factories import Shop, again, ask_refund, make_link, make_paid, make_payment, open_payment, tell, tell_refund, unit
from workers.books_commands import SHADOWS

__all__ = ["addresses", "connect", "first_shop", "paying_shop"]
Connection = psycopg.Connection[Any]


@pytest.fixture
def world(paying_shop: Shop) -> Iterator[Shop]:
    """A shop whose money has been everywhere."""
    shop = paying_shop
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by=shop.user.public_id)
    paid = [make_paid(shop, make_link(shop, amount=amount)) for amount in ("25.00", "40.00", "10.00")]
    tell_refund(shop, ask_refund(shop, paid[0], "5.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, paid[0], "6.00"), "failed", failure_reason="expired_or_canceled_card")
    back = ask_refund(shop, paid[1])
    tell_refund(shop, back, "succeeded")
    tell_refund(shop, back, "failed", failure_reason="charge_for_pending_refund_disputed")
    ask_refund(shop, paid[2], "1.00")
    declined = make_payment(shop)
    tell(shop, declined, open_payment(shop, declined), "declined", decline_code="insufficient_funds")
    make_payment(shop)
    tell(shop, paid[2], None, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=paid[2].amount)  # a second charge
    bank, by_bank = TestBank(shop), make_payment(shop, make_link(shop, amount="30.00", currency="USD"))
    reference = begin_transfer(shop, by_bank).provider_reference
    bank.tell(transfer(1_000, reference))
    bank.tell(transfer(2_500, reference))
    bank.tell(transfer(4713, name="Kim Fremd"))
    seller = Seller(shop)
    seller.sells("100.00")
    for minor, ends in ((None, "lost"), (6_000, "won"), (2_000, ""), (8_000, "lost")):
        case = case_of(seller, seller.sells("80.00"), minor, fee=1_500)
        case.tell()
        if ends:
            (case.won() if ends == "won" else case.now(ends)).tell()
    case_of(seller, seller.sells("30.00"), state="inquiry").tell()
    bears = seller.sells("90.00")
    with unit(shop.app):
        held = again(bears)
        held.seller_bears, held.processor_fee_minor = True, 250
        post([processor_fee(held, fee=Money(250, "USD"), reference=f"txn_{secrets.token_hex(6)}", at=now())])
    with shifted(timedelta(days=30)):
        seller.release()
        seller.bank_says(seller.pays_out())
    yield shop


def replayed(shop: Shop) -> Any:
    return shop.app.test_cli_runner().invoke(args=["replay", "--vendor", shop.vendor.public_id])


def test_a_world_that_went_through_all_of_it_is_made_anew_and_is_the_same(world: Shop) -> None:
    told = replayed(world)
    assert told.exit_code == 0, told.output
    lines = [line for line in told.output.splitlines() if line]
    assert [line.partition(":")[0] for line in lines] == [
        "balances",
        "balance_marks",
        "statements",
        "payments",
        "refunds",
        "reserve_holds",
        "disputes",
        "payouts",
        "orders",
        "checkouts",
        "plans",
    ]
    counted = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
    assert (
        counted["payments"] >= 7
        and counted["refunds"] == 4
        and counted["payouts"] == 1
        and counted["disputes"] == 5
        and counted["balances"] >= 8
    )


def test_what_is_booked_while_it_is_made_anew_is_no_difference(paying_shop: Shop, connect: Connect) -> None:
    """People go on paying: a journal that is committed between the two questions is in neither."""
    book, other = Book(), connect("app")
    book.vendor = paying_shop.vendor.id
    with paying_shop.app.app_context():
        engine = db.engine

    def somebody_pays(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("CREATE TEMPORARY TABLE replay_balances"):
            assert book.move(other, (CLEARING, 100), (FEE, -100)) == 1

    event.listen(engine, "after_cursor_execute", somebody_pays)
    try:
        told = replayed(paying_shop)  # it finds no payment for that journal: there is none
    finally:
        event.remove(engine, "after_cursor_execute", somebody_pays)
    assert "balances: 0 rows made anew, every one is as it is kept." in told.output, told.output
    assert book.held(other, FEE) == -100, "somebody has paid meanwhile"


ALL = (
    "journals",
    "entries",
    "balances",
    "chain_links",
    "payments",
    "refunds",
    "payouts",
    "payment_events",
    "disputes",
    "dispute_events",
    "payout_events",
    "payout_lines",
    "balance_marks",
)
SPOILED: dict[str, tuple[str, str]] = {
    "a sum given back": ("UPDATE payments SET refunded_minor = refunded_minor + 1 WHERE vendor_id = %(v)s AND refunded_minor = 500", "refunded_minor is 501, the logs say 500"),
    "a state": ("UPDATE payments SET state = 'canceled' WHERE vendor_id = %(v)s AND state = 'created'", "state is canceled, the logs say"),
    "a line of history": ("DELETE FROM payment_events WHERE vendor_id = %(v)s AND kind = 'payment.succeeded'", "state is succeeded, the logs say"),
    "a payment's capture": ("UPDATE payments SET captured_minor = captured_minor - 1 WHERE vendor_id = %(v)s AND captured_minor = 2500", "captured_minor is 2499"),
    "a refund's state": ("UPDATE refunds SET state = 'pending' WHERE vendor_id = %(v)s AND state = 'succeeded'", "state is pending, the logs say succeeded"),
    "a refund": ("DELETE FROM refunds WHERE vendor_id = %(v)s AND state = 'failed'", "the logs say that it is there, and it is not kept"),
    "a balance": ("UPDATE balances SET amount_minor = amount_minor + 7 WHERE vendor_id = %(v)s AND code = 4010 AND shard = (SELECT min(shard) FROM balances b WHERE b.vendor_id = %(v)s AND b.code = 4010)", "balances, "),
    "a payment's row": ("DELETE FROM payments WHERE vendor_id = %(v)s AND captured_minor = 2500", "the logs say that it is there, and it is not kept"),
    "a payout's row": ("DELETE FROM payouts WHERE vendor_id = %(v)s", "the logs say that it is there, and it is not kept"),
    "a dispute's row": ("DELETE FROM disputes WHERE vendor_id = %(v)s AND state = 'won'", "the logs say that it is there, and it is not kept"),
    "what is disputed": ("UPDATE payments SET disputed_minor = disputed_minor - 1 WHERE vendor_id = %(v)s AND disputed_minor = 2000", "disputed_minor is 1999, the logs say 2000"),
    "our fee in it": ("UPDATE payments SET disputed_fee_minor = disputed_fee_minor - 1 WHERE vendor_id = %(v)s AND disputed_fee_minor > 0", "disputed_fee_minor is"),
    "what a seller bears": ("UPDATE payments SET borne_minor = borne_minor + 1 WHERE vendor_id = %(v)s AND borne_minor = 250", "borne_minor is 251, the logs say 250"),
    "what was applied": ("UPDATE payments SET applied_minor = applied_minor - 1 WHERE vendor_id = %(v)s AND applied_minor = 3000", "applied_minor is 2999, the logs say 3000"),
    "what was lost": ("UPDATE payments SET refunded_minor = refunded_minor - 1 WHERE vendor_id = %(v)s AND refunded_minor = 8000", "refunded_minor is 7999, the logs say 8000"),
    "the refund of what was lost": ("DELETE FROM refunds WHERE vendor_id = %(v)s AND reason = 'lost_dispute'", "refunded_minor is 8000, the logs say 0"),
    "a refund's sum": ("UPDATE refunds SET amount_minor = amount_minor + 1 WHERE vendor_id = %(v)s AND amount_minor = 500", "amount_minor is 501, the logs say 500"),
    "a refund's fee": ("UPDATE refunds SET fee_returned_minor = fee_returned_minor + 1 WHERE vendor_id = %(v)s AND amount_minor = 500", "fee_returned_minor is"),
    "a dispute's state": ("UPDATE disputes SET state = 'won' WHERE vendor_id = %(v)s AND state = 'lost'", "state is won, the logs say lost"),
    "a dispute's sum": ("UPDATE disputes SET amount_minor = amount_minor + 1 WHERE vendor_id = %(v)s AND state = 'inquiry'", "amount_minor is 3001, the logs say 3000"),
    "what a dispute holds": ("UPDATE disputes SET held_minor = held_minor + 1 WHERE vendor_id = %(v)s AND held_minor > 0", "held_minor is"),
    "our share of a dispute": ("UPDATE disputes SET share_fee_minor = share_fee_minor + 1 WHERE vendor_id = %(v)s AND held_minor > 0", "share_fee_minor is"),
    "what was advanced": ("UPDATE disputes SET advanced_minor = 1 WHERE vendor_id = %(v)s AND state = 'won'", "advanced_minor is 1, the logs say 0"),
    "what a payment had advanced": ("UPDATE payments SET advanced_minor = advanced_minor + 1 WHERE vendor_id = %(v)s AND disputed_minor = 2000", "advanced_minor is"),
    "what disputes cost a seller": ("UPDATE payments SET dispute_cost_minor = dispute_cost_minor + 1 WHERE vendor_id = %(v)s AND refunded_minor = 8000", "dispute_cost_minor is"),
    "what a statement opens with": ("UPDATE payouts SET opening_minor = opening_minor + 1, carried_minor = carried_minor + 1 WHERE vendor_id = %(v)s", "opening_minor is 1, the logs say 0"),
    "how often it was taken": ("UPDATE disputes SET cycle = cycle + 1 WHERE vendor_id = %(v)s AND state = 'won'", "cycle is 2, the logs say 1"),
    "a dispute's history": ("DELETE FROM dispute_events WHERE vendor_id = %(v)s AND kind = 'dispute.won'", "state is won, the logs say"),
    "a payout": ("UPDATE payouts SET state = 'paid', version = 9 WHERE vendor_id = %(v)s", "version is 9, the logs say"),
    "what stands on a payout's statement": ("DELETE FROM payout_lines WHERE vendor_id = %(v)s", "lines_minor is"),
}  # fmt: skip


@pytest.fixture
def owner(connect: Connect, world: Shop) -> Iterator[Connection]:
    """The owner with the guards down. What was spoiled is taken out at the end, with all that stood around it."""
    connection = connect("owner")
    yield connection
    with guards_down(connection):
        for table in (*ALL, "chains"):
            connection.execute(f"DELETE FROM {table} WHERE vendor_id = %s", (world.vendor.id,))


@contextmanager
def guards_down(owner: Connection) -> Iterator[None]:
    owner.execute("SET session_replication_role = replica")
    for table in ALL:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in ALL:
        for name in GUARDS.get(table, ()):
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    owner.commit()


@pytest.mark.parametrize("what", SPOILED)
def test_whatever_is_kept_otherwise_is_named(world: Shop, owner: Connection, what: str) -> None:
    statement, sentence = SPOILED[what]
    with guards_down(owner):
        assert owner.execute(statement, {"v": world.vendor.id}).rowcount > 0
    told = replayed(world)
    assert told.exit_code == 1 and sentence in told.output, told.output


def test_what_the_plans_booked_follows_from_their_events(app: Flask) -> None:
    publish(app)
    life = Life(app, date(2026, 1, 15))
    told = app.test_cli_runner().invoke(args=["replay", "--vendor", life.shop.vendor.public_id])
    assert "plans: " in told.output and told.exit_code == 0, told.output


def test_what_a_plan_was_paid_with_is_made_anew_and_is_the_same(app: Flask) -> None:
    """The house's own sales: what is captured waits among the unapplied until its invoice takes it, which is no transfer that was applied."""
    publish(app)
    life = Life(app, date(2026, 1, 15))
    assert life.answer(date(2026, 1, 15)) != []
    with unit(app):
        (paid,) = db.session.scalars(select(Payment).where(Payment.vendor_id == HOUSE, Payment.email == life.email))
        assert paid.state == "succeeded" and paid.captured_minor > 0
        told = replay(PAYMENTS, HOUSE)
        assert told.rows > 0 and not [line for line in told.differences if paid.public_id in line]


def test_every_shadow_asks_for_the_same_columns_on_both_sides(unit: None) -> None:
    for shadow in SHADOWS:
        columns = [list(db.session.execute(text(f"SELECT * FROM ({asked}) x LIMIT 0")).keys()) for asked in (shadow.rebuilt, shadow.kept)]
        assert columns[0] == columns[1], shadow.name
