"""Carries out what billing leaves to others: the books, who is found in the directory, what is hidden, and the charges that are due."""

from __future__ import annotations

from sqlalchemy import exists, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.billing.begin import START
from core.billing.codec import decode_one_of
from core.billing.effects import Effect, ProductsHidden, ProductsShown
from core.billing.models import BillingCharge, KeptSubscription, SubscriptionEvent
from core.billing.states import IN_SEARCH
from core.billing.store import read
from core.directory.standing import set_visible
from core.directory.surplus import hide_newest
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.outbox import enqueue
from core.subscriptions.booked import book_event


def follow(row: KeptSubscription) -> None:
    """Everything that the events since the last time ask for, in their order, in the present transaction.

    Safe to repeat: an event is followed once. Whoever acts on a subscription calls it before the unit ends.
    """
    row = lock_again(row)
    subscriber = find_vendor(row.subscriber) if row.vendor_id == HOUSE else None
    news = _new_events(row)
    for event in news:
        effects: list[Effect] = [decode_one_of(Effect, one) for one in event.effects]
        if row.vendor_id == HOUSE:
            book_event(row, event, effects)
        for effect in effects:
            _carry_out(row, subscriber, effect)
    row.followed = row.events
    if news and row.vendor_id != HOUSE:
        enqueue("follow_membership", row.vendor_id, mode=row.mode, subscription=str(row.id))
    if subscriber is not None:
        _show(row, subscriber)
    _ask_for_charges(row)


def _new_events(row: KeptSubscription) -> list[SubscriptionEvent]:
    if row.followed == row.events:
        return []
    mine = (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode, SubscriptionEvent.subscription_id == row.id)
    return list(
        db.session.scalars(select(SubscriptionEvent).where(*mine, SubscriptionEvent.seq > row.followed).order_by(SubscriptionEvent.seq))
    )


def _carry_out(row: KeptSubscription, subscriber: Vendor | None, effect: Effect) -> None:
    match effect:
        case ProductsHidden(count) if subscriber is not None:
            hide_newest(subscriber, row.mode, count)
        case ProductsShown() if subscriber is not None:
            hide_newest(subscriber, row.mode, 0)


def is_served(row: KeptSubscription) -> bool:
    """Whether the subscriber is found in the directory. What begins with a payment begins once that has come."""
    begins = any(owed.origin == START and owed.standing == "draft" for owed in read(row).open)
    return row.status in IN_SEARCH and not begins


def _show(row: KeptSubscription, subscriber: Vendor) -> None:
    served = is_served(row)
    set_visible(subscriber, row.mode, visible=served, reason="" if served else row.status, by="system")


def _ask_for_charges(row: KeptSubscription) -> None:
    """A charge that may be made now is not left to the clock."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    if db.session.scalar(select(exists().where(*mine, BillingCharge.state == "wanted", BillingCharge.due_at <= now()))):
        enqueue("send_charges", row.vendor_id, mode=row.mode, subscription=str(row.id))
