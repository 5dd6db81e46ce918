"""Pages on which payers were asked to pay an invoice themselves: each is closed as soon as there is nothing left for which it asks.

A letter of a bank's demand is good for a week. Meanwhile its invoice may be paid with another card, taken back or written off.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta
from itertools import groupby

from sqlalchemy import select

from core.billing.codec import decode
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.queries import read
from core.billing.subscription import Subscription
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.models import Payment

WAITING = ("requires_action", "requires_method")
OLDEST = timedelta(days=60)  # a charge is planned some weeks ahead at most, and its page is open for one


def close_pages(rows: Iterable[KeptSubscription]) -> None:
    """Let those run out that ask for nothing any more. The rows are held; payments are locked after them, and before any vendor.

    Whoever is faster than that has paid, and what is too much is theirs: it becomes balance.
    """
    for (vendor_id, mode), group in groupby(sorted(rows, key=_book), key=_book):
        mine = {row.id: row for row in group}
        paid_by = (
            (Payment.vendor_id == BillingCharge.vendor_id) & (Payment.mode == BillingCharge.mode) & (Payment.id == BillingCharge.payment_id)
        )
        open_ones = select(BillingCharge, Payment).join(Payment, paid_by).where(
            BillingCharge.vendor_id == vendor_id, BillingCharge.mode == mode, BillingCharge.subscription_id.in_(mine),
            BillingCharge.state.in_(("sent", "refused")), BillingCharge.made_at > now() - OLDEST,
            Payment.state.in_(WAITING), Payment.expires_at > now(),
        )  # fmt: skip
        for charge, payment in db.session.execute(open_ones.order_by(Payment.id).with_for_update(of=Payment)).all():
            if not _asks(mine[charge.subscription_id], charge.documents):
                payment.expires_at = now()


def _book(row: KeptSubscription) -> tuple[uuid.UUID, str]:
    return row.vendor_id, row.mode


def _asks(row: KeptSubscription, documents: Collection[int]) -> bool:
    """Whether money for these documents would still do what it was asked for."""
    state = read(row)
    if any(each.due for each in state.open if each.document in documents):
        return True
    held, lapsed = state.awaiting, state.lapsed
    if held is not None and held.document.number in documents:
        return True
    if lapsed is not None and {lapsed.document.number, *lapsed.earlier} & set(documents):
        return True  # what comes now still makes the change
    return _waits_for_renewal(row, state, documents)


def _waits_for_renewal(row: KeptSubscription, state: Subscription, documents: Collection[int]) -> bool:
    """Whether lines of a draft that was dropped wait for the next invoice: who pays its page has paid them in advance."""
    pending = {entry.line.number for entry in state.pending}
    if not pending:
        return False
    mine = select(BillingDocument.body).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    mine = mine.where(BillingDocument.subscription_id == row.id, BillingDocument.ordinal.in_(documents), BillingDocument.state == "dropped")
    return any(line.number in pending for body in db.session.scalars(mine) for line in decode(Document, body).lines)
