"""Looking at what providers told us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

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


# What an event is about, by the beginnings of its provider's own name for it; the first that fits counts.
KINDS: dict[str, tuple[str, ...]] = {
    "dispute": ("charge.dispute.",),
    "refund": ("charge.refund", "refund."),
    "saving": ("setup_intent.",),
    "payment": ("payment_intent.", "checkout.session.", "charge."),
}
OTHER = "other"
STATES: dict[str, ColumnElement[bool]] = {
    "waiting": InboxEvent.handled_at.is_(None),
    "unmatched": InboxEvent.result == "unmatched",
    "handled": InboxEvent.handled_at.is_not(None) & (InboxEvent.result != "unmatched"),
}
LOOKED_THROUGH = 20_000  # at a time: there are millions, and their kinds stand in no index that every one of them would have to pay for


def list_events_everywhere(*, state: str = "", kind: str = "", after: str | None = None, limit: int = 25) -> EventPage:
    """What providers told us about anybody, newest first, by keyset, of one of STATES and of one of KINDS or OTHER. For staff only.

    A page that narrows looks through so many at once and may be short; `next` then says where it goes on.
    """
    some = select(InboxEvent.provider, InboxEvent.mode, InboxEvent.event_id, InboxEvent.received_at)
    if state == "unmatched":
        some = some.where(STATES[state])
    if after:
        last = get_event_everywhere(*_key(after))
        some = some.where(tuple_(InboxEvent.received_at, InboxEvent.event_id) < (last.received_at, last.event_id))
    newest = some.order_by(InboxEvent.received_at.desc(), InboxEvent.event_id.desc())
    near = newest.limit(LOOKED_THROUGH).subquery()
    same = (InboxEvent.provider == near.c.provider) & (InboxEvent.mode == near.c.mode) & (InboxEvent.event_id == near.c.event_id)
    query = select(InboxEvent).join(near, same).order_by(near.c.received_at.desc(), near.c.event_id.desc())
    query = query.where(*([STATES[state]] if state else []), *([_of_kind(kind)] if kind else []))
    rows = list(db.session.scalars(query.limit(limit + 1)))
    if len(rows) > limit:
        return EventPage(rows[:limit], _name(rows[limit - 1]))
    end = db.session.execute(newest.offset(LOOKED_THROUGH - 1).limit(1)).first()
    return EventPage(rows, _name(end) if end else None)


def _of_kind(kind: str) -> ColumnElement[bool]:
    def begins(name: str) -> ColumnElement[bool]:
        return or_(*(InboxEvent.type.startswith(beginning, autoescape=True) for beginning in KINDS[name]))

    before = list(KINDS)[: list(KINDS).index(kind)] if kind in KINDS else list(KINDS)
    return and_(*(~begins(name) for name in before), *([begins(kind)] if kind in KINDS else []))


def _name(event: Any) -> str:
    return f"{event.provider}~{event.mode}~{event.event_id}"


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
