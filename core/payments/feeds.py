"""Payments, refunds and links as a vendor's own software reads them: each page by keyset, in both directions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.keyset import Slice, Span, slice_of
from core.payments.lists import EVERYTHING, PaymentFilter, get_refund, narrowed
from core.payments.models import Payment, PaymentLink
from core.payments.queries import get_link, get_payment
from core.payments.refund_models import Refund
from core.payments.search import by_own_column

REALM = "realm"  # the site a payment belongs to: one of the vendor's own key-values


def feed_payments(vendor: Vendor, mode: str, span: Span, narrow: PaymentFilter = EVERYTHING, *, realm: str = "") -> Slice:
    """The vendor's payments, newest first."""
    query = narrowed(select(Payment), vendor, mode, narrow)
    if realm:
        query = query.where(by_own_column(REALM, realm))
    return slice_of(query, Payment.id, span, lambda number: get_payment(vendor, mode, number).id)


def feed_refunds(vendor: Vendor, mode: str, span: Span, *, payment: Payment | None = None, status: str = "") -> Slice:
    """The vendor's refunds with their payments, newest first."""
    mine = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    query = select(Refund, Payment).join(Payment, mine).where(Refund.vendor_id == vendor.id, Refund.mode == mode)
    if payment is not None:
        query = query.where(Refund.payment_id == payment.id)
    if status:
        query = query.where(Refund.state == status)
    return slice_of(query, Refund.id, span, lambda number: get_refund(vendor, mode, number).id)


def feed_links(vendor: Vendor, mode: str, span: Span, *, state: str = "", archived: bool = False) -> Slice:
    """The vendor's payment links, newest first; put away ones only where they are asked for."""
    query = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, ~PaymentLink.session)
    query = query.where(PaymentLink.archived_at.is_not(None) if archived else PaymentLink.archived_at.is_(None))
    if state:
        query = query.where(PaymentLink.state == state)
    return slice_of(query, PaymentLink.id, span, lambda number: get_link(vendor, mode, number).id)


def feed_sessions(vendor: Vendor, mode: str, span: Span) -> Slice:
    """The vendor's checkout sessions, newest first."""
    query = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, PaymentLink.session)
    return slice_of(query, PaymentLink.id, span, lambda number: get_link(vendor, mode, number).id)


def links_behind(vendor: Vendor, mode: str, payments: Iterable[Payment]) -> dict[uuid.UUID, PaymentLink]:
    """The links that several payments came through, in one look."""
    ids = {payment.link_id for payment in payments if payment.link_id is not None}
    mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, PaymentLink.id.in_(ids))
    return {link.id: link for link in db.session.scalars(mine)} if ids else {}
