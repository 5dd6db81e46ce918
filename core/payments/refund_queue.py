"""What becomes of a refund when the seller's balance is short: given on credit down to the platform's limit, or kept waiting in line.

A refund in line is booked nowhere. As soon as the balance holds the first one it is booked and sent, then the next: never out of turn.
It can be called off until then. What was given on credit is owed, shown as such, and made up from the next releases.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.outbox import enqueue, enqueue_named
from core.ledger.book import SELLER_AVAILABLE, SELLER_RECEIVABLE
from core.ledger.models import Balance
from core.ledger.post import BalanceTooLow
from core.ledger.queries import balance
from core.payments.charge_news import tell_given_back
from core.payments.claim_follow import follow_claim
from core.payments.history import note
from core.payments.lists import get_refund
from core.payments.models import Payment
from core.payments.refund_books import Whose, book_request, debt_of, fee_to_return, lock_both, sellers_account, settle_debt
from core.payments.refund_models import Refund
from core.payments.states import REFUND, check_move

IN_LINE = "seller_available"  # the account that refunds wait for: what a payment has pending is its own, and always holds its refunds


class NotInLine(Conflict):
    """The refund has gone out, or was called off before."""

    code = "refund_not_in_line"


def debt_limit(currency: str) -> Money:
    """How far the platform lets refunds take a seller below zero."""
    return Money(settings().debt_limits.get(currency, 0), currency)


def book_or_queue(payment: Payment, refund: Refund) -> None:
    """Book a fresh refund, or put it at the end of the line. The payment is locked; the vendor is held from here on."""
    hold_vendor(payment.vendor_id)
    behind = sellers_account(payment) == IN_LINE and find_first(payment.vendor_id, payment.mode, payment.currency) is not None
    if behind or not _book(payment, refund):
        refund.state, refund.fee_returned_minor, refund.taken_from = "queued", 0, sellers_account(payment)
        payment.queued_minor += refund.amount_minor
        db.session.add(refund)
        db.session.flush()


def _book(payment: Payment, refund: Refund) -> bool:
    """Take the money from where the payment's stands, or give it on credit; False when neither may be."""
    account = sellers_account(payment)
    if _try(payment, refund, account):
        return True
    if account != IN_LINE or not credit_left(payment, refund.amount - fee_to_return(payment, refund.amount)):
        return False
    if not _try(payment, refund, "seller_receivable"):
        raise RuntimeError("what a seller owes has no ceiling to knock against")
    settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)
    return True


def _try(payment: Payment, refund: Refund, taken_from: str) -> bool:
    queued = refund.state == "queued"
    try:
        with db.session.begin_nested():
            refund.taken_from, refund.fee_returned_minor = taken_from, fee_to_return(payment, refund.amount).minor
            if queued:
                payment.queued_minor -= refund.amount_minor
                _move(refund, "requested")
            book_request(payment, refund)
    except BalanceTooLow:
        db.session.refresh(payment)
        if queued:
            db.session.refresh(refund)
        return False
    return True


def credit_left(payment: Payment, share: Money) -> bool:
    """Whether this much may be given although the balance does not hold it: with what is owed already it stays within the limit."""
    held = balance(Whose(payment.vendor_id), payment.mode, IN_LINE, payment.currency)
    below = debt_of(payment.vendor_id, payment.mode, payment.currency) + share - held
    return below <= debt_limit(payment.currency)


def find_first(vendor_id: uuid.UUID, mode: str, currency: str) -> Refund | None:
    """The refund whose turn it is."""
    line = select(Refund).where(Refund.vendor_id == vendor_id, Refund.mode == mode, Refund.currency == currency, Refund.state == "queued")
    return db.session.scalar(line.order_by(Refund.id).limit(1))


def list_lines_to_move(limit: int = 200) -> list[tuple[uuid.UUID, str, str]]:
    """Where the first refund in line may go out by now: vendor, mode and currency. For the clock, in one question for all vendors."""
    whose = (Refund.vendor_id, Refund.mode, Refund.currency)
    first = select(*whose, Refund.payment_id, Refund.amount_minor).where(Refund.state == "queued").order_by(*whose, Refund.id)
    line = first.ext(distinct_on(*whose)).subquery().c
    of = (Payment.vendor_id == line.vendor_id) & (Payment.mode == line.mode) & (Payment.id == line.payment_id)
    own = select(func.coalesce(-func.sum(Balance.amount_minor), 0)).where(
        Balance.vendor_id == line.vendor_id, Balance.mode == line.mode, Balance.currency == line.currency,
        Balance.code.in_((SELLER_AVAILABLE, SELLER_RECEIVABLE)),
    )  # fmt: skip
    limits = [(line.currency == code, minor) for code, minor in settings().debt_limits.items()]
    least = line.amount_minor - (Payment.fee_minor - Payment.fee_returned_minor)  # what the seller gives at least
    enough = own.scalar_subquery() + (case(*limits, else_=0) if limits else 0) >= least
    found = select(line.vendor_id, line.mode, line.currency).join(Payment, of).where(enough | Payment.released_at.is_(None))
    return [(vendor_id, mode, currency) for vendor_id, mode, currency in db.session.execute(found.limit(limit))]


