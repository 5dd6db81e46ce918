"""The feed of a vendor's events, oldest first: whoever asks on from where they were misses nothing and gets nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, update

from core.accounts.models import Vendor
from core.hooks.models import Event, EventFeed
from core.hooks.shapes import VERSION, at
from core.hooks.types import is_choice
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id
from core.kernel.keyset import CursorUnknown
from core.kernel.sentence import said

GAP = 1_000_000  # more events than a business has between a back-up and its restore
MOST = 100
MOST_CHANGES = 1000


class CursorGone(Refusal):
    """The event one wants to go on after is not kept any more: what came between cannot be told."""

    code = "cursor_gone"
    status = 410


class NoSuchType(Refusal):
    """There is no such type of event."""

    code = "no_such_type"


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events in their order, and after which one to go on (the one asked with when there are none)."""

    rows: list[Event]
    next: str | None
    has_more: bool


def list_events(vendor: Vendor, mode: str, *, after: str | None = None, types: list[str] | None = None, limit: int = 25) -> FeedPage:
    """The events behind `after`, or from the oldest that is kept. Refuses CursorGone, CursorUnknown for what is no number of an event, and
    NoSuchType.

    Only places that are given are seen, and they are given in their order (core/hooks/relay.py): an event that comes later stands behind.
    """
    query = _mine(vendor, mode)
    if after:
        if not is_public_id("evt", after):
            raise CursorUnknown("Send the number of an event, evt_...", field="after")
        query = query.where(Event.position > _position(vendor, mode, after))
    if types:
        query = query.where(_of_types(types))
    rows = list(db.session.scalars(query.order_by(Event.position).limit(limit + 1)))
    shown = rows[:limit]
    return FeedPage(shown, shown[-1].public_id if shown else after, len(rows) > limit)


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes in their order, and behind which place to go on."""

    rows: list[Any]
    next: int
    has_more: bool


def list_changes(vendor: Vendor, mode: str, *, after: int, types: list[str] | None = None, limit: int = 100) -> ChangePage:
    """What has changed, in its order and without the objects: for stores that follow everything and read what they need. `after` is a place
    in the feed, 0 its beginning. Refuses CursorGone where what follows it is not kept any more."""
    mine = (Event.vendor_id == vendor.id, Event.mode == mode)
    first = db.session.scalar(select(func.min(Event.position)).where(*mine))
    last = db.session.scalar(select(EventFeed.position).where(EventFeed.vendor_id == vendor.id, EventFeed.mode == mode)) or 0
    if after and not (first or last + 1) - 1 <= after <= last:
        raise CursorGone("What follows this place is not kept any more. Begin with 0, and compare with what you have.", field="after")
    query = select(Event.public_id, Event.position, Event.type, Event.subject, Event.at).where(*mine, Event.position > after)
    if types:
        query = query.where(_of_types(types))
    rows = list(db.session.execute(query.order_by(Event.position).limit(limit + 1)))
    shown = rows[:limit]
    return ChangePage(shown, shown[-1].position if shown else after, len(rows) > limit)


def leave_a_gap() -> int:
    """After the database was restored to an earlier moment: what comes next in each feed gets a place beyond all that were given since, so that
    a reader who is further than this database is told of it. Once for each end of a feed; answers how many were moved."""
    newest = select(func.max(Event.position)).where(Event.vendor_id == EventFeed.vendor_id, Event.mode == EventFeed.mode).scalar_subquery()
    ends = update(EventFeed).where(EventFeed.position == func.coalesce(newest, EventFeed.position))
    moved = db.session.execute(
        ends.values(position=EventFeed.position + GAP).execution_options(synchronize_session=False).returning(EventFeed.vendor_id)
    )
    return len(moved.all())


def get_event(vendor: Vendor, mode: str, public_id: str) -> Event:
    """One of this vendor's events; refuses with 404."""
    found = db.session.scalar(_mine(vendor, mode).where(Event.public_id == public_id)) if is_public_id("evt", public_id) else None
    if found is None:
        raise NotFound("There is no such event, or it is not kept any more.")
    return found


def newest_event(vendor: Vendor, mode: str, type_: str) -> Event | None:
    """The last one of a type."""
    return db.session.scalar(_mine(vendor, mode).where(Event.type == type_).order_by(Event.position.desc()).limit(1))


def envelope(event: Event) -> dict[str, Any]:
    """The event as everybody reads it: in the feed, at its own address, and in a delivery. A sample says of which type it is one."""
    return {
        "id": event.public_id, "object": "event", "type": event.data.get("sample_of", event.type), "timestamp": at(event.at), "mode": event.mode, "version": VERSION,
        "sequence": event.position, "data": event.data,
    }  # fmt: skip


def small_envelope(event: Event) -> dict[str, Any]:
    """The same without its object, for one that is larger than a receiver has to take: it is asked for where it stands."""
    return envelope(event) | {"data": {"object": {"id": event.subject, "object": event.data["object"]["object"]}, "shortened": True}}


def check_types(types: list[str], *, field: str) -> list[str]:
    """Types and families as they are kept, each once. Refuses NoSuchType."""
    for one in types:
        if not is_choice(one):
            raise NoSuchType(
                said("There is no event %(name)s. A type is written like payment.succeeded, a whole family payment.*.", name=one[:60]),
                field=field,
            )
    return sorted(set(types))


def _of_types(types: list[str]) -> Any:
    whole = [one[:-2] for one in types if one.endswith(".*")]
    return Event.type.in_([one for one in types if not one.endswith(".*")]) | func.split_part(Event.type, ".", 1).in_(whole)


def _position(vendor: Vendor, mode: str, after: str) -> int:
    found = db.session.scalar(_mine(vendor, mode).where(Event.public_id == after)) if is_public_id("evt", after) else None
    if found is None:
        raise CursorGone("This event is not kept any more. Begin without a cursor, and compare with what you have.", field="after")
    return found.position


def _mine(vendor: Vendor, mode: str) -> Select[tuple[Event]]:
    return select(Event).where(Event.vendor_id == vendor.id, Event.mode == mode)
