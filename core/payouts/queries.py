"""Reading payouts: one by its number, a vendor's newest, those that wait for a person, and the history of one."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.payouts.models import Payout, PayoutAccount, PayoutEvent


def find_payout(vendor: Vendor, mode: str, number: str) -> Payout | None:
    """A payout by its public id."""
    if not is_public_id("po", number):
        return None
    return db.session.scalar(select(Payout).where(Payout.vendor_id == vendor.id, Payout.mode == mode, Payout.public_id == number))


def get_payout(vendor: Vendor, mode: str, number: str) -> Payout:
    """The same, which must exist: NotFound otherwise."""
    found = find_payout(vendor, mode, number)
    if found is None:
        raise NotFound(said("There is no such payout."))
    return found


def list_payouts(vendor: Vendor, mode: str, *, after: uuid.UUID | None = None, limit: int = 50) -> list[Payout]:
    """Newest first, by keyset."""
    mine = select(Payout).where(Payout.vendor_id == vendor.id, Payout.mode == mode)
    if after:
        mine = mine.where(Payout.id < after)
    return list(db.session.scalars(mine.order_by(Payout.id.desc()).limit(limit)))


def account_of(vendor: Vendor, payout: Payout) -> PayoutAccount:
    """The bank account it goes to."""
    return db.session.get_one(PayoutAccount, (vendor.id, payout.mode, payout.account_id))


def history_of(vendor: Vendor, payout: Payout) -> list[PayoutEvent]:
    """Everything that happened to it, oldest first."""
    mine = select(PayoutEvent).where(
        PayoutEvent.vendor_id == vendor.id, PayoutEvent.mode == payout.mode, PayoutEvent.payout_id == payout.id
    )
    return list(db.session.scalars(mine.order_by(PayoutEvent.seq)))
