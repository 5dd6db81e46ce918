"""Captured money becomes available: after the vendor's waiting time, in batches, by the clock."""

from __future__ import annotations

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.ledger import book
from core.ledger.post import post
from core.payments.history import note
from core.payments.models import Payment


def release_due(limit: int = 200) -> int:
    """Release every payment whose time has come, `limit` at most; answers how many. Two workers never take the same one.

    What is released is what this payment still has pending: captured, less our fee, less what refunds took from it.
    """
    due = (
        select(Payment)
        .where(Payment.available_at <= now(), Payment.released_at.is_(None))
        .order_by(Payment.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)  # what is released is worked out from these very rows
    )
    payments = list(db.session.scalars(due))
    at = now()
    journals = []
    for payment in payments:
        left = payment.net
        payment.released_at = at
        if left.minor > 0:
            journals.append(book.release(payment, amount=left, at=at))
            note(payment, "payment.released", actor="system", amount_minor=left.minor, currency=left.currency)
    if journals:
        post(journals)
    return len(payments)
