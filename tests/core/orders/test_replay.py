"""Orders and checkouts follow from their history and their lines: what is kept otherwise is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core.kernel.db import db
from core.kernel.shadow import Shadow, replay
from core.orders.replay import CHECKOUTS, ORDERS
from tests.core.ledger.conftest import Connect, addresses, connect
from tests.core.orders.market import Market
from tests.core.orders.test_delivery import deliver, paid
from tests.factories import unit

__all__ = ["addresses", "connect"]
SPOILED: dict[str, tuple[Shadow, str, str]] = {
    "an order's state": (ORDERS, "UPDATE orders SET state = 'waiting', delivered_at = NULL WHERE vendor_id = %(v)s", "state is waiting, the logs say paid"),
    "its sum": (ORDERS, "UPDATE orders SET amount_minor = amount_minor + 1 WHERE vendor_id = %(v)s", "amount_minor is 7001, the logs say 7000"),
    "our fee": (ORDERS, "UPDATE orders SET fee_minor = fee_minor - 1 WHERE vendor_id = %(v)s", "fee_minor is"),
    "a line": (ORDERS, "UPDATE order_lines SET unit_minor = 1, amount_minor = 1 WHERE vendor_id = %(v)s", "amount_minor is 7000, the logs say 1"),
    "an order's row": (ORDERS, "DELETE FROM orders WHERE vendor_id = %(v)s", "the logs say that it is there, and it is not kept"),
    "a checkout's state": (CHECKOUTS, "UPDATE checkouts SET state = 'open' WHERE vendor_id = %(v)s", "state is open, the logs say"),
    "a checkout's sum": (CHECKOUTS, "UPDATE checkouts SET total_minor = total_minor + 1 WHERE vendor_id = %(v)s", "total_minor is 10001, the logs say 10000"),
    "a checkout's row": (CHECKOUTS, "DELETE FROM checkouts WHERE vendor_id = %(v)s", "the logs say that it is there, and it is not kept"),
}  # fmt: skip


@pytest.fixture
def sold(market: Market) -> Iterator[Market]:
    sale = paid(market, 7000, 3000)
    deliver(market, sale, 1)
    yield market


def test_a_checkout_that_was_paid_and_delivered_is_made_anew_and_is_the_same(sold: Market) -> None:
    with unit(sold.app):
        for shadow in (ORDERS, CHECKOUTS):
            found = replay(shadow, sold.operator.vendor.id)
            assert (found.rows, found.differences) == (1, [])


@pytest.mark.parametrize("what", SPOILED)
def test_whatever_is_kept_otherwise_is_named(sold: Market, connect: Connect, what: str) -> None:
    """In a transaction that is rolled back: nothing of it stays."""
    shadow, statement, sentence = SPOILED[what]
    owner = connect("owner")
    owner.execute("SET session_replication_role = replica")
    owner.execute("ALTER TABLE order_lines DISABLE TRIGGER USER")
    assert owner.execute(statement, {"v": sold.operator.vendor.id}).rowcount == 1
    only = f" WHERE x.vendor_id = '{sold.operator.vendor.id}'"
    rebuilt, kept = (
        owner.execute(f"SELECT to_jsonb(x) FROM ({asked}) x{only}").fetchall()  # what replay() asks, in this very transaction
        for asked in (shadow.rebuilt, shadow.kept)
    )
    owner.rollback()
    if not kept:
        assert rebuilt and sentence.endswith("not kept")
        return
    made, row = rebuilt[0][0], kept[0][0]
    assert sentence in "; ".join(f"{name} is {row[name]}, the logs say {made[name]}" for name in made if made[name] != row[name])


def test_nothing_was_left_spoiled(sold: Market) -> None:
    with unit(sold.app):
        assert db.session.execute(text("SELECT tgenabled FROM pg_trigger WHERE tgname = 'order_lines_keep'")).scalar_one() == "A"
