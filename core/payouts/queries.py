"""Reading payouts: one by its number, a vendor's newest, those that wait for a person, and the history of one."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger.models import Entry, Journal
from core.payouts.models import Payout, PayoutAccount, PayoutEvent, PayoutLine


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


def lock_payouts(which: Collection[tuple[uuid.UUID, str]], mode: str) -> list[Payout]:
    """Those of these vendors with these numbers, freshly read and locked until the unit ends."""
    named = select(Payout).where(Payout.public_id.in_({number for _, number in which}), Payout.mode == mode)
    locked = named.order_by(Payout.vendor_id, Payout.id).with_for_update().execution_options(populate_existing=True)
    return [payout for payout in db.session.scalars(locked) if (payout.vendor_id, payout.public_id) in which]


def list_payouts(vendor: Vendor, mode: str, *, after: uuid.UUID | None = None, limit: int = 50) -> list[Payout]:
    """Newest first, by keyset."""
    mine = select(Payout).where(Payout.vendor_id == vendor.id, Payout.mode == mode)
    if after:
        mine = mine.where(Payout.id < after)
    return list(db.session.scalars(mine.order_by(Payout.id.desc()).limit(limit)))


def payouts_with(vendor: Vendor, mode: str, about: str) -> list[tuple[Payout, Money]]:
    """On whose statements the lines about a payment stand, oldest first, each with what of it these lines come to."""
    line = (PayoutLine.vendor_id == Journal.vendor_id) & (PayoutLine.mode == Journal.mode) & (PayoutLine.journal_id == Journal.id)
    entry = (Entry.vendor_id == PayoutLine.vendor_id) & (Entry.mode == PayoutLine.mode) & (Entry.journal_id == PayoutLine.journal_id)
    lines = (
        select(PayoutLine.payout_id, func.sum(-Entry.amount_minor).label("minor"))
        .select_from(Journal)
        .join(PayoutLine, line)
        .join(Entry, entry & (Entry.leg == PayoutLine.leg))
        .where(Journal.vendor_id == vendor.id, Journal.mode == mode, Journal.about == about)
        .group_by(PayoutLine.payout_id)
        .subquery()
    )
    mine = select(Payout, lines.c.minor).join(lines, lines.c.payout_id == Payout.id)
    found = db.session.execute(mine.where(Payout.vendor_id == vendor.id, Payout.mode == mode).order_by(Payout.id))
    return [(payout, Money(int(minor), payout.currency)) for payout, minor in found]


def account_of(vendor: Vendor, payout: Payout) -> PayoutAccount:
    """The bank account it goes to."""
    return db.session.get_one(PayoutAccount, (vendor.id, payout.mode, payout.account_id))


def history_of(vendor: Vendor, payout: Payout) -> list[PayoutEvent]:
    """Everything that happened to it, oldest first."""
    mine = select(PayoutEvent).where(
        PayoutEvent.vendor_id == vendor.id, PayoutEvent.mode == payout.mode, PayoutEvent.payout_id == payout.id
    )
    return list(db.session.scalars(mine.order_by(PayoutEvent.seq)))
