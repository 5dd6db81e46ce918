"""Looking at what providers told us."""

from __future__ import annotations

from core.kernel.db import db
from core.providers.models import InboxEvent


def find_event(provider: str, mode: str, event_id: str) -> InboxEvent | None:
    """One stored event, or None. Whoever calls makes sure that the reader's own payment names it as a cause."""
    return db.session.get(InboxEvent, (provider, mode, event_id))
