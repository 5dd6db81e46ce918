"""What only practised stops with the account, and nobody waits for it: in the other world plans and memberships are cancelled at once, and
refund links are to be taken back."""

from __future__ import annotations

from sqlalchemy import or_, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.billing.wishes import Cancel
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.outbox import enqueue
from core.subscriptions.plan import act


def end_practice(vendor: Vendor, mode: str, *, by: str) -> None:
    """Its own plan, what its customers joined, and refund links. A plan that cannot be cancelled at this moment ends by itself, unpaid."""
    enqueue("take_refund_links_back", vendor.id, mode=mode, by=by)  # who locks a payment does so before the vendor, who is held here
    mine = or_(KeptSubscription.vendor_id == vendor.id, KeptSubscription.subscriber == vendor.public_id)
    whose = KeptSubscription.vendor_id.in_((vendor.id, HOUSE))
    running = select(KeptSubscription).where(whose, mine, KeptSubscription.mode == mode, KeptSubscription.status != CANCELLED)
    for row in db.session.scalars(running.order_by(KeptSubscription.id)):
        try:
            with db.session.begin_nested():
                act(row, Cancel(now=True), by=by)
        except Refusal:
            continue
