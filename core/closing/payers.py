"""The payers of a business whose account has closed: taken out of everything in small pieces; sums, states and the books stay."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from core.accounts.models import Remark, Vendor
from core.customers.models import Customer, PayerKey
from core.disputes.personal_data import forget_disputes
from core.hooks.prune import forget_told
from core.kernel.clock import now
from core.kernel.db import db
from core.memberships.personal_data import forget_memberships
from core.orders.personal_data import forget_checkouts
from core.payments.personal_data import StillUnderWay, erase_person
from core.payments.recipient_data import forget_recipient
from core.payments.sharing_models import LinkPrefill, LinkSending

ERASED = "@erased.invalid"


def forget_payers(vendor: Vendor, *, limit: int) -> tuple[int, int]:
    """So many of them at most. Answers how many went, and how many could not yet, because something of theirs is under way."""
    gone = stuck = 0
    mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.erased_at.is_(None))
    for customer in db.session.scalars(mine.order_by(Customer.mode, Customer.id).limit(limit * 20)):
        if gone >= limit:
            break
        try:
            with db.session.begin_nested():
                forget_memberships(vendor, customer)
                forget_checkouts(vendor, customer)
                forget_told(vendor, customer)
                forget_disputes(vendor, customer)
                erase_person(vendor, customer, by="system")
                gone += 1
        except StillUnderWay:
            stuck += 1
    return gone, stuck


def forget_the_rest(vendor: Vendor, *, limit: int) -> int:
    """Whoever was written to and never paid, addresses that were filled in, keys, and notes. Answers how many letters went."""
    sent = select(LinkSending.mode, LinkSending.recipient).where(LinkSending.vendor_id == vendor.id)
    left = list(db.session.execute(sent.where(LinkSending.recipient.not_like(f"%{ERASED}")).distinct().limit(limit)))
    for mode, recipient in left:
        forget_recipient(vendor, mode, recipient, f"erased{ERASED}")
    if not left:
        filled = LinkPrefill.vendor_id == vendor.id, LinkPrefill.email != ""
        nothing = {"email": "", "payer_name": "", "payer_reference": "", "withdrawn_at": now()}
        db.session.execute(update(LinkPrefill).where(*filled).values(nothing))
        db.session.execute(delete(PayerKey).where(PayerKey.vendor_id == vendor.id))
        db.session.execute(delete(Remark).where(Remark.vendor_id == vendor.id))
    return len(left)
