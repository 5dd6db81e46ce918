"""Carries out what billing leaves to others: the books, who is found in the directory, what is hidden, papers, and the charges that are due."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import find_vendors
from core.accounts.standing import set_resting
from core.billing.begin import START
from core.billing.codec import decode_one_of
from core.billing.effects import (
    Drafted,
    Dropped,
    Effect,
    Finalised,
    Notice,
    Paid,
    ProductsHidden,
    ProductsShown,
    StateChanged,
    TierChanged,
    Written,
)
from core.billing.models import BillingCharge, KeptSubscription, SubscriptionEvent
from core.billing.queries import read
from core.billing.states import CANCELLED, HIBERNATING, IN_SEARCH, SUSPENDED
from core.directory.standing import find_standings, set_picture_limit, set_visible
from core.directory.surplus import hide_newest
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.outbox import enqueue, enqueue_many, task_row
from core.subscriptions.booked import book_events
from core.subscriptions.data_ends import promise_data
from core.subscriptions.given_back import note_credited
from core.subscriptions.open_pages import close_pages
from core.subscriptions.papers import ask_for_papers
from core.subscriptions.tell import tell, tell_change


def follow(row: KeptSubscription) -> None:
    """Everything that the events since the last time ask for, in their order, in the present transaction.

    Safe to repeat: an event is followed once. Whoever acts on a subscription calls it before the unit ends.
    """
    follow_all([lock_again(row)])


def follow_all(rows: Sequence[KeptSubscription]) -> None:
    """The same for several, whose rows the caller holds locked: the database is asked and told in one go for all of them."""
    ours = [row for row in rows if row.vendor_id == HOUSE]
    events = _new_events(rows)
    close_pages(row for row in rows if any(_may_end_a_demand(event, effects) for event, effects in events.get(row.id, ())))
    subscribers = find_vendors({row.subscriber for row in ours})
    _rest(ours, subscribers)  # a vendor's row is held before any book and any standing
    booked = [(row, event, effects) for row in ours for event, effects in events.get(row.id, ())]
    book_events(booked)
    for row in rows:
        for _event, effects in events.get(row.id, ()):
            for effect in effects:
                _carry_out(row, subscribers.get(row.subscriber), effect)
        if any(_makes_final(effect) for _event, effects in events.get(row.id, ()) for effect in effects):
            ask_for_papers(row)
        if row.id in events and row.vendor_id != HOUSE:
            enqueue("follow_membership", row.vendor_id, mode=row.mode, subscription=str(row.id))
        row.followed = row.events
        for _event, effects in events.get(row.id, ()):
            note_credited(row, effects)
    _show(ours, subscribers)
    _ask_for_charges(rows)
    again = [row for row in rows if row.followed < row.events]
    if again:  # what was credited had gone back already: that is an event as well
        follow_all(again)


def _new_events(rows: Sequence[KeptSubscription]) -> dict[uuid.UUID, list[tuple[SubscriptionEvent, list[Effect]]]]:
    """What happened to each since it was followed, in order."""
    event, found = SubscriptionEvent, {}
    behind = [row for row in rows if row.followed < row.events]
    for (vendor_id, mode), group in groupby(sorted(behind, key=_book), key=_book):
        since = {row.id: row.followed for row in group}
        mine = select(event).where(event.vendor_id == vendor_id, event.mode == mode, event.subscription_id.in_(since))
        for one in db.session.scalars(mine.where(event.seq > min(since.values())).order_by(event.subscription_id, event.seq)):
            if one.seq > since[one.subscription_id]:
                effects = [decode_one_of(Effect, effect) for effect in one.effects]
                found.setdefault(one.subscription_id, []).append((one, effects))
    return found


def _book(row: KeptSubscription) -> tuple[uuid.UUID, str]:
    return row.vendor_id, row.mode


def _may_end_a_demand(event: SubscriptionEvent, effects: Sequence[Effect]) -> bool:
    """Whether anything may have been settled, dropped or given up. A midnight that only asks for the next month looks for no page."""
    return event.kind != "midnight" or any(isinstance(effect, Paid | Dropped | Written | StateChanged | TierChanged) for effect in effects)


def _makes_final(effect: Effect) -> bool:
    return isinstance(effect, Finalised) or (isinstance(effect, Drafted) and effect.document.until == "now")


def _carry_out(row: KeptSubscription, subscriber: Vendor | None, effect: Effect) -> None:
    match effect:
        case ProductsHidden(count) if subscriber is not None:
            hide_newest(subscriber, row.mode, count)
        case ProductsShown() if subscriber is not None:
            hide_newest(subscriber, row.mode, 0)
        case Notice():
            if subscriber is not None and effect.kind == "cancelled":
                promise_data(row, effect)
            tell(row, effect)
        case StateChanged() | TierChanged():
            tell_change(row, effect)


def is_served(row: KeptSubscription) -> bool:
    """Whether the subscriber is found in the directory. What begins with a payment begins once that has come."""
    begins = any(owed.origin == START and owed.standing == "draft" for owed in read(row).open)
    return row.status in IN_SEARCH and not begins


def rests(row: KeptSubscription) -> bool:
    """Whether the subscriber's links take no money: its plan hibernates, is suspended, or has ended after it had begun."""
    return row.status in (HIBERNATING, SUSPENDED) or (row.status == CANCELLED and row.data_until is not None)


def _rest(rows: Sequence[KeptSubscription], subscribers: dict[str, Vendor]) -> None:
    for row in sorted(rows, key=lambda row: row.subscriber):
        if row.subscriber in subscribers:
            set_resting(subscribers[row.subscriber], row.mode, rests=rests(row))


def _show(rows: Sequence[KeptSubscription], subscribers: dict[str, Vendor]) -> None:
    """Whoever is served is found in the directory, and nobody else; in test mode nothing ever is, and it is noted all the same."""
    for mode, group in groupby(sorted(rows, key=lambda row: row.mode), key=lambda row: row.mode):
        wanted = {subscribers[row.subscriber].id: (row, is_served(row)) for row in group if row.subscriber in subscribers}
        standings = find_standings(set(wanted), mode)
        for vendor_id, (row, served) in wanted.items():
            reason, known = "" if served else _why_hidden(row), standings.get(vendor_id)
            if known is None or (known.visible, known.reason) != (served, reason):
                set_visible(subscribers[row.subscriber], mode, visible=served, reason=reason, by="system")
            pictures = read(row).plan.pictures
            if pictures != (known.pictures if known else None):
                set_picture_limit(subscribers[row.subscriber], mode, pictures, by="system")


def _why_hidden(row: KeptSubscription) -> str:
    """Its state; whose plan never began, or whose data is gone after its end, is like whoever never had one."""
    nothing_kept = row.data_until is None or row.data_deleted_at is not None
    return "no_plan" if row.status == CANCELLED and nothing_kept else row.status


def _ask_for_charges(rows: Sequence[KeptSubscription]) -> None:
    """A charge that may be made now is not left to the clock."""
    db.session.flush()
    charge, tasks = BillingCharge, []
    for (vendor_id, mode), group in groupby(sorted(rows, key=_book), key=_book):
        mine = select(charge.subscription_id).where(charge.vendor_id == vendor_id, charge.mode == mode)
        due = mine.where(charge.subscription_id.in_([row.id for row in group]), charge.state == "wanted", charge.due_at <= now())
        tasks += [task_row("send_charges", vendor_id, mode=mode, subscription=str(one)) for one in db.session.scalars(due.distinct())]
    enqueue_many(tasks)
