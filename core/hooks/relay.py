"""Gives drafts their place in their vendor's feed, and lets each endpoint that wants one have it.

Places are given under the lock of the feed, in the transaction that ends by showing them: nobody who reads the feed can be shown a place
while an earlier one is still to come, however late the change behind that was committed. What was committed and not relayed is found
by the next look; what was relayed twice would break on the lock, the place and the unique delivery.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.hooks.models import Event, EventDraft, EventFeed, HookDelivery, HookEndpoint
from core.hooks.shapes import shape_of
from core.hooks.types import TYPES, wants
from core.kernel.clock import now
from core.kernel.db import DATABASE_AWAY, db, driver, locked
from core.kernel.ids import public_id, uuid7
from core.kernel.write import add_rows

BATCH = 100
log = structlog.get_logger("core")
FIRST = (uuid.UUID(int=0), "")
Row = dict[str, Any]

# From key to key, so that a vendor with many drafts hides nobody; and on from where the last look ended, so that nobody is always last.
_NEXT = """WITH RECURSIVE found AS (
  (SELECT vendor_id, mode FROM event_drafts WHERE (vendor_id, mode) > (%s, %s) ORDER BY vendor_id, mode LIMIT 1)
  UNION ALL
  SELECT d.vendor_id, d.mode FROM found f, LATERAL (
    SELECT vendor_id, mode FROM event_drafts e WHERE (e.vendor_id, e.mode) > (f.vendor_id, f.mode) ORDER BY vendor_id, mode LIMIT 1) d
) SELECT vendor_id, mode FROM found LIMIT %s"""
_TAKE = """DELETE FROM event_drafts d USING (SELECT vendor_id, mode, number FROM event_drafts WHERE vendor_id = %s AND mode = %s ORDER BY number LIMIT %s) o
  WHERE d.vendor_id = o.vendor_id AND d.mode = o.mode AND d.number = o.number RETURNING d.number, d.type, d.subject, d.at"""


def feeds_to_relay(limit: int = 100, *, after: tuple[uuid.UUID, str] = FIRST) -> list[tuple[uuid.UUID, str]]:
    """Of which vendors, in which mode, something waits for its place: those behind `after` by key. Fewer than the limit: that was the end."""
    return list(driver().execute(_NEXT, (*after, limit)).fetchall())


def oldest_draft() -> datetime | None:
    """When the change happened that has waited longest for its place; None when none waits."""
    return db.session.scalar(select(func.min(EventDraft.at)))


def relay(vendor_id: uuid.UUID, mode: str, *, one_by_one: bool = False) -> int:
    """Place up to a batch of one vendor's drafts; answers how many were taken. In the present unit, and by itself in it.

    Where that failed the caller asks again `one_by_one`: each object is then read behind a savepoint of its own, which costs two
    questions more for each, and one that the database cannot give holds back no other.
    """
    vendor, feed = get_vendor(vendor_id), _locked_feed(vendor_id, mode)
    taken = sorted(driver().execute(_TAKE, (vendor_id, mode, BATCH)).fetchall())
    shapes: dict[tuple[str, str], Row | None] = {}
    events: list[Row] = []
    for _number, type_, subject, happened_at in taken:
        if type_ not in TYPES:
            continue  # a state nobody outside needs to hear of
        key = (type_.partition(".")[0], subject)
        if key not in shapes:
            shapes[key] = _shape(vendor, mode, type_, subject, one_by_one=one_by_one)
        if (shape := shapes[key]) is not None:
            events.append(_event(vendor, mode, type_, shape, happened_at, feed.position + len(events) + 1))
    feed.position += len(events)
    db.session.flush()
    if events:
        add_rows((Event, events))
        _hand_out(vendor, mode, events)
    return len(taken)


def _shape(vendor: Vendor, mode: str, type_: str, subject: str, *, one_by_one: bool) -> Row | None:
    """What is told of it. What cannot be read any more is named all the same: one event must not hold back all that come after it."""
    try:
        return _shape_apart(vendor, mode, type_, subject) if one_by_one else shape_of(vendor, mode, type_, subject)
    except DATABASE_AWAY:
        raise
    except Exception as problem:  # whatever an object does to the code that reads it
        if isinstance(problem, DBAPIError) and not one_by_one:
            raise  # the transaction may be lost with it
        log.exception("event_without_its_object", vendor=vendor.public_id, mode=mode, type=type_, subject=subject)
        return {"id": subject, "object": type_.partition(".")[0]}


def _shape_apart(vendor: Vendor, mode: str, type_: str, subject: str) -> Row | None:
    """The same, so that a failure leaves the transaction as it was."""
    with db.session.begin_nested():
        return shape_of(vendor, mode, type_, subject)


def place_one(vendor: Vendor, mode: str, type_: str, shape: Row, **beside: str) -> Event:
    """An event that somebody asked for, at the end of the feed; nobody is told of it by itself. `beside`: what its data says next to the object."""
    feed = _locked_feed(vendor.id, mode)
    feed.position += 1
    row = Event(**_event(vendor, mode, type_, shape, now(), feed.position))
    row.data = {**beside, **row.data}
    db.session.add(row)
    db.session.flush()
    return row


def _locked_feed(vendor_id: uuid.UUID, mode: str) -> EventFeed:
    db.session.execute(insert(EventFeed).values(vendor_id=vendor_id, mode=mode, position=0).on_conflict_do_nothing())
    feed = locked(EventFeed, vendor_id, mode)
    if feed is None:
        raise RuntimeError("a feed that was just made has gone")
    return feed


def _event(vendor: Vendor, mode: str, type_: str, shape: Row, happened_at: datetime, position: int) -> Row:
    return {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("evt"), "position": position, "type": type_,
        "subject": shape["id"], "data": {"object": shape}, "at": happened_at, "told_at": now(),
    }  # fmt: skip


def _hand_out(vendor: Vendor, mode: str, events: list[Row]) -> None:
    """A delivery for every endpoint that is on and wants the type."""
    endpoints = [one for one in hold_endpoints(vendor, mode) if one.state == "on"]
    wanted = [(event, endpoint) for event in events for endpoint in endpoints if wants(endpoint.types, event["type"])]
    first = uuid7()
    deliveries = [
        delivery_row(vendor.id, mode, endpoint.id, about_of(event), cause="event", id_=after(first, n))
        for n, (event, endpoint) in enumerate(wanted)
    ]
    if deliveries:
        add_rows((HookDelivery, deliveries))
        wake([one for one in endpoints if one.id in {row["endpoint_id"] for row in deliveries}])


def hold_endpoints(vendor: Vendor, mode: str, *only: uuid.UUID) -> list[HookEndpoint]:
    """A vendor's endpoints, or some of them, as they are now and locked, in the order of their ids as everywhere; before anything is
    written that names them."""
    mine = select(HookEndpoint).where(HookEndpoint.vendor_id == vendor.id, HookEndpoint.mode == mode, HookEndpoint.state != "gone")
    if only:
        mine = mine.where(HookEndpoint.id.in_(only))
    return list(db.session.scalars(mine.order_by(HookEndpoint.id).with_for_update().execution_options(populate_existing=True)))


def after(first: uuid.UUID, n: int) -> uuid.UUID:
    """The n-th id behind this one: within one millisecond ids have no order of their own, and a log is read by it."""
    return uuid.UUID(int=first.int + n)


class About(NamedTuple):
    """What a delivery carries: an event, the object it is about, and its place."""

    event_id: uuid.UUID
    subject: str
    position: int


def about_of(event: Row) -> About:
    """Of an event that is not written yet."""
    return About(event["id"], event["subject"], event["position"])


def delivery_row(
    vendor_id: uuid.UUID, mode: str, endpoint_id: uuid.UUID, about: About, *, cause: str, by: str = "", id_: uuid.UUID | None = None
) -> Row:
    """A delivery that is due now."""
    at = now()
    return {
        "vendor_id": vendor_id, "mode": mode, "id": id_ or uuid7(), "public_id": public_id("dlv"), "endpoint_id": endpoint_id,
        **about._asdict(), "cause": cause, "asked_by": by, "state": "waiting", "attempts": 0, "due_at": at, "created_at": at,
    }  # fmt: skip


def wake(held: list[HookEndpoint]) -> None:
    """Something is to be sent to these now. They are held by this transaction."""
    for endpoint in held:
        endpoint.due_at = min(endpoint.due_at or now(), now())
