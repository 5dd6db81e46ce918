"""Looking at what providers told us."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, tuple_

from core.kernel.db import MODES, db
from core.kernel.errors import NotFound
from core.providers.models import InboxEvent


def find_event(provider: str, mode: str, event_id: str) -> InboxEvent | None:
    """One stored event, or None. Whoever calls makes sure that the reader's own payment names it as a cause, or is staff."""
    return db.session.get(InboxEvent, (provider, mode, event_id))


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, newest first, and where the older ones begin (None at the end)."""

    rows: list[InboxEvent]
    next: str | None


def list_events_everywhere(*, unmatched_only: bool = False, after: str | None = None, limit: int = 25) -> EventPage:
    """What providers told us about anybody, newest first, by keyset. For staff only."""
    query = select(InboxEvent)
    if unmatched_only:
        query = query.where(InboxEvent.result == "unmatched")
    if after:
        last = get_event_everywhere(*_key(after))
        query = query.where(tuple_(InboxEvent.received_at, InboxEvent.event_id) < (last.received_at, last.event_id))
    rows = list(db.session.scalars(query.order_by(InboxEvent.received_at.desc(), InboxEvent.event_id.desc()).limit(limit + 1)))
    end = rows[limit - 1] if len(rows) > limit else None
    return EventPage(rows[:limit], f"{end.provider}~{end.mode}~{end.event_id}" if end else None)


def count_unmatched_up_to(most: int) -> int:
    """How many events speak of nothing of ours, counted no further than `most`."""
    some = select(InboxEvent.event_id).where(InboxEvent.result == "unmatched").limit(most)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def get_event_everywhere(provider: str, mode: str, event_id: str) -> InboxEvent:
    """One stored event; refuses with 404. For staff only."""
    event = find_event(provider, mode, event_id) if mode in MODES and len(provider) <= 20 and len(event_id) <= 80 else None
    if event is None:
        raise NotFound("There is no such event.")
    return event


def _key(text: str) -> tuple[str, str, str]:
    provider, _, rest = text.partition("~")
    mode, _, event_id = rest.partition("~")
    return provider, mode, event_id
