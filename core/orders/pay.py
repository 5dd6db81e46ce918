"""One order is paid: a payment of its own in its seller's book, off the checkout's one token; and the order follows its payment.

Nothing here locks more than one book. What an order's news mean for its checkout is worked out apart (core/orders/follow.py).
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.accounts.standing import check_open
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.outbox import enqueue
from core.orders.history import move, note
from core.orders.models import Checkout, Order
from core.orders.open import pay_with
from core.orders.states import ALL_OR_NOTHING, BY_PAYMENT, ORDER
from core.orders.weigh import is_refused, weigh_checkout, weighed_for
from core.payments.charge import Share, charge_saved, find_charge_of
from core.payments.models import Payment
from core.payments.refund import request_refund
from core.payments.refund_models import Refund
from core.payments.saved import find_saved, forget, lend_card, put_away
from core.payments.saved_models import SavedCard, Saving
from core.payments.start import lock_payment
from core.payments.weigh import NOT_ACCEPTED

UNDONE, TIME = "undone", "time"
AFTERWARDS = timedelta(days=1)  # until the clock has asked every order of a checkout that ran out of time
log = structlog.get_logger("orders")


def begin_paying(vendor_id: uuid.UUID, mode: str, saving_id: uuid.UUID, card_id: uuid.UUID) -> bool:
    """The payer's card was saved for a checkout: its orders are paid with it. Once, however often it is told; answers whether it began now."""
    saving = db.session.get_one(Saving, (vendor_id, mode, saving_id))
    mine = select(Checkout).where(Checkout.vendor_id == vendor_id, Checkout.mode == mode, Checkout.public_id == saving.only_for)
    card = db.session.get_one(SavedCard, (vendor_id, mode, card_id))
    found = db.session.scalar(mine)
    decision = weigh_checkout(get_vendor(vendor_id), found, card) if found is not None and found.state == "open" else None
    checkout = db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if checkout is None or checkout.state != "open":
        if checkout is None or checkout.card_id != card.id:
            forget(card)  # it came too late to be used
        return False
    if now() >= checkout.expires_at:
        forget(card)
        enqueue("follow_checkout", vendor_id, mode=mode, checkout=str(checkout.id))  # which says that it was too late
        return False
    checkout.decision = decision
    pay_with(checkout, card, actor="payer")
    return True


def pay_order(vendor_id: uuid.UUID, mode: str, order_id: uuid.UUID) -> Payment | None:
    """Write the order's payment down, to be charged to the checkout's token; a worker sends it. None when there is nothing to pay.

    The order is locked and names its payment, and its number is the charge's reference: twice is once.
    """
    order = lock_order(vendor_id, mode, order_id)
    if order.state != "waiting":
        return None
    seller, operator = get_vendor(vendor_id), get_vendor(order.operator_id)
    checkout = db.session.get_one(Checkout, (order.operator_id, mode, order.checkout_id), populate_existing=True)
    card = find_saved(operator, mode, checkout.card_id) if checkout.card_id else None
    if card is None or checkout.state not in ("paying", "waiting"):
        _over(order, "checkout_over")
        return None
    if is_refused(checkout):
        _over(order, NOT_ACCEPTED)
        return None
    try:
        with db.session.begin_nested():
            payment = _charge(order, seller, operator, checkout, card)
    except Refusal as no:
        _over(order, no.code)
        return None
    order.payment_id = payment.id
    move(order, "paying", actor="system", payment=payment.public_id)
    return payment


def _charge(order: Order, seller: Vendor, operator: Vendor, checkout: Checkout, card: SavedCard) -> Payment:
    check_open(seller, checkout.mode)
    return charge_saved(
        seller, lend_card(card, seller), amount=order.amount, description=f"{operator.name} · {order.reference or order.public_id}",
        reference=order.public_id, on_settled="hear_order", locale=checkout.locale,
        share=Share(order.fee, seller_bears=order.seller_bears, release_days=order.release_days),
        asked=True, weighed=weighed_for(checkout),
    )  # fmt: skip


def _over(order: Order, why: str) -> None:
    """It will not be paid: its seller takes nothing from this payer, or takes no part any more."""
    order.why_over = why[:60]
    move(order, "over", actor="system", why=order.why_over)
    ask_to_follow(order)


def hear_order(vendor_id: uuid.UUID, mode: str, order_id: uuid.UUID) -> bool:
    """Bring an order to what its payment says now; answers whether that was news. Late and doubled news find nothing to change."""
    order = lock_order(vendor_id, mode, order_id)
    payment = payment_of(order)
    if payment is None:
        return False
    to = BY_PAYMENT[payment.state]
    if to == order.state or to not in ORDER[order.state]:
        return False
    move(order, to, actor="system", payment=payment.public_id)
    if to in ("paid", "over"):
        _let_card_go(order, payment)
    if to == "over":
        order.why_over = order.why_over or payment.decline_code or payment.state
    elif to in ("action", "declined") and order.ended_because:
        _let_run_out(payment)  # it was under way when the checkout ended without it
    elif to == "paid" and order.ended_because == UNDONE:
        _give_back(order, payment)
    elif to == "paid" and may_be_undone(order):
        _hold(order, payment)
    ask_to_follow(order)
    return True


