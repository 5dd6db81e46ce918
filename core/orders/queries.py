"""Checkouts and orders read: one of them, a page of them, and a checkout with all its parts as the sellers' own books have them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.ledger.book import SELLER_PENDING
from core.ledger.models import Entry, Journal
from core.orders.models import Checkout, CheckoutPart, Order, OrderEvent, OrderLine, OrderRefundLine
from core.payments.models import Payment
from core.payments.refund_models import Refund

VIEWS = ("to-deliver", "delivered", "unpaid")  # of the list of orders


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
    """All its orders in their places, each read from its own seller's book."""
    mine = (CheckoutPart.vendor_id == checkout.vendor_id, CheckoutPart.mode == checkout.mode, CheckoutPart.checkout_id == checkout.id)
    return [_part(part) for part in db.session.scalars(select(CheckoutPart).where(*mine).order_by(CheckoutPart.place))]


def _part(part: CheckoutPart) -> Part:
    order = db.session.get_one(Order, (part.seller_id, part.mode, part.order_id), populate_existing=True)
    payment = None
    if order.payment_id is not None:
        payment = db.session.get_one(Payment, (part.seller_id, part.mode, order.payment_id), populate_existing=True)
    ledger, wallet = _booked(payment) if payment is not None and payment.captured_minor else (False, False)
    return Part(part.place, get_vendor(part.seller_id), order, payment, ledger, wallet)


def _booked(payment: Payment) -> tuple[bool, bool]:
    """Whether the books have its capture, and the seller's account what the order leaves to the seller."""
    mine = (
        Journal.vendor_id == payment.vendor_id,
        Journal.mode == payment.mode,
        Journal.about == payment.public_id,
        Journal.kind == "capture",
    )
    entry = (Entry.vendor_id == Journal.vendor_id) & (Entry.mode == Journal.mode) & (Entry.journal_id == Journal.id)
    sums = select(func.count(Journal.id.distinct()), func.coalesce(-func.sum(Entry.amount_minor).filter(Entry.code == SELLER_PENDING), 0))
    journals, sellers = db.session.execute(sums.select_from(Journal).join(Entry, entry).where(*mine)).one()
    return journals == 1, int(sellers) == payment.captured_minor - payment.fee_minor


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
    """The order's lines, each with what went back of it; a refund that did not arrive counts no more."""
    mine = (OrderRefundLine.vendor_id == seller.id, OrderRefundLine.mode == order.mode, OrderRefundLine.order_id == order.id)
    refund = (
        (Refund.vendor_id == OrderRefundLine.vendor_id) & (Refund.mode == OrderRefundLine.mode) & (Refund.id == OrderRefundLine.refund_id)
    )
    gone = select(OrderRefundLine.place, func.sum(OrderRefundLine.amount_minor)).join(Refund, refund).where(*mine)
    counted = db.session.execute(gone.where(Refund.state.not_in(("failed", "canceled"))).group_by(OrderRefundLine.place))
    sums = {place: int(minor) for place, minor in counted}
    lines = select(OrderLine).where(OrderLine.vendor_id == seller.id, OrderLine.mode == order.mode, OrderLine.order_id == order.id)
    return [Sold(line, Money(sums.get(line.place, 0), line.currency)) for line in db.session.scalars(lines.order_by(OrderLine.place))]


def history_of(vendor_id: uuid.UUID, mode: str, subject_id: uuid.UUID) -> list[OrderEvent]:
    """What happened to an order or a checkout, the first first."""
    mine = (OrderEvent.vendor_id == vendor_id, OrderEvent.mode == mode, OrderEvent.subject_id == subject_id)
    return list(db.session.scalars(select(OrderEvent).where(*mine).order_by(OrderEvent.seq)))


def list_checkouts_of(operator: Vendor, mode: str, *, limit: int = 25) -> list[Checkout]:
    """The caller's own checkouts, newest first."""
    mine = select(Checkout).where(Checkout.vendor_id == operator.id, Checkout.mode == mode)
    return list(db.session.scalars(mine.order_by(Checkout.id.desc()).limit(limit)))
