"""What a business asks of its people for safety's sake: two-step sign-in of everybody, and who it is again before a large refund."""

from __future__ import annotations

from core.accounts.models import User, Vendor
from core.kernel import audit
from core.kernel.currency import exponent
from core.kernel.db import locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.money import Money

USUAL_LIMIT = {0: "50000", 2: "500", 3: "200"}  # by the decimals of the currency, while a business has not said another


def refund_limit(vendor: Vendor) -> Money:
    """A refund above this asks the person who they are, unless they have just proved it."""
    if vendor.refund_limit_minor is not None:
        return Money(vendor.refund_limit_minor, vendor.currency)
    return Money.of(USUAL_LIMIT[exponent(vendor.currency)], vendor.currency)


def is_large(vendor: Vendor, amount: Money) -> bool:
    """Whether this much going back is asked about. The limit is in the business's own currency; in another one everything is."""
    limit = refund_limit(vendor)
    return amount.currency != limit.currency or amount > limit


def change_security(vendor: Vendor, *, required: bool, limit: Money, by: User) -> Vendor:
    """Refuses to ask of others what whoever asks has not done: they would lock themselves out with the next page."""
    if required and by.second_factor_at is None:
        raise Refusal("Set up two-step sign-in for yourself first.", field="required")
    if limit.currency != vendor.currency:
        raise ValueError("the limit is in the business's own currency")
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    before = {"two_step_required": row.second_factor_required, "refund_limit": str(refund_limit(row))}
    row.second_factor_required, row.refund_limit_minor = required, limit.minor
    after = {"two_step_required": required, "refund_limit": str(limit)}
    if changes := audit.differences(before, after):
        audit.record(row.id, actor=by.public_id, action="security.changed", subject=row.public_id, changes=changes)
    return row
