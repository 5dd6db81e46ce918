"""The hourly job of closings: it waits for what goes back, stops the account, and after the days of grace takes people out piece by piece.

Each piece is a unit of its own, and each begins from what the rows say: killed anywhere, it goes on where it ended.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.pay_domains import forget_pay_domains
from core.accounts.queries import get_vendor, hold_vendor
from core.billing.models import BillingCharge
from core.closing.close import AGAIN, WORLDS, move, stop
from core.closing.models import Closing
from core.closing.obstacles import BEING_REFUNDED, left_on_plans, obstacles, plans_of
from core.closing.payers import forget_payers, forget_the_rest
from core.closing.people import forget_people
from core.directory.erase import erase_listings, has_listings
from core.hooks.prune import forget_endpoints
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.notifications.models import Message
from core.notifications.notify import notify
from core.payments.personal_data import StillUnderWay
from core.payments.refund_models import Refund

AT_ONCE = 20  # closings in one transaction
PAYERS_AT_ONCE = 50
LATER = timedelta(days=1)
LONGEST = timedelta(days=3)  # that the last letter is waited for


def go_on_with_closings(limit: int) -> int:
    """Look at closings that are due. Answers `limit` while there may be more to do at once, else how many it looked at."""
    due = select(Closing.vendor_id, Closing.mode, Closing.id).where(Closing.due_at <= now())
    keys = db.session.execute(due.order_by(Closing.due_at).limit(AT_ONCE)).all()
    again = False
    for vendor_id, mode, closing_id in keys:
        again = _look(vendor_id, mode, closing_id) or again
    return limit if again or len(keys) == AT_ONCE else min(len(keys), limit - 1)


def _look(vendor_id: uuid.UUID, mode: str, closing_id: uuid.UUID) -> bool:
    """Whether there is more to do at once."""
    hold_vendor(vendor_id)
    vendor, row = get_vendor(vendor_id), lock_again(db.session.get_one(Closing, (vendor_id, mode, closing_id)))
    step = STEPS.get(row.state)
    if step is None or row.due_at is None or row.due_at > now():
        return False
    row.due_at = now() + AGAIN
    return step(vendor, row)


def _wait_for_money(vendor: Vendor, row: Closing) -> bool:
    """Stops once the balance has arrived where it came from; gives the wish up when it came back."""
    if _is_going_back(vendor, row.mode):
        return False
    if any(left.payout.parts for left in left_on_plans(vendor, row.mode)):
        move(row, "failed")
        row.ended_at, row.due_at = now(), None
        record(vendor.id, actor="system", action="vendor.closing_failed", subject=row.public_id)
    elif not obstacles(vendor, row.mode):
        stop(vendor, row)
    return False


def _is_going_back(vendor: Vendor, mode: str) -> bool:
    plans = [plan.id for plan in plans_of(vendor, mode)]
    paid = select(BillingCharge.payment_id).where(BillingCharge.vendor_id == HOUSE, BillingCharge.mode == mode)
    mine = select(Refund.id).where(Refund.vendor_id == HOUSE, Refund.mode == mode, Refund.state.in_(BEING_REFUNDED))
    return db.session.scalar(mine.where(Refund.payment_id.in_(paid.where(BillingCharge.subscription_id.in_(plans)))).limit(1)) is not None


def _begin_to_forget(vendor: Vendor, row: Closing) -> bool:
    """The days of grace are over. Money that came in the meantime has to go out first, and the people are needed for that."""
    if obstacles(vendor, row.mode):
        row.due_at = now() + LATER
        return False
    move(row, "erasing")
    record(vendor.id, actor="system", action="vendor.erasing", subject=row.public_id)
    row.due_at = now()
    return True


def _forget(vendor: Vendor, row: Closing) -> bool:
    """One piece: what stood in the directory, then payers, then the last letter, then the people."""
    for world in WORLDS:
        if has_listings(vendor, world):
            erase_listings(vendor, world, limit=1000, by="system", about=row.public_id)
            lock_again(row).due_at = now()
            return True
    gone, stuck = forget_payers(vendor, limit=PAYERS_AT_ONCE)
    if gone or forget_the_rest(vendor, limit=PAYERS_AT_ONCE):
        row.due_at = now()
        return True
    if stuck:
        return False
    if row.told_at is None:
        row.told_at = now()
        notify(vendor, "closing_done", mode=row.mode, to=row.email, locale=row.locale or "en", closing=row.public_id)
        return False
    if _letter_waits(row) and now() - row.told_at < LONGEST:
        return False
    return _end(vendor, row)


def _letter_waits(row: Closing) -> bool:
    mine = select(Message.id).where(Message.vendor_id == row.vendor_id, Message.mode == row.mode, Message.about == row.public_id)
    return db.session.scalar(mine.where(Message.state == "queued").limit(1)) is not None


def _end(vendor: Vendor, row: Closing) -> bool:
    try:
        with db.session.begin_nested():
            count = forget_people(vendor, row.team)
    except StillUnderWay:
        return False
    forget_endpoints(vendor)
    forget_pay_domains(vendor)
    move(row, "closed")
    row.ended_at, row.due_at, row.team, row.email, row.locale = now(), None, [], "", ""
    record(vendor.id, actor="system", action="vendor.closed", subject=row.public_id, people=count)
    return False


STEPS: dict[str, Callable[[Vendor, Closing], bool]] = {
    "paying_back": _wait_for_money,
    "closing": _begin_to_forget,
    "erasing": _forget,
}
