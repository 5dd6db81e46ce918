"""Payouts as a vendor's own software reads them, by keyset, in both directions."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.keyset import Slice, Span, slice_of
from core.payouts.models import Payout, PayoutAccount
from core.payouts.queries import get_payout


def feed_payouts(vendor: Vendor, mode: str, span: Span, *, status: str = "") -> Slice:
    """The vendor's payouts with the accounts they go to, newest first."""
    there = (PayoutAccount.vendor_id == Payout.vendor_id) & (PayoutAccount.mode == Payout.mode) & (PayoutAccount.id == Payout.account_id)
    query = select(Payout, PayoutAccount).join(PayoutAccount, there).where(Payout.vendor_id == vendor.id, Payout.mode == mode)
    if status:
        query = query.where(Payout.state == status)
    return slice_of(query, Payout.id, span, lambda number: get_payout(vendor, mode, number).id)
