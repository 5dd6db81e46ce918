"""What is asked of kept subscriptions: the value one is now, what counts for it today, and everything that has happened to it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing.calendar import local_date
from core.billing.clock import clock_of
from core.billing.codec import decode
from core.billing.midnight import lapse, run_to
from core.billing.models import KeptSubscription, SubscriptionEvent
from core.billing.price_list import Seller, offer_on
from core.billing.renew import Offer
from core.billing.subscription import Subscription
from core.billing.treat import tax_of
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id

Offers = dict[tuple[uuid.UUID, str, date, frozenset[str]], Offer]


def read(row: KeptSubscription) -> Subscription:
    """The frozen value as it was kept; it may lack the midnights that nobody has run yet."""
    return decode(Subscription, row.state)


def as_of_now(row: KeptSubscription) -> tuple[Subscription, Offer]:
    """The value with every midnight that has passed, though nothing is kept, and what counts on its day: what an act would begin with."""
    state, offers = read(row), Offers()
    day = local_date(clock_of(row), state.zone)
    state, _effects = run_to(state, day, lambda on: offer_at(row, state, on, offers))
    if row.lapse_at is not None and now() >= row.lapse_at:
        state, _effects = lapse(state)
    return state, offer_at(row, state, state.today, offers)


def get_subscription(seller: Seller, mode: str, public: str) -> KeptSubscription:
    """The seller's subscription of that name, or a 404."""
    found = None
    if is_public_id("sub", public):
        query = select(KeptSubscription).where(KeptSubscription.vendor_id == seller.id, KeptSubscription.mode == mode)
        found = db.session.scalar(query.where(KeptSubscription.public_id == public))
    if found is None:
        raise NotFound("There is no such subscription.")
    return found


def find_subscription_of(seller: Seller, mode: str, subscriber: str) -> KeptSubscription | None:
    """The newest subscription of a subscriber."""
    mine = select(KeptSubscription).where(KeptSubscription.vendor_id == seller.id, KeptSubscription.mode == mode)
    return db.session.scalar(mine.where(KeptSubscription.subscriber == subscriber).order_by(KeptSubscription.id.desc()).limit(1))


def list_events(seller: Seller, row: KeptSubscription) -> list[SubscriptionEvent]:
    """Everything that happened to it, in order."""
    mine = select(SubscriptionEvent).where(SubscriptionEvent.vendor_id == seller.id, SubscriptionEvent.mode == row.mode)
    return list(db.session.scalars(mine.where(SubscriptionEvent.subscription_id == row.id).order_by(SubscriptionEvent.seq)))


def offer_for(row: KeptSubscription) -> Offer:
    """The price list and the rates that count for a subscription today."""
    state = read(row)
    return offer_at(row, state, state.today, {})


def offer_at(row: KeptSubscription, state: Subscription, day: date, kept: Offers) -> Offer:
    """What counts for a subscription on a day; `kept` is what was looked up before, for everybody whose day it is."""
    key = (row.vendor_id, row.mode, day, frozenset((state.currency, state.next_currency or state.currency)))
    if key not in kept:
        kept[key] = offer_on(row.vendor_id, row.mode, day, currencies=key[3])
    tax = tax_of(row.subscriber) if row.vendor_id == HOUSE else None
    return kept[key] if tax is None else replace(kept[key], tax=tax)
