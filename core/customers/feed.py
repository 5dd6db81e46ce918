"""Customers as a vendor's own software reads them: by when they were first seen, by keyset, in both directions."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.customers.queries import get_customer
from core.kernel.keyset import Slice, Span, slice_of


def feed_customers(vendor: Vendor, mode: str, span: Span, *, email: str = "") -> Slice:
    """The vendor's customers, the last to come first."""
    query = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
    if email:
        query = query.where(Customer.email == email.strip().lower())
    return slice_of(query, Customer.id, span, lambda number: get_customer(vendor, mode, number).id)
