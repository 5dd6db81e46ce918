"""Lines of an order are given back, whole or in part: one refund of the order's payment, which remembers what it was for."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.orders.history import note
from core.orders.models import Order, OrderRefundLine
from core.orders.pay import lock_order, payment_of
from core.orders.queries import lines_of
from core.payments.refund import NothingToRefund, request_refund
from core.payments.refund_models import Refund


class LineRefundRefused(Refusal):
    """More of a line than is left, or of a line that is not there."""

    code = "line_refund_refused"


def refund_lines(
    seller: Vendor, order: Order, amounts: Mapping[int, Money], *, reason: str, by: str, form_token: str, note_text: str = ""
) -> Refund:
    """Give back so much of each line, by its place. The same form posted twice is one refund.

    The order is locked, so two people at once cannot give more of a line than it is. Our fee goes back in proportion, like with every
    refund. Refuses LineRefundRefused at `line_<place>`, and what request_refund refuses.
    """
    order = lock_order(seller.id, order.mode, order.id)
    payment = payment_of(order)
    if payment is None or order.state != "paid":
        raise NothingToRefund("This order is not paid, so there is nothing to give back.")
    again = db.session.scalar(
        select(Refund).where(Refund.vendor_id == seller.id, Refund.mode == order.mode, Refund.form_token == form_token)
    )
    if again is None:
        _check(seller, order, amounts)
    total = sum((amount.minor for amount in amounts.values()), 0)
    refund = request_refund(
        seller, payment, amount=Money(total, order.currency), reason=reason, by=by, form_token=form_token, note_text=note_text,
        on_settled="follow_order",
    )  # fmt: skip
    if again is None:
        db.session.flush()
        for place, amount in sorted(amounts.items()):
            db.session.add(
                OrderRefundLine(
                    vendor_id=seller.id, mode=order.mode, refund_id=refund.id, place=place, order_id=order.id, amount_minor=amount.minor
                )
            )
        note(order, "order.refund_requested", actor=by, refund=refund.public_id, amount_minor=total, currency=order.currency)
    return refund


def _check(seller: Vendor, order: Order, amounts: Mapping[int, Money]) -> None:
    if not amounts:
        raise LineRefundRefused("Enter how much of which line goes back.", field="lines")
    sold = {one.line.place: one for one in lines_of(seller, order)}
    for place, amount in amounts.items():
        field = f"line_{place}"
        if place not in sold:
            raise LineRefundRefused("This order has no such line.", field=field)
        if amount.currency != order.currency or amount.minor <= 0:
            raise LineRefundRefused(said("Enter an amount in %(currency)s above zero.", currency=order.currency), field=field)
        if sold[place].left < amount:
            raise LineRefundRefused(said("At most %(left)s of this line can still be given back.", left=sold[place].left), field=field)
