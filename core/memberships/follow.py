"""What follows from the news of a membership: the day it began is noted, and the member is welcomed, once."""

from __future__ import annotations

import uuid

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.memberships.models import Member
from core.memberships.page import find_member_of
from core.memberships.standing import has_begun
from core.notifications.notify import notify


def follow_membership(vendor_id: uuid.UUID, mode: str, subscription_id: uuid.UUID) -> tuple[Vendor, Member] | None:
    """Look at a subscription that has news. Safe to repeat. Answers whose first payment was declined, so that it is counted."""
    row = db.session.get_one(KeptSubscription, (vendor_id, mode, subscription_id), populate_existing=True)
    member = find_member_of(row)
    if member is None:
        return None
    member, vendor = lock_again(member), get_vendor(vendor_id)
    if row.status == CANCELLED and not has_begun(member, row):
        return vendor, member
    if member.began_at is None and (has_begun(member, row)):
        member.began_at = now()
        if not member.trial_days:  # a trial is announced by billing itself
            notify(vendor, "membership_welcome", mode=mode, to=member.email, locale=member.locale or "en", member=member.public_id)
    return None
