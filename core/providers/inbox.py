"""The inbox for provider events: stored once, opened later by a worker, in the transaction that handles them."""

from __future__ import annotations

from sqlalchemy import select, tuple_

from core.kernel.clock import now
from core.kernel.db import db, driver, wake_after_commit
from core.kernel.ids import uuid7
from core.providers.models import InboxEvent


def receive_event(*, provider: str, mode: str, event_id: str, type: str, raw: str) -> bool:
    """Store a verified event and ask for it to be opened. The same event again is no news: answers False."""
    given = (provider, mode, event_id, type, raw, now(), uuid7())
    new = driver().execute("SELECT receive_event(%s, %s, %s, %s, %s, %s, %s)", given).fetchone()[0]
    if new:
        wake_after_commit("money")
    return bool(new)


def take_events(keys: list[tuple[str, str, str]]) -> list[InboxEvent]:
    """The unopened ones among (provider, mode, event id), locked, oldest first."""
    wanted = select(InboxEvent).where(
        tuple_(InboxEvent.provider, InboxEvent.mode, InboxEvent.event_id).in_(keys), InboxEvent.handled_at.is_(None)
    )
    return list(db.session.scalars(wanted.order_by(InboxEvent.received_at, InboxEvent.event_id).with_for_update()))
