"""What a bank took back although its money was on its way to the payer already: should it not reach them, nobody owes it any more.

The reversal had nothing left to take, so the seller owes it (core/payments/reversal.py). When the refund or the return that had the money
fails afterwards, that money is what the bank has taken: it is nobody's to send once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.ledger import book
from core.ledger.post import BalanceTooLow, post
from core.payments.charge_news import tell_given_back
from core.payments.models import Payment
from core.payments.refund_books import debt_of, fee_to_return, give_recovery_back, given_up_since, settle_debt
from core.payments.refund_models import Refund
from core.payments.transfer_models import Transfer, TransferReturn
from core.providers.bank_models import BankLine

REASON = "reversed_by_bank"


@dataclass(frozen=True, slots=True)
class Taken:
    """What the books need to know of it: the number under which it is booked, and the account of ours from which it went."""

    mode: str
    public_id: str
    account: str
    amount: Money


def beyond_of(payment: Payment) -> Money:
    """What the bank has taken back of a locked payment's transfers and neither its unapplied money nor its sale has given."""
    mine = (Transfer.vendor_id == payment.vendor_id, Transfer.mode == payment.mode, Transfer.payment_id == payment.id)
    total = func.sum(Transfer.amount_minor)
    came, gone = db.session.execute(select(total, total.filter(Transfer.taken_back_at.is_not(None))).where(*mine)).one()
    refunds = (Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    sold = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(*refunds, Refund.reason == REASON, Refund.state == "succeeded")
    from_unapplied = (came or 0) - payment.received_minor
    return Money(max(int((gone or 0) - from_unapplied - (db.session.scalar(sold) or 0)), 0), payment.currency)


def beyond_under_way(vendor_id: UUID, mode: str, currency: str) -> Money:
    """What a seller owes for such money and will owe no more should it not arrive: it is still on its way."""
    taken = select(Transfer.payment_id).where(Transfer.vendor_id == vendor_id, Transfer.mode == mode, Transfer.taken_back_at.is_not(None))
    mine = select(Payment).where(Payment.vendor_id == vendor_id, Payment.mode == mode, Payment.currency == currency, Payment.id.in_(taken))
    total = Money(0, currency)
    for payment in db.session.scalars(mine):
        total = total + min(beyond_of(payment), _under_way(payment))
    return total


def _under_way(payment: Payment) -> Money:
    """Of the payment, on its way to the payer."""
    mine = (TransferReturn.vendor_id == payment.vendor_id, TransferReturn.mode == payment.mode, TransferReturn.payment_id == payment.id)
    going = select(func.coalesce(func.sum(TransferReturn.amount_minor), 0)).where(*mine, TransferReturn.state.in_(("requested", "sent")))
    return payment.refunding + Money(int(db.session.scalar(going) or 0), payment.currency)


def meet_beyond(payment: Payment, failed: Money, *, reference: str) -> None:
    """A refund or return (`reference`) of so much has not reached the payer. As far as the bank has taken that money back beyond what was
    there, it is gone: from what is unapplied or from the sale, as if the reversal had found it there, and is owed no more. Once."""
    if not payment.received_minor:
        return  # it came by no transfer
    beyond = min(beyond_of(payment), failed)
    unapplied = min(payment.unapplied, beyond)
    sold = min(beyond - unapplied, payment.refundable)
    if not unapplied + sold:
        return
    hold_vendor(payment.vendor_id)
    taken = Taken(payment.mode, reference, _account(payment), unapplied + sold)
    fee = fee_to_return(payment, sold) if sold else Money(0, payment.currency)
    owed = min(debt_of(payment.vendor_id, payment.mode, payment.currency), taken.amount)
    never = given_up_since(payment.vendor_id, payment.mode, taken.amount - owed, _taken_at(payment))
    available = taken.amount - owed - never.lost
    post([book.transfer_not_beyond(payment, taken, owed=owed, lost=never.lost, available=available, at=now())])
    give_recovery_back(payment.vendor_id, payment.mode, never, key=f"never:{reference}:met", about=reference)
    payment.received_minor -= unapplied.minor
    taken_from = take_what_is_there(payment, taken, unapplied, sold, fee, at=now())
    if sold:
        write_reversed(payment, sold, fee, taken_from, number=f"{REASON}:{reference}")
    settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)


def _account(payment: Payment) -> str:
    """Ours, from which the bank has taken the newest of them."""
    mine = (Transfer.vendor_id == payment.vendor_id, Transfer.mode == payment.mode, Transfer.payment_id == payment.id)
    lines = select(Transfer.line).where(*mine, Transfer.taken_back_at.is_not(None))
    newest = select(BankLine.account).where(BankLine.mode == payment.mode, BankLine.public_id.in_(lines))
    return db.session.scalars(newest.order_by(BankLine.booked_on.desc(), BankLine.public_id.desc()).limit(1)).one()


def _taken_at(payment: Payment) -> datetime:
    """When the bank took the first of them: no debt for any is older."""
    mine = (Transfer.vendor_id == payment.vendor_id, Transfer.mode == payment.mode, Transfer.payment_id == payment.id)
    return db.session.scalars(select(func.min(Transfer.taken_back_at)).where(*mine)).one() or now()


def take_what_is_there(payment: Payment, line: book.Line, unapplied: Money, sold: Money, fee: Money, *, at: datetime) -> str:
    """Book what the bank took back and is there. Answers from which of the seller's accounts it was taken."""
    for taken_from in ("seller_available" if payment.released_at else "seller_pending", "seller_receivable"):
        if not unapplied + sold:
            return taken_from
        journal = book.transfer_taken_back(payment, line, unapplied=unapplied, sold=sold, fee_returned=fee, taken_from=taken_from, at=at)
        db.session.flush()
        try:
            with db.session.begin_nested():
                post([journal])
            return taken_from
        except BalanceTooLow:
            continue
    raise RuntimeError("what a seller owes has no floor to fall through")


def write_reversed(payment: Payment, amount: Money, fee: Money, taken_from: str, *, number: str) -> None:
    """A refund nobody asked for: it stands among the others, done already. `number`: of what took the money."""
    at = now()
    db.session.add(
        Refund(
            vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), public_id=public_id("ref"), payment_id=payment.id, form_token=number,
            state="succeeded", currency=payment.currency, amount_minor=amount.minor, fee_returned_minor=fee.minor, taken_from=taken_from,
            reason=REASON, note="", requested_by="bank", provider_reference=number, inquiries=0, created_at=at, sent_at=at, settled_at=at,
        )
    )  # fmt: skip
    payment.refunded_minor += amount.minor
    payment.fee_returned_minor += fee.minor
    tell_given_back(payment)
    enqueue("make_receipt", payment.vendor_id, queue="papers", mode=payment.mode, payment=str(payment.id))
