"""The inbox for provider events: stored once, opened later by a worker, in the transaction that handles them."""

from __future__ import annotations

import uuid

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import enqueue
from core.providers.models import InboxEvent

PLATFORM = uuid.UUID(int=0)  # an unopened event belongs to no vendor yet


def receive_event(*, provider: str, mode: str, event_id: str, type: str, raw: str) -> bool:
    """Store a verified event and ask for it to be opened. The same event again is no news: answers False."""
    stored = db.session.execute(
        insert(InboxEvent)
        .values(provider=provider, mode=mode, event_id=event_id, type=type, raw=raw, received_at=now())
        .on_conflict_do_nothing()
        .returning(InboxEvent.event_id)
    ).scalar()
    if stored is None:
        return False
    enqueue("open_provider_event", PLATFORM, provider=provider, mode=mode, event=event_id)
    return True


def take_events(keys: list[tuple[str, str, str]]) -> list[InboxEvent]:
    """The unopened ones among (provider, mode, event id), locked, oldest first."""
    wanted = select(InboxEvent).where(
        tuple_(InboxEvent.provider, InboxEvent.mode, InboxEvent.event_id).in_(keys), InboxEvent.handled_at.is_(None)
    )
    return list(db.session.scalars(wanted.order_by(InboxEvent.received_at, InboxEvent.event_id).with_for_update()))
