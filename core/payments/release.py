"""Captured money becomes available: after the vendor's waiting time, in batches, by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import exists, func, or_, select

from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import BalanceTooLow, post
from core.payments.history import note
from core.payments.models import Payment
from core.payments.refund_books import settle_debt
from core.payments.reserve import give_back, keep_of
from core.payments.reserve_rules import rule_of
from core.payments.review_models import Screening

log = structlog.get_logger("payments")
# What the processor has not said by then, or says in another currency, is ours to bear and nobody's to wait for.
PATIENCE = timedelta(days=14)


def books_due() -> list[tuple[UUID, str]]:
    """The books in which something is to be released, those that wait longest first."""
    whose = (Payment.vendor_id, Payment.mode)
    books = select(*whose).where(*_due()).group_by(*whose).order_by(func.min(Payment.available_at))
    return [(vendor_id, mode) for vendor_id, mode in db.session.execute(books)]


def release_book(vendor_id: UUID, mode: str, limit: int) -> int:
    """Release every payment of a book whose time has come, `limit` at most; answers how many. Two workers never take the same one.

    What is released is what this payment still has pending: captured, less our fee, less what refunds and disputes took from it. Of that,
    the seller's rule keeps a part aside (core/payments/reserve.py). A book that does not hold it (the proof of the books says why) keeps its
    payments waiting. Whoever works beside others ends the unit after each book: what is pending of one seller's is held here, and a batch of
    captures, which holds that of several, must never be waited for in a circle.
    """
    try:
        with db.session.begin_nested():
            return _release_book(vendor_id, mode, limit)
    except BalanceTooLow:
        log.exception("release_held_back", vendor=str(vendor_id), mode=mode)
        return 0


def _due() -> tuple[Any, ...]:
    """Whose time has come. Where the seller bears what the processor keeps, that has to be known first, for as long as it may still be said;
    and while a dispute holds so much that the rest does not bear it, all of it waits: won, it is there to be borne."""
    none_borne = or_(Payment.seller_bears.is_(False), Payment.captured_minor == 0)
    known = or_(none_borne, Payment.processor_fee_minor.is_not(None), Payment.available_at <= now() - PATIENCE)
    rest = Payment.captured_minor - Payment.refunded_minor - Payment.refunding_minor - Payment.disputed_minor - Payment.fee_minor
    borne = or_(none_borne, Payment.disputed_minor == 0, rest >= Payment.processor_fee_minor)
    return Payment.available_at <= now(), Payment.released_at.is_(None), known, borne, ~_reviewed()


def _reviewed() -> Any:
    """Somebody is to look at it first: what may have to be given back stays with the payment until then."""
    mine = (Screening.vendor_id == Payment.vendor_id, Screening.mode == Payment.mode, Screening.payment_id == Payment.id)
    return exists().where(*mine, Screening.state == "waiting")


def _release_book(vendor_id: UUID, mode: str, limit: int) -> int:
    due = (
        select(Payment)
        .where(Payment.vendor_id == vendor_id, Payment.mode == mode, *_due())
        .order_by(Payment.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)  # what is released is worked out from these very rows
    )
    payments = list(db.session.scalars(due))
    at, rule = now(), rule_of(vendor_id, mode)
    journals = []
    for payment in payments:
        payment.released_at = at
        if payment.seller_bears and (borne := min(payment.releasable, Money(payment.processor_fee_minor or 0, payment.currency))).minor > 0:
            payment.borne_minor = borne.minor
            journals.append(book.processor_fee_borne(payment, amount=borne, at=at))
        left = payment.releasable
        if left.minor > 0:
            journals.append(book.release(payment, amount=left, at=at))
            note(payment, "payment.released", actor="system", amount_minor=left.minor, currency=left.currency)
            journals += keep_of(payment, left, rule, at=at)
    if journals:
        hold_vendor(vendor_id)
        post(journals)
        for payment in {payment.currency: payment for payment in payments}.values():
            settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)
    return len(payments)


def give_reserves_back(vendor_id: UUID, mode: str, limit: int = 500) -> int:
    """What was kept aside in one book and has been kept long enough is available, and makes up first what is owed; answers of how many
    payments. Late, twice or by two workers at once, each is given back once."""
    given = give_back(vendor_id, mode, limit)
    for hold in {hold.currency: hold for hold in given}.values():
        settle_debt(vendor_id, mode, hold.currency, about=hold.payment)
    return len(given)
