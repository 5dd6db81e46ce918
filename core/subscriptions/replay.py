"""What the plans did to the books, worked out anew from the log of each subscription's events and held against the journals there are."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing.codec import decode_one_of
from core.billing.effects import Effect
from core.billing.models import KeptSubscription, SubscriptionEvent
from core.kernel.db import db
from core.kernel.shadow import MOST_TOLD, Replayed
from core.ledger.models import Journal
from core.subscriptions.booked import journal_of


def replay_plans(subscriber: str | None = None) -> Replayed:
    """Of all plans, or of one vendor's (vnd_…): an event without its journal, a journal without its event, one that says something else."""
    wanted = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE)
    wanted = wanted.where(KeptSubscription.subscriber == subscriber) if subscriber else wanted
    rows, wrong = 0, []
    for row in db.session.scalars(wanted.order_by(KeptSubscription.id)):
        made, kept = _from_the_log(row), _in_the_books(row)
        rows += len(made)
        for key in sorted(made.keys() | kept.keys()):
            if made.get(key) != kept.get(key):
                wrong.append(f"plans, {key}: {_difference(made.get(key), kept.get(key))}")
        db.session.expunge_all()  # one subscription at a time, however many there are
    return Replayed("plans", rows, wrong[:MOST_TOLD])


def _from_the_log(row: KeptSubscription) -> dict[str, str]:
    """The key of each journal, and what its legs are. What is not followed yet is not booked either."""
    event = SubscriptionEvent
    mine = select(event).where(event.vendor_id == row.vendor_id, event.mode == row.mode, event.subscription_id == row.id)
    found = {}
    for one in db.session.scalars(mine.where(event.seq <= row.followed).order_by(event.seq)):
        effects: list[Effect] = [decode_one_of(Effect, effect) for effect in one.effects]
        if (journal := journal_of(row, one, effects)) is not None:
            found[journal.event_key] = journal.digest
    return found


def _in_the_books(row: KeptSubscription) -> dict[str, str]:
    mine = select(Journal.event_key, Journal.digest).where(Journal.vendor_id == row.vendor_id, Journal.mode == row.mode)
    rows = db.session.execute(mine.where(Journal.about == row.public_id, Journal.event_key.startswith("sub:", autoescape=True)))
    return {key: digest for key, digest in rows}


def _difference(made: str | None, kept: str | None) -> str:
    if made is None:
        return "it is booked, and no event of the subscription says so"
    return "an event says so, and it is not booked" if kept is None else "what is booked is not what the event says"
