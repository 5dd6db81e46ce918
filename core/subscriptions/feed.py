"""Invoices and credit notes as a vendor's own software reads them, by keyset, in both directions."""

from __future__ import annotations

from core.billing.models import BillingDocument
from core.kernel.keyset import Slice, Span, slice_of
from core.subscriptions.documents import Buyer, Seller, documents_between, get_document


def feed_documents(seller: Seller, buyer: Buyer, mode: str, span: Span, *, kind: str = "") -> Slice:
    """What one has made out to the other, newest first."""
    query = documents_between(seller, mode, buyer)
    if kind:
        query = query.where(BillingDocument.kind == kind)
    return slice_of(query, BillingDocument.id, span, lambda number: get_document(seller, mode, number, buyer=buyer).id)
