"""Booking the lines of bank statements, each once: to the payment it names, to the order it carries out, or to those nobody knows."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from uuid import UUID

from sqlalchemy import exists, or_, select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendors, hold_vendors
from core.kernel.db import db
from core.kernel.outbox import enqueue
from core.ledger import book
from core.ledger.post import post
from core.payments.match import find_refund, lock_payments
from core.payments.models import Payment
from core.payments.refund import settle_refund
from core.payments.repaid import take_repayment_back
from core.payments.reversal import take_back_transfer
from core.payments.transfer_receive import booked_at, receive_transfer
from core.payments.transfer_return import find_return, settle_return
from core.payments.unknown import TAKEN_TWICE, call_return_off, line_was_returned, unknown_taken_back
from core.providers.bank import REFERENCE_LENGTH, find_expectation
from core.providers.bank_models import BankExpectation, BankLine, BankOrder
from core.providers.bank_orders import PAYOUT, lock_order, standing

BATCH = 100
TAKES_BACK = or_(BankLine.reversal, BankLine.return_reason != "")  # comes after what it is about, which may be of the same day
_BLANKS = re.compile(r"[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line turned out to be about."""

    line: BankLine
    expected: BankExpectation | None = None
    order: BankOrder | None = None
    original: BankLine | None = None  # of a reversal: the line that is taken back
    why: str = ""  # why nobody knows it

    @property
    def vendor(self) -> str:
        """The public id of whose it is; empty when it is nobody's."""
        return (self.expected and self.expected.vendor) or (self.order and self.order.vendor) or ""


def book_lines(mode: str, limit: int = BATCH) -> int:
    """Book the oldest lines that are not booked yet, `limit` at most; answers how many, and while it is any there may be more. Two
    workers never take the same one.

    Before the first posting every payment of the batch is locked, and then every seller from whom something is taken back: in the order in
    which everybody locks. The lines of a payment come after it, and what somebody else has in hand is not waited for.
    """
    due = (
        select(BankLine)
        .where(BankLine.mode == mode, BankLine.state == "new")
        .order_by(BankLine.booked_on, TAKES_BACK, BankLine.account, BankLine.public_id)
    )
    lines = _together(list(db.session.scalars(due.limit(limit).with_for_update(skip_locked=True))))
    readings: list[Reading] = []
    for line in lines:
        readings.append(_read(line, {one.original.public_id for one in readings if one.original is not None}))
    payments_of = {r.line.public_id: _payment_of(r) for r in readings}
    vendors = find_vendors({r.vendor for r in readings if r.vendor} | {_vendor_of(r.original) for r in readings if r.original})
    owners = {reading.line.public_id: vendors.get(reading.vendor or _vendor_of(reading.original)) for reading in readings}
    named = {(owner.id, mode, number) for key, number in payments_of.items() if number and (owner := owners[key]) is not None}
    payments = lock_payments(named)
    hold_vendors({owner.id for r in readings if _takes_back(r.line) and (owner := owners[r.line.public_id]) is not None})
    readings.sort(key=lambda reading: _book_of(owners[reading.line.public_id]))  # as everybody locks balances
    for reading in filter(_stands, readings):
        payment = payments.get(payments_of[reading.line.public_id] or "")
        vendor = owners[reading.line.public_id]
        _book(reading, vendor if payment is not None or _is_payout(reading.order) or _is_repayment(reading.original) else None, payment)
    return len(lines)


def _together(lines: list[BankLine]) -> list[BankLine]:
    """The first of them that can all be read before one is booked: what comes back is read only when what it is about is booked, which
    may stand on the same statement, and may be in another worker's hands at this moment (who looks again afterwards)."""
    back = bool(lines) and _takes_back(lines[0])
    alike = list(takewhile(lambda line: _takes_back(line) == back, lines))
    if back:
        before = BankLine.mode == lines[0].mode, BankLine.state == "new", ~TAKES_BACK, BankLine.booked_on <= alike[-1].booked_on
        if db.session.scalar(select(exists().where(*before))):
            return []
    return alike


def _takes_back(line: BankLine) -> bool:
    return line.reversal or line.return_reason != ""


# --- reading -------------------------------------------------------------------------------------------------------------


def _read(line: BankLine, taken: Collection[str]) -> Reading:
    """`taken`: the credits that other lines of the batch take back."""
    if line.sign > 0:
        return _read_credit(line)
    if line.reversal:
        original = _original(line, taken)
        return Reading(line, original=original, why="" if original else "reversal_of_nothing")
    order = lock_order(line.mode, line.end_to_end)
    if order is None or order.state in ("settled", "failed"):
        return Reading(line, why="debit" if order is None else "order_done")
    if (order.amount, order.account) != (line.amount, line.account):
        return Reading(line, why="order_differs")
    return Reading(line, order=order)


def _read_credit(line: BankLine) -> Reading:
    if line.return_reason or line.reversal:
        order = lock_order(line.mode, line.end_to_end)
        if order is not None and order.state == "settled" and order.amount == line.amount:
            return Reading(line, order=order)
        return Reading(line, why="return_of_nothing")
    found = references_on(line)
    if len(found) > 1 and len({e.payment for e in found}) > 1:
        return Reading(line, why="several_references")
    if not found:
        return Reading(line, why="no_reference")
    if found[0].currency != line.currency:
        return Reading(line, why="other_currency")
    return Reading(line, expected=found[0])


def references_on(line: BankLine) -> list[BankExpectation]:
    """What we expect under the references that stand anywhere on a line, however the payer has spaced them."""
    candidates: dict[str, None] = {}
    for text in (line.reference, line.end_to_end, line.text):
        packed = _BLANKS.sub("", text.upper())
        for at in (found.start() for found in re.finditer("(?=RF[0-9])", packed)):
            candidates.setdefault(packed[at : at + REFERENCE_LENGTH])
    return [expected for reference in candidates if (expected := find_expectation(line.mode, reference)) is not None]


