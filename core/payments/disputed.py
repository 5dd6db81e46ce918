"""What a dispute does to the refunds of its payment: those that have not left are called off, and what is lost stands among those that went back."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendors, get_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.payments.claim_follow import BANK
from core.payments.models import Payment
from core.payments.refund import settle_refund
from core.payments.refund_models import Refund
from core.payments.refund_queue import call_off_line
from core.payments.start import lock_payment
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import REFUND, call_off_untold, standing
from core.providers.contract import RefundOutcome

REASON = "lost_dispute"


def stop_refunds(vendor: Vendor, payment: Payment) -> None:
    """A dispute has begun on this locked payment: the payer is not paid twice. What was sent already is the processor's to refuse; our bank
    refuses nothing, so a transfer that it has not been told of is called off here."""
    call_off_line(payment, why="disputed")
    waiting = select(Refund).where(
        Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id, Refund.state == "requested"
    )
    for refund in db.session.scalars(waiting):
        if refund.of_sale:
            stopped = RefundOutcome("canceled", "", refund.amount, failure_reason="charge_disputed")
            settle_refund(vendor, refund, stopped, cause="dispute")
    call_transfers_back(vendor, payment)


def call_transfers_back(vendor: Vendor, payment: Payment) -> None:
    """Refunds of this locked payment, by transfer to an account its payer named, that nobody has told our bank of yet: they fail."""
    mine = (Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    under_way = select(Refund).where(*mine, Refund.provider == BANK, Refund.state.in_(("submitted", "pending", "unknown")))
    for refund in db.session.scalars(under_way):
        if (order := call_off_untold(refund.mode, refund.public_id, why="charge_disputed")) is not None:
            settle_refund(vendor, refund, standing(order), cause="dispute")


def transfers_beside_a_dispute(orders: Collection[BankOrder]) -> set[str]:
    """Of these orders of the bank, the public ids of those that give back what the payer's bank is taking back as well. No row is held."""
    return {refund.public_id for refund, payment in _given_back_by(orders) if payment.disputed_minor}


def call_free_transfers_back(orders: Collection[BankOrder]) -> None:
    """No file carries these any more: those of a payment that was disputed meanwhile are called off."""
    for refund, payment in _given_back_by(orders):
        held = lock_payment(payment)  # each of them: a dispute that is beginning at this moment has seen the file
        if held.disputed_minor:
            call_transfers_back(get_vendor(refund.vendor_id), held)


def _given_back_by(orders: Collection[BankOrder]) -> list[tuple[Refund, Payment]]:
    """Refunds to an account their payer named, each with its payment, always in the same order."""
    wanted = {
        order.reference for order in orders if order.purpose == REFUND and order.vendor and order.line is None and order.state != "failed"
    }
    if not wanted:
        return []
    mode, owners = next(iter(orders)).mode, find_vendors({order.vendor for order in orders if order.vendor})
    paid = and_(Payment.vendor_id == Refund.vendor_id, Payment.mode == Refund.mode, Payment.id == Refund.payment_id)
    mine = select(Refund, Payment).join(Payment, paid).where(
        Refund.vendor_id.in_([owner.id for owner in owners.values()]), Refund.mode == mode, Refund.public_id.in_(wanted), Refund.provider == BANK
    )  # fmt: skip
    return [(refund, payment) for refund, payment in db.session.execute(mine.order_by(Refund.payment_id, Refund.id))]


def write_lost(payment: Payment, amount: Money, fee: Money, *, form_token: str, reference: str) -> None:
    """What the payer keeps: a refund nobody asked for here. It stands among the others, done already."""
    payment.fee_returned_minor += fee.minor
    if not amount:
        return
    at = now()
    db.session.add(
        Refund(
            vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), public_id=public_id("ref"), payment_id=payment.id, form_token=form_token,
            state="succeeded", currency=payment.currency, amount_minor=amount.minor, fee_returned_minor=min(fee, amount).minor, taken_from="seller_hold",
            reason=REASON, note="", requested_by="bank", provider_reference=reference, inquiries=0, created_at=at, sent_at=at, settled_at=at,
        )
    )  # fmt: skip
    payment.refunded_minor += amount.minor
    enqueue("make_receipt", payment.vendor_id, queue="papers", mode=payment.mode, payment=str(payment.id))


def undo_lost(payment: Payment, fee: Money, *, form_token: str) -> Money:
    """The bank gave back after all what was lost: it is among the payment's refunds no more. Answers how much of them it was."""
    payment.fee_returned_minor -= fee.minor
    mine = (
        Refund.vendor_id == payment.vendor_id,
        Refund.mode == payment.mode,
        Refund.payment_id == payment.id,
        Refund.form_token == form_token,
    )
    refund = db.session.scalar(select(Refund).where(*mine).with_for_update())
    if refund is None:
        return Money(0, payment.currency)
    refund.state, refund.failure_reason, refund.settled_at = "failed", "dispute_reversed", now()
    payment.refunded_minor -= refund.amount_minor
    enqueue("make_receipt", payment.vendor_id, queue="papers", mode=payment.mode, payment=str(payment.id))
    return refund.amount