def send_first(vendor_id: uuid.UUID, mode: str, currency: str) -> bool:
    """Send the refund whose turn it is, when the balance holds it by now; answers whether another one may follow. One unit of work each:
    the state, the books and the task are kept together or not at all."""
    first = find_first(vendor_id, mode, currency)
    if first is None:
        return False
    payment, refund = lock_both(first)
    hold_vendor(vendor_id)
    if refund.state != "queued":
        return True  # called off, or sent by another worker, while this one waited
    if (ahead := find_first(vendor_id, mode, currency)) is None or ahead.id != refund.id:
        return True
    if not _book(payment, refund):
        return False
    note(payment, "refund.funded", actor="system", refund=refund.public_id, amount_minor=refund.amount_minor, currency=refund.currency)
    enqueue("send_refund", vendor_id, mode=mode, refund=str(refund.id))
    return True


def cancel_queued(vendor: Vendor, mode: str, public_id: str, *, by: str) -> Refund:
    """Call a refund off that still waits. Refuses with NotInLine once it has gone out; to repeat it changes nothing."""
    payment, refund = lock_both(get_refund(vendor, mode, public_id))
    if refund.state == "canceled" and refund.sent_at is None:
        return refund
    if refund.state != "queued":
        raise NotInLine("This refund does not wait any more: it has gone out.")
    _call_off(payment, refund, by=by, why="")
    record(vendor.id, actor=by, action="refund.canceled", subject=refund.public_id, payment=payment.public_id)
    return refund


def make_room(payment: Payment, amount: Money) -> None:
    """Money of a locked payment has gone back in another way: refunds of it that still wait are called off, the newest first, as far as
    it takes."""
    for refund in _waiting(payment):
        if payment.refundable < amount:
            _call_off(payment, refund, by="system", why="gone_back_otherwise")


def call_off_line(payment: Payment, *, why: str) -> None:
    """Every refund of a locked payment that still waits is called off: its money has gone elsewhere."""
    for refund in _waiting(payment):
        _call_off(payment, refund, by="system", why=why)


def _waiting(payment: Payment) -> list[Refund]:
    """The newest first, locked."""
    waiting = select(Refund).where(
        Refund.vendor_id == payment.vendor_id, Refund.mode == payment.mode, Refund.payment_id == payment.id, Refund.state == "queued"
    )
    return list(db.session.scalars(waiting.order_by(Refund.id.desc()).with_for_update()))


def _call_off(payment: Payment, refund: Refund, *, by: str, why: str) -> None:
    _move(refund, "canceled")
    refund.settled_at = now()
    follow_claim(refund)
    if refund.on_settled:
        enqueue_named(refund.on_settled, refund.vendor_id, mode=refund.mode, refund=str(refund.id), result="canceled")
    payment.queued_minor -= refund.amount_minor
    tell_given_back(payment)
    detail = {"why": why} if why else {}
    note(
        payment, "refund.canceled", actor=by, refund=refund.public_id, amount_minor=refund.amount_minor, currency=refund.currency, **detail
    )


def _move(refund: Refund, to: str) -> None:
    check_move(REFUND, refund.state, to)
    refund.state = to


@dataclass(frozen=True, slots=True)
class Line:
    """How many refunds wait in one currency, and how much they come to."""

    count: int
    amount: Money


def queued_of(vendor_ids: Collection[uuid.UUID], mode: str, currency: str) -> dict[uuid.UUID, Money]:
    """What the refunds come to that wait for the balance of each of these vendors in one currency."""
    waiting = Refund.vendor_id.in_(vendor_ids), Refund.mode == mode, Refund.state == "queued", Refund.currency == currency
    rows = db.session.execute(select(Refund.vendor_id, func.sum(Refund.amount_minor)).where(*waiting).group_by(Refund.vendor_id))
    found = {vendor_id: int(total) for vendor_id, total in rows}
    return {vendor_id: Money(found.get(vendor_id, 0), currency) for vendor_id in vendor_ids}


def lines_of_refunds(vendor: Vendor, mode: str) -> dict[str, Line]:
    """The refunds that wait for the vendor's balance, by currency."""
    waiting = select(Refund.currency, func.count(), func.sum(Refund.amount_minor)).where(
        Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.state == "queued"
    )
    rows = db.session.execute(waiting.group_by(Refund.currency).order_by(Refund.currency))
    return {code: Line(int(count), Money(int(total), code)) for code, count, total in rows}
