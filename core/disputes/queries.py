"""Reading disputes: one by its number, a vendor's newest, those of a payment, and the history of one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from core.accounts.models import Vendor
from core.disputes.models import Dispute, DisputeEvent
from core.disputes.states import ANSWERABLE, OPEN, OVER
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.payments.models import Payment

SOON, TODAY = timedelta(hours=72), timedelta(hours=24)  # when the days left are shown in amber, and in red
# What a list may be narrowed to.
STAGES: dict[str, ColumnElement[bool]] = {
    "answer": Dispute.state.in_(ANSWERABLE) & Dispute.wish.is_(None) & Dispute.answered_at.is_(None),
    "waiting": Dispute.state.in_(OPEN | ANSWERABLE) & (Dispute.answered_at.is_not(None) | Dispute.wish.is_not(None)),
    "over": Dispute.state.in_(OVER),
}


def find_dispute(vendor: Vendor, mode: str, number: str) -> Dispute | None:
    """A dispute by its public id."""
    if not is_public_id("dp", number):
        return None
    return db.session.scalar(select(Dispute).where(Dispute.vendor_id == vendor.id, Dispute.mode == mode, Dispute.public_id == number))


def get_dispute(vendor: Vendor, mode: str, number: str) -> Dispute:
    """The same, which must exist: NotFound otherwise."""
    found = find_dispute(vendor, mode, number)
    if found is None:
        raise NotFound(said("There is no such dispute."))
    return found


def list_disputes(vendor: Vendor, mode: str, *, stage: str = "", after: uuid.UUID | None = None, limit: int = 50) -> list[Dispute]:
    """Newest first, by keyset."""
    mine = select(Dispute).where(Dispute.vendor_id == vendor.id, Dispute.mode == mode)
    if stage in STAGES:
        mine = mine.where(STAGES[stage])
    if after:
        mine = mine.where(Dispute.id < after)
    return list(db.session.scalars(mine.order_by(Dispute.id.desc()).limit(limit)))


def to_answer(vendor: Vendor, mode: str) -> tuple[int, datetime | None]:
    """How many wait for the vendor's answer, and until when the first of them."""
    waiting = select(func.count(), func.min(Dispute.due_at)).where(Dispute.vendor_id == vendor.id, Dispute.mode == mode, STAGES["answer"])
    count, first = db.session.execute(waiting.where((Dispute.due_at > now()) | Dispute.due_at.is_(None))).one()
    return int(count), first


def disputes_of(vendor: Vendor, payment: Payment) -> list[Dispute]:
    """Those of one payment, oldest first."""
    mine = select(Dispute).where(Dispute.vendor_id == vendor.id, Dispute.mode == payment.mode, Dispute.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Dispute.id)))


def disputes_of_payer(vendor: Vendor, mode: str, email: str, *, limit: int = 10) -> list[tuple[Dispute, Payment]]:
    """The newest of those that concern what was paid from one address, each with its payment."""
    mine = (Payment.vendor_id == Dispute.vendor_id) & (Payment.mode == Dispute.mode) & (Payment.id == Dispute.payment_id)
    query = select(Dispute, Payment).join(Payment, mine).where(Payment.vendor_id == vendor.id, Payment.mode == mode)
    found = db.session.execute(query.where(Payment.email == email).order_by(Dispute.id.desc()).limit(limit))
    return [(dispute, payment) for dispute, payment in found]


def payment_behind(vendor: Vendor, dispute: Dispute) -> Payment:
    """What it is about."""
    return db.session.get_one(Payment, (vendor.id, dispute.mode, dispute.payment_id))


def history_of(vendor: Vendor, dispute: Dispute) -> list[DisputeEvent]:
    """Everything that happened to it, oldest first."""
    mine = select(DisputeEvent).where(
        DisputeEvent.vendor_id == vendor.id, DisputeEvent.mode == dispute.mode, DisputeEvent.dispute_id == dispute.id
    )
    return list(db.session.scalars(mine.order_by(DisputeEvent.seq)))