def may_be_undone(order: Order) -> bool:
    """Whether what was paid may still have to go back: all or nothing, and the checkout is not done."""
    checkout = db.session.get_one(Checkout, (order.operator_id, order.mode, order.checkout_id), populate_existing=True)
    return checkout.rule == ALL_OR_NOTHING and checkout.state != "done"


def _hold(order: Order, payment: Payment) -> None:
    """Nothing of it becomes available before the time is up in which another order may undo it."""
    checkout = db.session.get_one(Checkout, (order.operator_id, order.mode, order.checkout_id))
    payment = lock_payment(payment)
    if payment.released_at is None and payment.available_at is not None:
        payment.available_at = max(payment.available_at, checkout.expires_at + AFTERWARDS)


def _let_run_out(payment: Payment) -> None:
    payment = lock_payment(payment)
    if payment.state in ("requires_action", "requires_method"):
        payment.expires_at = min(payment.expires_at, now())


def find_order_of(vendor_id: uuid.UUID, mode: str, payment_id: uuid.UUID) -> Order | None:
    """The order that this payment is for."""
    mine = select(Order).where(Order.vendor_id == vendor_id, Order.mode == mode, Order.payment_id == payment_id)
    return db.session.scalar(mine)


def find_order_refunded(vendor_id: uuid.UUID, mode: str, refund_id: uuid.UUID) -> Order | None:
    """The order whose payment this refund gives back."""
    return find_order_of(vendor_id, mode, db.session.get_one(Refund, (vendor_id, mode, refund_id)).payment_id)


def end_order(vendor_id: uuid.UUID, mode: str, order_id: uuid.UUID, why: str) -> None:
    """The checkout ends without this order: what was not paid is let run out, and what was paid goes back if nothing is to be kept.

    A payment that is under way is waited for; should it bring money after all, that goes back just the same. Safe to repeat.
    """
    order = lock_order(vendor_id, mode, order_id)
    if order.ended_because != UNDONE:
        order.ended_because = why
        note(order, "order.ending", actor="system", why=why)
    payment = payment_of(order)
    if payment is None:
        if order.state == "waiting":
            _over(order, why)
        return
    _let_run_out(payment)
    if payment.state == "succeeded" and order.state == "paid" and why == UNDONE:
        _give_back(order, payment)
    ask_to_follow(order)


def _give_back(order: Order, payment: Payment) -> None:
    """Another order of an all-or-nothing checkout was not paid: the payer gets all of this one back, once.

    While the payer's bank has taken it back itself nothing is sent, and what had not left when it did is asked for again when that is over.
    What cannot go back the way it came is for a person: the order is paid all the same, and its checkout goes on being undone.
    """
    payment = lock_payment(payment)
    token = _undo_token(order, payment)
    if not payment.refundable or payment.disputed or token is None:
        return
    try:
        with db.session.begin_nested():
            request_refund(
                get_vendor(order.vendor_id), payment, amount=payment.refundable, reason="other", by="system", form_token=token,
                note_text="The checkout was all or nothing, and another order of it was not paid.", on_settled="follow_order",
            )  # fmt: skip
    except Refusal as no:
        log.error("order_not_given_back", order=order.public_id, why=no.code)
        return
    note(order, "order.given_back", actor="system", payment=payment.public_id)


def _undo_token(order: Order, payment: Payment) -> str | None:
    """The name of the one refund that undoes the order; a further one where a dispute called it off. None after one that failed: a bank that
    does not take it today does not take it in a minute."""
    name = f"undo:{order.public_id}"
    mine = (Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    states = list(db.session.scalars(select(Refund.state).where(*mine, Refund.form_token.startswith(name, autoescape=True))))
    if any(state != "canceled" for state in states):
        return None
    return f"{name}:{len(states)}" if states else name


def _let_card_go(order: Order, payment: Payment) -> None:
    """What was lent for this one charge is put away. The checkout's own card is let go with the checkout: others may still be paid with it."""
    if order.vendor_id == order.operator_id:
        return
    charge = find_charge_of(payment)
    card = db.session.get(SavedCard, (payment.vendor_id, payment.mode, charge.card_id)) if charge else None
    if card is not None and card.only_for:
        put_away(card)


def ask_to_follow(order: Order) -> None:
    """Have its checkout look at all its orders."""
    enqueue("follow_checkout", order.operator_id, mode=order.mode, checkout=str(order.checkout_id))


def payment_of(order: Order) -> Payment | None:
    """The order's payment as it is now."""
    if order.payment_id is None:
        return None
    return db.session.get_one(Payment, (order.vendor_id, order.mode, order.payment_id), populate_existing=True)


def lock_order(vendor_id: uuid.UUID, mode: str, order_id: uuid.UUID) -> Order:
    """The order as it is now, locked until the unit ends."""
    order = locked(Order, vendor_id, mode, order_id)
    if order is None:
        raise RuntimeError("an order is never deleted")
    return order
