"""What time it is for one subscription: the house's clock, or ahead of it where a test subscription's clock was moved.

What is planned is kept by the real clock, so that whoever looks for what has fallen due needs to know nothing of this. Days of
periods, documents and numbers are those of the subscription's own clock.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Interval, bindparam, func, select, update

from core.accounts.models import Vendor
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound


class LiveClock(Conflict):
    """Only the clock of a test subscription can be moved."""

    code = "live_clock"


def ahead_of(row: KeptSubscription) -> timedelta:
    """How far its clock was moved; nothing in live mode."""
    return timedelta(seconds=row.ahead_seconds)


def clock_of(row: KeptSubscription) -> datetime:
    """What time it is for this subscription."""
    return now() + ahead_of(row)


def day_at_the_seller(seller: Vendor, moment: datetime) -> date:
    """On which day by the clock on the seller's own wall: that of its documents. Their series are one for all subscribers, wherever those live."""
    return moment.astimezone(ZoneInfo(seller.time_zone)).date()


def today_of(vendor: Vendor) -> date:
    """What day it is by the clock on a business's own wall."""
    return day_at_the_seller(vendor, now())


def really(row: KeptSubscription, moment: datetime) -> datetime:
    """A moment of the subscription's clock, by the real one."""
    return moment - ahead_of(row)


def move_clock(row: KeptSubscription, to: datetime) -> KeptSubscription:
    """Set a test subscription's clock forward, in whole seconds; what was planned comes nearer by as much. Nothing is run by this.

    A moment that its clock has reached already changes nothing. Refuses in live mode.
    """
    held = locked(KeptSubscription, row.vendor_id, row.mode, row.id)
    if held is None:
        raise NotFound("There is no such subscription.")
    if held.mode != "test":
        raise LiveClock("Only a test subscription's clock can be moved.")
    by = -((clock_of(held) - to) // timedelta(seconds=1))  # rounded up: the moment itself is reached
    if by <= 0:
        return held
    held.ahead_seconds += by
    gap = timedelta(seconds=by)
    held.due_at = held.due_at - gap if held.due_at else None
    held.lapse_at = held.lapse_at - gap if held.lapse_at else None
    held.data_due_at = held.data_due_at - gap if held.data_due_at else None
    _bring_nearer(held, gap)
    return held


def _bring_nearer(row: KeptSubscription, gap: timedelta) -> None:
    """Charges and drafts that wait for a moment of this subscription's clock."""
    db.session.flush()
    less = bindparam("gap", gap, Interval())
    for model, column, waits in (
        (BillingCharge, BillingCharge.due_at, BillingCharge.state == "wanted"),
        (BillingDocument, BillingDocument.final_due_at, BillingDocument.state == "draft"),
    ):
        mine = update(model).where(model.vendor_id == row.vendor_id, model.mode == row.mode, model.subscription_id == row.id)
        moved = mine.where(waits, column.is_not(None)).values({column.key: column - less})
        db.session.execute(moved, execution_options={"synchronize_session": "fetch"})


def next_moment(row: KeptSubscription) -> datetime | None:
    """When something falls due next, by the subscription's own clock: a midnight, a lapse, a charge or a draft's hour. None when nothing will."""
    charges = select(func.min(BillingCharge.due_at)).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode)
    drafts = select(func.min(BillingDocument.final_due_at)).where(
        BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode
    )
    planned = (
        row.due_at,
        db.session.scalar(charges.where(BillingCharge.subscription_id == row.id, BillingCharge.state == "wanted")),
        db.session.scalar(drafts.where(BillingDocument.subscription_id == row.id, BillingDocument.state == "draft")),
    )
    return min((at + ahead_of(row) for at in planned if at is not None), default=None)
