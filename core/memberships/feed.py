"""Members as a vendor's own software reads them, by keyset, in both directions."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.kernel.keyset import Slice, Span, slice_of
from core.memberships.lists import MemberFilter, get_member, joined, narrowed
from core.memberships.models import Member


def feed_members(vendor: Vendor, mode: str, span: Span, narrow: MemberFilter, *, email: str = "") -> Slice:
    """Who has joined, each with what billing knows of it, the newest first."""
    query = narrowed(joined(vendor, mode, (Member, KeptSubscription)), narrow)
    if email:
        query = query.where(Member.email == email.strip().lower())
    return slice_of(query, Member.id, span, lambda number: get_member(vendor, mode, number).id)
