"""Putting a link away and bringing it back, and making a new one after an old one's pattern."""

from __future__ import annotations

from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.payments.link import lock_link, touch_link
from core.payments.link_terms import LIFE
from core.payments.models import PaymentLink
from core.payments.sharing import labels_of, set_labels

# What belongs to one link alone: its name, its address, its dates, its state. Everything else is copied, also what is added later.
ITS_OWN = frozenset(
    [
        "id",
        "public_id",
        "token_id",
        "token_expires_at",
        "title",
        "expires_at",
        "due_on",
        "first_opened_at",
        "state",
        "paused_message",
        "archived_at",
        "created_by",
        "created_at",
        "updated_at",
    ]
)
COPY = " (copy)"


def archive_link(link: PaymentLink, *, by: str) -> bool:
    """Out of sight, and closed to payers; payments under way may finish. False when it is archived already."""
    link = lock_link(link)
    if link.archived_at is not None:
        return False
    link.archived_at = now()
    touch_link(link, by, "link.archived")
    return True


def unarchive_link(link: PaymentLink, *, by: str) -> bool:
    """Back as it was: active, paused or ended. False when it is not archived."""
    link = lock_link(link)
    if link.archived_at is None:
        return False
    link.archived_at = None
    touch_link(link, by, "link.unarchived")
    return True


def clone_link(link: PaymentLink, *, by: str) -> PaymentLink:
    """A new active link with the same terms and labels, and with its own address, no counters, no dates and no readable address."""
    at = now()
    columns = [column.name for column in PaymentLink.__table__.columns if column.name not in ITS_OWN]
    twin = PaymentLink(
        **{name: getattr(link, name) for name in columns},
        id=uuid7(),
        public_id=public_id("lnk"),
        token_id=public_id("tok"),
        token_expires_at=at + LIFE,
        title=link.title[: 120 - len(COPY)].removesuffix(COPY) + COPY,
        state="active",
        paused_message="",
        created_by=by,
        created_at=at,
        updated_at=at,
    )
    db.session.add(twin)
    db.session.flush()
    set_labels(twin, labels_of(link))
    record(twin.vendor_id, actor=by, action="link.cloned", subject=twin.public_id, title=twin.title, source=link.public_id)
    return twin
