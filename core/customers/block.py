"""Whether a vendor takes payments from somebody: a flag that start_payment respects, with its author and its reason."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import locked
from core.kernel.errors import NotFound


def block_customer(vendor: Vendor, customer: Customer, *, by: str, because: str) -> Customer:
    """No new payment begins from this address. What is under way ends as it will; doing it twice keeps the first reason."""
    row = _lock(vendor, customer)
    if row.blocked_at is None:
        row.blocked_at, row.blocked_by, row.blocked_because = now(), by, because.strip()[:300]
        audit.record(vendor.id, actor=by, action="customer.blocked", subject=row.public_id, mode=row.mode)
    return row


def allow_customer(vendor: Vendor, customer: Customer, *, by: str) -> Customer:
    """They may pay again."""
    row = _lock(vendor, customer)
    if row.blocked_at is not None:
        row.blocked_at = row.blocked_by = row.blocked_because = None
        audit.record(vendor.id, actor=by, action="customer.allowed", subject=row.public_id, mode=row.mode)
    return row


def _lock(vendor: Vendor, customer: Customer) -> Customer:
    row = locked(Customer, vendor.id, customer.mode, customer.id)
    if row is None:
        raise NotFound("There is no such customer.")
    return row
