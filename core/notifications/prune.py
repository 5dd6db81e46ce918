"""What the messages do not keep for ever: their words. That a letter was sent, to whom, when and about what stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, tuple_, update

from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.models import Message

WORDS_KEPT = timedelta(days=180)  # about as long as a customer may still dispute what a letter said


def prune_words(limit: int) -> int:
    """Letters that are done and so old lose their text, `limit` at most; answers how many."""
    key = (Message.vendor_id, Message.mode, Message.id)
    old = select(*key).where(Message.created_at < now() - WORDS_KEPT, Message.text.is_not(None), Message.state != "queued")
    picked = old.order_by(Message.created_at).limit(limit)
    emptied = update(Message).where(tuple_(*key).in_(picked)).values(text=None, html=None)
    return int(db.session.execute(emptied.execution_options(synchronize_session=False)).rowcount)
