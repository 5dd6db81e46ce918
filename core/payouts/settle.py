"""What the bank's statement says of a payout: it has left, or it came back. Late, twice or out of order, it ends in the same truth."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.money import Money
from core.ledger import book
from core.ledger.book import SELLER_AVAILABLE
from core.ledger.models import Entry, Journal
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.refund_books import settle_debt
from core.payouts.history import move
from core.payouts.models import Payout
from core.payouts.queries import find_payout
from core.providers.bank_orders import find_order


def handed_over(payouts: Sequence[Payout]) -> None:
    """The bank has the orders of these locked ones. Nothing has left yet."""
    for payout in payouts:
        if payout.state == "submitted":
            move(payout, "in_transit", actor="system")


def settle_payout(vendor: Vendor, mode: str, reference: str, *, cause: str) -> str:
    """Bring a payout to what its order says by now: settled, or stale when that is known already. `cause`: the statement's line."""
    hold_vendor(vendor.id)
    payout, order = find_payout(vendor, mode, reference), find_order(mode, reference)
    if payout is None or order is None:
        return "stale"
    payout = lock_again(payout)
    if order.state == "settled" and payout.state in ("submitted", "in_transit"):
        move(payout, "paid", actor="bank", cause=cause)
        payout.arrived_at = now()
        tell_team(vendor, "payout_paid", mode=mode, payout=payout.public_id)
        return "settled"
    if order.state == "failed" and payout.state in ("submitted", "in_transit", "paid"):
        why = "return" if payout.state == "paid" else "fail"
        payout.failure_reason = order.failure_reason or why
        move(payout, "returned" if why == "return" else "failed", actor="bank", cause=cause, reason=payout.failure_reason)
        give_back(payout, why=why)
        tell_team(vendor, "payout_failed", mode=mode, payout=payout.public_id)
        return "settled"
    return "stale"


def give_back(payout: Payout, *, why: str) -> None:
    """The money is the seller's again, and makes up first what they owe. The vendor is held."""
    post([book.payout_given_back(payout, why=why, at=now(), reverses=db.session.scalar(_begun(payout)))])
    settle_debt(payout.vendor_id, payout.mode, payout.currency, about=payout.public_id)


def set_aside(payout: Payout) -> Money:
    """What the books took from the seller's balance when it was begun, whatever the payout says of itself."""
    mine = Entry.vendor_id == payout.vendor_id, Entry.mode == payout.mode, Entry.journal_id == _begun(payout).scalar_subquery()
    kept = select(func.sum(Entry.amount_minor)).where(*mine, Entry.code == SELLER_AVAILABLE, Entry.currency == payout.currency)
    return Money(int(db.session.scalar(kept) or 0), payout.currency)


def _begun(payout: Payout) -> Select[tuple[uuid.UUID]]:
    return select(Journal.id).where(
        Journal.vendor_id == payout.vendor_id, Journal.mode == payout.mode, Journal.event_key == f"po:{payout.public_id}:init"
    )
