"""What the messages do not keep for ever: their words. That a letter was sent, to whom, when and about what stays. And old notices."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import String, column, delete, select, true, tuple_, update, values

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.notifications.models import Message, Notice

WORDS_KEPT = timedelta(days=180)  # about as long as a customer may still dispute what a letter said
NOTICES_KEPT = WORDS_KEPT  # a notice says no more than its letter
MODES = values(column("mode", String), name="modes").data([("test",), ("live",)])


def prune_words(limit: int) -> int:
    """Letters that are done and so old lose their text, `limit` at most; answers how many."""
    key = (Message.vendor_id, Message.mode, Message.id)
    old = select(*key).where(Message.created_at < now() - WORDS_KEPT, Message.text.is_not(None), Message.state != "queued")
    picked = old.order_by(Message.created_at).limit(limit)
    emptied = update(Message).where(tuple_(*key).in_(picked)).values(text=None, html=None)
    return int(db.session.execute(emptied.execution_options(synchronize_session=False)).rowcount)


def prune_notices(limit: int) -> int:
    """Notices that are so old, read or not, `limit` at most; answers how many. What they tell of stays where it is.

    Business by business along the primary key, whose numbers are ordered by time: nobody reads all notices to find the old ones.
    """
    mine = (Notice.vendor_id == Vendor.id) & (Notice.mode == MODES.c.mode)
    old = select(Notice.id).where(mine, Notice.id < first_id_at(now() - NOTICES_KEPT)).order_by(Notice.id).limit(limit).lateral()
    picked = select(Vendor.id, MODES.c.mode, old.c.id).select_from(Vendor).join(MODES, true()).join(old, true()).limit(limit)
    gone = delete(Notice).where(tuple_(Notice.vendor_id, Notice.mode, Notice.id).in_(picked))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
