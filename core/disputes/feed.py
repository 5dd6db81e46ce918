"""Disputes as a vendor's own software reads them, by keyset, in both directions."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.disputes.models import Dispute
from core.disputes.queries import get_dispute
from core.kernel.keyset import Slice, Span, slice_of
from core.payments.models import Payment


def feed_disputes(vendor: Vendor, mode: str, span: Span, *, status: str = "", payment: Payment | None = None) -> Slice:
    """The vendor's disputes with their payments, newest first."""
    mine = (Payment.vendor_id == Dispute.vendor_id) & (Payment.mode == Dispute.mode) & (Payment.id == Dispute.payment_id)
    query = select(Dispute, Payment).join(Payment, mine).where(Dispute.vendor_id == vendor.id, Dispute.mode == mode)
    if status:
        query = query.where(Dispute.state == status)
    if payment is not None:
        query = query.where(Dispute.payment_id == payment.id)
    return slice_of(query, Dispute.id, span, lambda number: get_dispute(vendor, mode, number).id)
