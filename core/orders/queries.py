"""Checkouts and orders read: one of them, a page of them, and a checkout with all its parts as the sellers' own books have them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select

from core.accounts.models import Vendor
from core.kernel.ask import Search
from core.kernel.db import db, driver
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.ledger.book import SELLER_PENDING
from core.orders.models import Checkout, CheckoutPart, Order, OrderEvent, OrderLine, OrderRefundLine
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund

VIEWS = ("to-deliver", "delivered", "unpaid")  # of the list of orders


_PARTS = Search(
    CheckoutPart, Order, Vendor, Payment,
    rest="""FROM checkout_parts
    JOIN orders ON orders.vendor_id = checkout_parts.seller_id AND orders.mode = checkout_parts.mode AND orders.id = checkout_parts.order_id
    JOIN vendors ON vendors.id = checkout_parts.seller_id
    LEFT JOIN payments ON payments.vendor_id = orders.vendor_id AND payments.mode = orders.mode AND payments.id = orders.payment_id
    WHERE checkout_parts.vendor_id = %s AND checkout_parts.mode = %s AND checkout_parts.checkout_id = %s ORDER BY checkout_parts.place""",
)  # fmt: skip
BOOKED = """SELECT j.vendor_id, j.about, count(DISTINCT j.id), coalesce(-sum(e.amount_minor) FILTER (WHERE e.code = %s), 0)
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS p(vendor_id, mode, about)
JOIN journals j ON j.vendor_id = p.vendor_id AND j.mode = p.mode AND j.about = p.about AND j.kind = 'capture'
JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id GROUP BY j.vendor_id, j.about"""


@dataclass(frozen=True, slots=True)
class Part:
    """One order of a checkout with its seller and its payment. `in_ledger`: its capture is in the books; `in_wallet`: its seller has it there."""

    place: int
    seller: Vendor
    order: Order
    payment: Payment | None
    in_ledger: bool
    in_wallet: bool

    @property
    def is_paid(self) -> bool:
        """Paid, booked, and the seller's."""
        return self.order.state == "paid" and self.in_ledger and self.in_wallet

    @property
    def given_back(self) -> bool:
        """Whether the payer has all of it again."""
        return self.payment is not None and self.payment.captured_minor > 0 and self.payment.refunded_minor == self.payment.captured_minor

    @property
    def going_back(self) -> Money:
        """What is on its way back to the payer, or waits for its turn."""
        if self.payment is None:
            return Money(0, self.order.currency)
        return self.payment.refunding + self.payment.queued


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of an order, and how much of it went back."""

    line: OrderLine
    refunded: Money

    @property
    def left(self) -> Money:
        """What can still be given back of it."""
        return self.line.amount - self.refunded


def parts_of(checkout: Checkout) -> list[Part]:
    """All its orders in their places, each read from its own seller's book as it is now: two questions, however many orders there are."""
    found = _PARTS.all(checkout.vendor_id, checkout.mode, checkout.id)
    booked = _booked([payment for *_, payment in found if payment is not None and payment.captured_minor])
    return [
        Part(part.place, seller, order, payment, *(booked.get(payment.id, (False, False)) if payment else (False, False)))
        for part, order, seller, payment in found
    ]


def _booked(paid: list[Payment]) -> dict[uuid.UUID, tuple[bool, bool]]:
    """Whether the books have each one's capture, and the seller's account what the order leaves to the seller."""
    if not paid:
        return {}
    keys = [[one.vendor_id for one in paid], [one.mode for one in paid], [one.public_id for one in paid]]
    sums = {
        (vendor_id, about): (journals, sellers) for vendor_id, about, journals, sellers in driver().execute(BOOKED, (SELLER_PENDING, *keys))
    }
    found = {one.id: sums.get((one.vendor_id, one.public_id), (0, 0)) for one in paid}
    return {one.id: (found[one.id][0] == 1, int(found[one.id][1]) == one.captured_minor - one.fee_minor) for one in paid}


def get_checkout(operator: Vendor, mode: str, public_id: str) -> Checkout:
    """One of this caller's checkouts; refuses with 404."""
    if is_public_id("chk", public_id):
        mine = select(Checkout).where(Checkout.vendor_id == operator.id, Checkout.mode == mode, Checkout.public_id == public_id)
        found = db.session.scalar(mine)
        if found is not None:
            return found
    raise NotFound("There is no such checkout.")


def get_order(seller: Vendor, mode: str, public_id: str) -> Order:
    """One of this seller's orders; refuses with 404."""
    if is_public_id("ord", public_id):
        found = db.session.scalar(_orders(seller, mode).where(Order.public_id == public_id))
        if found is not None:
            return found
    raise NotFound("There is no such order.")


def list_orders(seller: Vendor, mode: str, *, view: str = "", after: uuid.UUID | None = None, limit: int = 25) -> list[Order]:
    """This seller's orders, newest first; all of them, or one view."""
    query = _orders(seller, mode)
    if view == "to-deliver":
        query = query.where(Order.state == "paid", Order.delivered_at.is_(None))
    elif view == "delivered":
        query = query.where(Order.delivered_at.is_not(None))
    elif view == "unpaid":
        query = query.where(Order.state != "paid")
    if after is not None:
        query = query.where(Order.id < after)
    return list(db.session.scalars(query.order_by(Order.id.desc()).limit(limit)))


def _orders(seller: Vendor, mode: str) -> Select[Any]:
    return select(Order).where(Order.vendor_id == seller.id, Order.mode == mode)


def checkout_of(order: Order) -> Checkout:
    """The checkout that the order is a part of. It stands in the caller's book: what of it a seller may read is for the page to say."""
    return db.session.get_one(Checkout, (order.operator_id, order.mode, order.checkout_id))


def lines_of(seller: Vendor, order: Order) -> list[Sold]:
    """The order's lines, each with what went back of it; a refund that did not arrive counts no more, unless a link of its own pays it."""
    mine = (OrderRefundLine.vendor_id == seller.id, OrderRefundLine.mode == order.mode, OrderRefundLine.order_id == order.id)
    refund = (
        (Refund.vendor_id == OrderRefundLine.vendor_id) & (Refund.mode == OrderRefundLine.mode) & (Refund.id == OrderRefundLine.refund_id)
    )
    gone = select(OrderRefundLine.place, func.sum(OrderRefundLine.amount_minor)).join(Refund, refund).where(*mine)
    by_link = exists().where(
        RefundClaim.vendor_id == Refund.vendor_id, RefundClaim.mode == Refund.mode, RefundClaim.refund_id == Refund.id,
        RefundClaim.state.in_(("approved", "paid")),
    )  # fmt: skip
    counted = db.session.execute(gone.where(Refund.state.not_in(("failed", "canceled")) | by_link).group_by(OrderRefundLine.place))
    sums = {place: int(minor) for place, minor in counted}
    lines = select(OrderLine).where(OrderLine.vendor_id == seller.id, OrderLine.mode == order.mode, OrderLine.order_id == order.id)
    return [Sold(line, Money(sums.get(line.place, 0), line.currency)) for line in db.session.scalars(lines.order_by(OrderLine.place))]


def history_of(vendor_id: uuid.UUID, mode: str, subject_id: uuid.UUID) -> list[OrderEvent]:
    """What happened to an order or a checkout, the first first."""
    mine = (OrderEvent.vendor_id == vendor_id, OrderEvent.mode == mode, OrderEvent.subject_id == subject_id)
    return list(db.session.scalars(select(OrderEvent).where(*mine).order_by(OrderEvent.seq)))
