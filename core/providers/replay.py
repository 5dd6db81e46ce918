"""A stored event is opened once more: for one that came before what it speaks of, or that the code of its day did not understand."""

from __future__ import annotations

import uuid

from core.kernel import audit
from core.kernel.db import locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.outbox import enqueue
from core.providers.models import InboxEvent

NOBODYS = uuid.UUID(int=0)  # whose task it is until the event has said whose charge


def replay_event(provider: str, mode: str, event_id: str, *, by: str) -> InboxEvent:
    """Ask a worker to open it again. What it has already brought about is not done twice: settling is safe to repeat.

    Refuses an event that waits to be opened anyway.
    """
    event = locked(InboxEvent, provider, mode, event_id)
    if event is None:
        raise NotFound("There is no such event.")
    if event.handled_at is None:
        raise Conflict("This event is waiting to be opened already.")
    before, event.handled_at, event.result = event.result, None, None
    enqueue("open_provider_event", NOBODYS, provider=provider, mode=mode, event=event_id)
    audit.record(event.vendor_id or audit.THE_HOUSE, actor=by, action="event.replayed", subject=event_id[:60], before=before)
    return event
