"""Reviews of every vendor, for the staff who decide them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.payments.models import Attempt, Payment
from core.payments.review_models import Screening

Found = tuple[Vendor, Payment, Screening]
_SAME = (Payment.vendor_id == Screening.vendor_id) & (Payment.mode == Screening.mode) & (Payment.id == Screening.payment_id)


def _is_first() -> ColumnElement[bool]:
    """Of the orders of one checkout, which are decided together, the first that waits stands for all."""
    other = aliased(Screening)
    same = (other.mode == Screening.mode, other.together == Screening.together, other.state == "waiting", other.id < Screening.id)
    return or_(Screening.together == "", ~exists().where(*same))


def list_waiting(mode: str, limit: int = 100) -> list[Found]:
    """Who waits for a person, the longest first; a checkout of several sellers once. For staff only."""
    query = select(Vendor, Payment, Screening).join(Screening, Screening.vendor_id == Vendor.id).join(Payment, _SAME)
    query = query.where(Screening.state == "waiting", Screening.mode == mode, _is_first())
    query = query.order_by(Screening.waits_since, Screening.id).limit(limit)
    return [(vendor, payment, row) for vendor, payment, row in db.session.execute(query)]


def count_waiting_up_to(most: int) -> int:
    """How many wait in live mode, counted no further than that."""
    some = select(Screening.id).where(Screening.state == "waiting", Screening.mode == "live", _is_first()).limit(most)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def get_review_everywhere(public_id: str) -> Found:
    """One review with its payment and whose it is; refuses with 404. For staff only."""
    if is_public_id("rvw", public_id):
        query = select(Vendor, Payment, Screening).join(Screening, Screening.vendor_id == Vendor.id).join(Payment, _SAME)
        for vendor, payment, row in db.session.execute(query.where(Screening.public_id == public_id, Screening.waits_since.is_not(None))):
            return vendor, payment, row
    raise NotFound("There is no such review.")


def attempt_of(row: Screening) -> Attempt:
    """The try that it is about."""
    return db.session.get_one(Attempt, (row.vendor_id, row.mode, row.attempt_id))


def paid_before(payment: Payment) -> tuple[int, int]:
    """What the same e-mail did at this seller before: payments that were paid, and all that were begun. Nothing without one."""
    if not payment.email:
        return 0, 0
    mine = (Payment.vendor_id == payment.vendor_id, Payment.mode == payment.mode, Payment.email == payment.email, Payment.id < payment.id)
    query = select(func.count(Payment.captured_at), func.count()).select_from(Payment).where(*mine)
    paid, begun = db.session.execute(query).one()
    return int(paid), int(begun)
