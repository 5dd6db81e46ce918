"""What the inbox does not keep for ever: events that were handled. What they did stands in the books and in the payments' histories."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, tuple_

from core.kernel.clock import now
from core.kernel.db import db
from core.providers.models import InboxEvent

# No provider sends an event again after so long; one that came all the same would change nothing, for every fact is booked once.
EVENTS_KEPT = timedelta(days=90)


def prune_events(limit: int) -> int:
    """Events handled so long ago, `limit` at most; answers how many. One that was never handled stays until somebody has looked at it."""
    key = (InboxEvent.provider, InboxEvent.mode, InboxEvent.event_id)
    old = select(*key).where(InboxEvent.received_at < now() - EVENTS_KEPT, InboxEvent.handled_at.is_not(None))
    picked = old.order_by(InboxEvent.received_at).limit(limit)
    return int(db.session.execute(delete(InboxEvent).where(tuple_(*key).in_(picked)).execution_options(synchronize_session=False)).rowcount)
