"""An order is delivered: its seller says so, and what waited for that becomes available with the clock's next look, no sooner than its terms allow.

Nobody says so: it counts as delivered when the days are over that the checkout gave it. Until then nothing of it is released.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.errors import Conflict
from core.orders.history import note
from core.orders.models import Order
from core.orders.pay import lock_order, may_be_undone, payment_of
from core.payments.models import Payment
from core.payments.start import lock_payment


class NotToDeliver(Conflict):
    """Nothing was paid for it."""

    code = "order_not_paid"


def deliver_order(seller: Vendor, order: Order, *, by: str) -> Order:
    """Say that the order has reached the payer. Said again, it was the first time that counts. Refuses NotToDeliver while it is not paid."""
    order = lock_order(seller.id, order.mode, order.id)
    if order.delivered_at is not None:
        return order
    payment = payment_of(order)
    if order.state != "paid" or payment is None:
        raise NotToDeliver("This order is not paid, so do not deliver it.")
    if may_be_undone(order):
        raise NotToDeliver("The payer pays for all orders of this checkout or for none, and it is not done yet. Wait until it is.")
    payment = lock_payment(payment)
    if not payment.refundable and not payment.disputed:
        raise NotToDeliver("Everything of this order was given back, so do not deliver it.")
    order.delivered_at, order.delivered_by = now(), by
    if payment.released_at is None and payment.available_at is not None:
        payment.available_at = min(payment.available_at, max(order.delivered_at, earliest(order, payment)))
    note(order, "order.delivered", actor=by)
    record(seller.id, actor=by, action="order.delivered", subject=order.public_id)
    return order


def earliest(order: Order, payment: Payment) -> datetime:
    """When its money can be available at the soonest, delivered or not: so many days after it was paid, as its terms had it then."""
    return (payment.captured_at or now()) + timedelta(days=order.least_days)
