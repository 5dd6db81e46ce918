"""The jobs about checkouts of several sellers. Each is one unit in one book; what it means elsewhere is asked for by another task."""

from __future__ import annotations

import uuid

from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.orders import follow, pay


def begin_paying(vendor_id: uuid.UUID, *, mode: str, saving: str, card: str) -> None:
    """The payer's card is there."""
    with unit_of_work():
        pay.begin_paying(vendor_id, mode, uuid.UUID(saving), uuid.UUID(card))


def pay_order(vendor_id: uuid.UUID, *, mode: str, order: str) -> None:
    """Write down the payment of one order; another task sends it."""
    with unit_of_work():
        pay.pay_order(vendor_id, mode, uuid.UUID(order))


def hear_order(vendor_id: uuid.UUID, *, mode: str, payment: str, result: str) -> None:
    """There is news of an order's payment. What they say is read off the payment: `result` may be old by now."""
    with unit_of_work():
        order = pay.find_order_of(vendor_id, mode, uuid.UUID(payment))
        if order is not None:
            pay.hear_order(vendor_id, mode, order.id)


def look_at_order(vendor_id: uuid.UUID, *, mode: str, order: str) -> None:
    """The same without news."""
    with unit_of_work():
        pay.hear_order(vendor_id, mode, uuid.UUID(order))


def end_order(vendor_id: uuid.UUID, *, mode: str, order: str, why: str) -> None:
    """The checkout ends without this order."""
    with unit_of_work():
        pay.end_order(vendor_id, mode, uuid.UUID(order), why)


def follow_order(vendor_id: uuid.UUID, *, mode: str, refund: str, result: str) -> None:
    """A refund of an order has ended: its checkout may be undone by now."""
    with unit_of_work():
        order = pay.find_order_refunded(vendor_id, mode, uuid.UUID(refund))
        if order is not None:
            pay.ask_to_follow(order)


def follow_checkout(vendor_id: uuid.UUID, *, mode: str, checkout: str, by_clock: bool = False) -> None:
    """Look at all its orders."""
    with unit_of_work():
        follow.follow_checkout(vendor_id, mode, uuid.UUID(checkout), by_clock=by_clock)


def plan_checkouts() -> None:
    """Whose time is up, or who waits for what nobody tells."""
    for vendor_id, mode, checkout_id in follow.claim_due_checkouts():
        enqueue("follow_checkout", vendor_id, mode=mode, checkout=str(checkout_id), by_clock=True)
