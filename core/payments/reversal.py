"""The bank takes back a credit it had booked: first from money nobody had used, then from what the sale brought the seller."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.history import note
from core.payments.models import Payment
from core.payments.refund import settle_refund
from core.payments.refund_books import fee_to_return, settle_debt
from core.payments.refund_models import Refund
from core.payments.refund_queue import make_room
from core.payments.start import lock_payment
from core.payments.taken_beyond import REASON, take_what_is_there, write_reversed
from core.payments.transfer_models import Transfer
from core.payments.transfer_receive import booked_at, judge
from core.payments.transfer_return import call_off_returns
from core.providers.bank_models import BankLine
from core.providers.bank_orders import call_off_untold, standing
from core.providers.contract import RefundOutcome


def take_back_transfer(vendor: Vendor, payment: Payment, original: BankLine, line: BankLine) -> None:
    """Book the reversal and say so everywhere: the transfer, the payment's sums and history, the vendor.

    What is on its way back to the payer is called off as far as our bank has not been told of it. What had paid for the sale counts as
    given back, with our fee in proportion. What has gone back already stands with no sale any more, so the seller owes it, as a seller
    whose balance no longer holds it does; what is on its way and does not arrive after all: core/payments/taken_beyond.py.
    """
    payment = lock_payment(payment)
    _call_off(vendor, payment, line)
    unapplied = Money(min(payment.unapplied.minor, line.amount_minor), payment.currency)
    gone = line.amount - unapplied
    if gone:
        make_room(payment, gone)
    hold_vendor(vendor.id)
    sold = min(gone, payment.refundable)
    fee = fee_to_return(payment, sold) if sold else Money(0, payment.currency)
    payment.received_minor -= unapplied.minor
    taken_from = take_what_is_there(payment, line, unapplied, sold, fee, at=booked_at(line))
    if sold:
        write_reversed(payment, sold, fee, taken_from, number=line.public_id)
    if beyond := gone - sold:
        post([book.transfer_taken_beyond(payment, line, amount=beyond, at=booked_at(line))])
    settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)
    transfer = db.session.scalar(
        select(Transfer).where(Transfer.vendor_id == vendor.id, Transfer.mode == payment.mode, Transfer.line == original.public_id)
    )
    if transfer is not None:
        transfer.taken_back_at = now()
    note(payment, "transfer.taken_back", actor="bank", cause=line.public_id, amount_minor=line.amount_minor, currency=line.currency)
    tell_team(vendor, "transfer_taken_back", mode=payment.mode, amount=line.amount, payment=payment.public_id)
    judge(vendor, payment)


def _call_off(vendor: Vendor, payment: Payment, line: BankLine) -> None:
    """The payer has this money again: what was to go back to them does not go as well, as far as it can still be stopped and is more than
    is left."""
    call_off_returns(payment, line.amount, why=REASON, cause=line.public_id)
    mine = (Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    under_way = select(Refund).where(*mine, Refund.state.in_(("requested", "submitted", "pending", "unknown")))
    for refund in db.session.scalars(under_way.order_by(Refund.id.desc())):
        if not refund.of_sale or payment.unapplied + payment.refundable + payment.queued >= line.amount:
            continue
        if refund.state == "requested":
            settle_refund(vendor, refund, RefundOutcome("canceled", "", refund.amount, failure_reason=REASON), cause=line.public_id)
        elif (order := call_off_untold(refund.mode, refund.public_id, why=REASON)) is not None:
            settle_refund(vendor, refund, standing(order), cause=line.public_id)
