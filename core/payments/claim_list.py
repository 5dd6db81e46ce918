"""A vendor's refund links as a list: those that wait for a decision apart, all by keyset, and as the vendor's own software reads them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.keyset import Slice, Span, slice_of
from core.payments.claim import get_claim
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.queries import MOST_ROWS, Page
from core.payments.refund_models import Refund

SeenClaim = tuple[RefundClaim, Payment]


def all_claims(
    vendor: Vendor, mode: str, *, status: str | None = None, since: datetime | None = None, until: datetime | None = None,
    but_claimed: bool = False, after: str | None = None, limit: int = 25,
) -> Page[SeenClaim]:  # fmt: skip
    """The vendor's links with their payments, newest first, by keyset. `since` and `until` bound when they were made; `but_claimed` leaves out
    those that wait for the vendor, which stand elsewhere."""
    query = _theirs(vendor, mode)
    if status:
        query = query.where(_stands(status))
    if but_claimed:
        query = query.where(RefundClaim.state != "claimed")
    if since:
        query = query.where(RefundClaim.id >= first_id_at(since))
    if until:
        query = query.where(RefundClaim.id < first_id_at(until))
    if after:
        query = query.where(RefundClaim.id < get_claim(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = _rows(query.order_by(RefundClaim.id.desc()).limit(limit + 1))
    return Page(rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None)


def first_to_decide(vendor: Vendor, mode: str, limit: int) -> list[SeenClaim]:
    """Those that wait for the vendor, the oldest first."""
    return _rows(_theirs(vendor, mode).where(RefundClaim.state == "claimed").order_by(RefundClaim.id).limit(limit))


def feed_claims(vendor: Vendor, mode: str, span: Span, *, payment: Payment | None = None, status: str = "") -> Slice:
    """The same for the vendor's own software."""
    query = _theirs(vendor, mode)
    if payment is not None:
        query = query.where(RefundClaim.payment_id == payment.id)
    if status:
        query = query.where(_stands(status))
    return slice_of(query, RefundClaim.id, span, lambda number: get_claim(vendor, mode, number).id)


def refunds_behind(vendor: Vendor, mode: str, claims: Iterable[RefundClaim]) -> dict[uuid.UUID | None, str]:
    """The public numbers of the refunds that did not arrive, and of those that pay, in one look."""
    ids = {one for claim in claims for one in (claim.refund_id, claim.paid_by) if one is not None}
    mine = select(Refund.id, Refund.public_id).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.id.in_(ids))
    return {refund_id: number for refund_id, number in db.session.execute(mine)} if ids else {}


def _theirs(vendor: Vendor, mode: str) -> Select[Any]:
    mine = (Payment.vendor_id == RefundClaim.vendor_id) & (Payment.mode == RefundClaim.mode) & (Payment.id == RefundClaim.payment_id)
    return select(RefundClaim, Payment).join(Payment, mine).where(RefundClaim.vendor_id == vendor.id, RefundClaim.mode == mode)


def _rows(query: Select[Any]) -> list[SeenClaim]:
    return [(claim, payment) for claim, payment in db.session.execute(query)]


def _stands(status: str) -> ColumnElement[bool]:
    """How a link stands at this moment, as RefundClaim.standing says it of one."""
    over = (RefundClaim.state == "open") & (RefundClaim.expires_at <= now())
    if status == "open":
        return (RefundClaim.state == "open") & (RefundClaim.expires_at > now())
    return (RefundClaim.state == "expired") | over if status == "expired" else RefundClaim.state == status