def _original(line: BankLine, taken: Collection[str]) -> BankLine | None:
    """The credit that this debit takes back: the newest one of the same sum whose words are the same, and that still stands. It is not held
    yet: whose payment it is has to be locked first."""
    same = select(BankLine).where(
        BankLine.mode == line.mode,
        BankLine.account == line.account,
        BankLine.sign == 1,
        BankLine.amount_minor == line.amount_minor,
        BankLine.reversed_by.is_(None),
        BankLine.state != "new",
        BankLine.reference == line.reference,
        BankLine.counter_account == line.counter_account,
        BankLine.booked_on <= line.booked_on,
        BankLine.public_id.not_in(taken),
    )
    return db.session.scalar(same.order_by(BankLine.booked_on.desc(), BankLine.public_id).limit(1))


def _stands(reading: Reading) -> bool:
    """Hold the credit that a line takes back. Where somebody else has it in hand at this moment, or has changed it since it was read, the line
    is read again by the next turn."""
    original = reading.original
    if original is None:
        return True
    was = original.payment, original.vendor
    mine = select(BankLine).where(BankLine.mode == original.mode, BankLine.public_id == original.public_id)
    fresh = db.session.scalar(mine.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    return fresh is not None and fresh.reversed_by is None and (fresh.payment, fresh.vendor) == was


def _payment_of(reading: Reading) -> str | None:
    if reading.original is not None:
        return reading.original.payment
    if reading.order is not None:
        return reading.order.payment
    return reading.expected.payment if reading.expected is not None else None


def _book_of(owner: Vendor | None) -> UUID:
    return owner.id if owner is not None else book.PLATFORM


def _is_payout(order: BankOrder | None) -> bool:
    return order is not None and order.purpose == PAYOUT


def _is_repayment(original: BankLine | None) -> bool:
    return original is not None and original.resolution == "repaid"


def _vendor_of(original: BankLine | None) -> str:
    """Whose money a line became: the payment's of the expectation it named, or the one's of whom a person has said so."""
    if original is None:
        return ""
    if original.payment is None:
        return original.vendor or ""
    named = (
        select(BankExpectation.vendor).where(BankExpectation.mode == original.mode, BankExpectation.payment == original.payment).limit(1)
    )
    return db.session.scalar(named) or original.vendor or ""


# --- booking -------------------------------------------------------------------------------------------------------------


def _book(reading: Reading, vendor: Vendor | None, payment: Payment | None) -> None:
    line = reading.line
    line.state = "booked"
    if not line.amount_minor:
        return  # banks write lines of nothing to say something; the books take no legs of nothing
    if reading.order is not None:
        _book_order(reading.order, line, vendor, payment)
    elif reading.original is not None:
        _book_reversal(reading.original, line, vendor, payment)
    elif reading.expected is not None and vendor is not None and payment is not None:
        line.payment, line.vendor = payment.public_id, vendor.public_id
        receive_transfer(vendor, payment, line, matched_by="reference")
    else:
        _book_unknown(line, reading.why or "no_such_payment")


def _book_unknown(line: BankLine, why: str) -> None:
    line.state, line.why = "unknown", why
    at = booked_at(line)
    post([book.unknown_received(line, at=at) if line.sign > 0 else book.debit_unexplained(line, at=at)])


def _book_order(order: BankOrder, line: BankLine, vendor: Vendor | None, payment: Payment | None) -> None:
    """What was ordered has left, or has come back."""
    whose = _book_of(vendor)
    about = order.reference if _is_payout(order) else payment.public_id if payment is not None else order.line or order.public_id
    waits_on = book.PAYOUT_IN_TRANSIT if _is_payout(order) else book.REFUND_IN_FLIGHT
    at = booked_at(line)
    line.payment = None  # it is no money of the payer's that came
    if line.sign < 0:
        order.state, order.settled_at = "settled", at
        post([book.order_left(whose, about, line, reference=order.line or order.reference, at=at, waited_on=waits_on)])
    else:
        order.state, order.failure_reason = "failed", (line.return_reason or "reversed")[:60]
        post([book.order_came_back(whose, about, line, reference=order.line or order.reference, at=at, waits_on=waits_on)])
    tell_of_order(vendor, order, line.public_id)


def tell_of_order(vendor: Vendor | None, order: BankOrder, cause: str) -> None:
    """What the order carries out hears what has become of it. `cause`: what told of it."""
    if order.line is not None:
        line_was_returned(order, cause=cause)
        return
    if vendor is None:
        return
    if _is_payout(order):  # a room above this one
        enqueue("settle_payout", vendor.id, mode=order.mode, payout=order.reference, line=cause)
        return
    outcome = standing(order)
    refund = find_refund(vendor, order.mode, order.reference)
    if refund is not None:
        settle_refund(vendor, refund, outcome, cause=cause)
        return
    returned = find_return(vendor, order.mode, order.reference)
    if returned is not None:
        settle_return(vendor, returned, outcome, cause=cause)


def _book_reversal(original: BankLine, line: BankLine, vendor: Vendor | None, payment: Payment | None) -> None:
    original.reversed_by = line.public_id
    if vendor is not None and payment is not None:
        take_back_transfer(vendor, payment, original, line)
    elif vendor is not None:
        take_repayment_back(vendor, original, line)
    elif original.state == "unknown" or call_return_off(original, cause=line.public_id):
        unknown_taken_back(original, line)
    else:
        _book_unknown(line, TAKEN_TWICE)
