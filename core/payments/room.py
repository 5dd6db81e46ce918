"""Whether a link has room for a payment that takes nothing from it yet."""

from __future__ import annotations

from core.kernel.db import locked
from core.payments.instalments import progress_of
from core.payments.link import taken_places
from core.payments.models import Payment, PaymentLink


def has_place(payment: Payment) -> bool:
    """Whether the link still has room for it, counted under the link's lock: a place of so many, or what is open of a sum paid in parts."""
    link = locked(PaymentLink, payment.vendor_id, payment.mode, payment.link_id) if payment.link_id else None
    if link is None:
        return True
    how = progress_of(link)
    if how is not None:
        return payment.amount <= how.open
    return link.places is None or taken_places(link) < link.places
