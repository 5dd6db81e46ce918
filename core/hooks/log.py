"""What was sent: a page of deliveries, one of them with its tries, and how each endpoint is doing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.hooks.catch_up import get_delivery
from core.hooks.models import Event, HookAttempt, HookDelivery, HookEndpoint
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.keyset import Slice, Span, slice_of

LOOKED_BACK = timedelta(days=1)
MOST_ABOUT = 50  # deliveries about one thing that are told at once


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery with its event."""

    delivery: HookDelivery
    event: Event


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery with its event and where it goes, for whoever looks at what the event is about."""

    delivery: HookDelivery
    event: Event
    endpoint: HookEndpoint


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some deliveries, newest first, and the public id behind which the older ones begin (None at the end)."""

    rows: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """Of the last day: what arrived, what every try was made for in vain, what waits, and since when the oldest of it does."""

    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None


def list_deliveries(
    vendor: Vendor, endpoint: HookEndpoint, *, state: str = "", family: str = "", about: str = "", after: str | None = None, limit: int = 25
) -> LogPage:
    """Newest first, narrowed by how they stand, what they are about (payment, refund ...) or whose events they carry (an object's number)."""
    query = _lines(vendor, endpoint.mode).where(HookDelivery.endpoint_id == endpoint.id)
    if state:
        query = query.where(HookDelivery.state == state)
    if family:
        query = query.where(func.split_part(Event.type, ".", 1) == family)
    if about:
        query = query.where(Event.subject == about)
    if after:
        mine = (HookDelivery.vendor_id == vendor.id, HookDelivery.mode == endpoint.mode, HookDelivery.public_id == after)
        query = query.where(HookDelivery.id < select(HookDelivery.id).where(*mine).scalar_subquery())
    rows = [Line(delivery, event) for delivery, event in db.session.execute(query.order_by(HookDelivery.id.desc()).limit(limit + 1))]
    return LogPage(rows[:limit], rows[limit - 1].delivery.public_id if len(rows) > limit else None)


def feed_deliveries(vendor: Vendor, endpoint: HookEndpoint, span: Span, *, state: str = "") -> Slice:
    """Pairs of a delivery to this endpoint and its event, for the vendor's own software: by keyset, in both directions."""
    query = _lines(vendor, endpoint.mode).where(HookDelivery.endpoint_id == endpoint.id)
    if state:
        query = query.where(HookDelivery.state == state)
    return slice_of(query, HookDelivery.id, span, lambda number: get_delivery(vendor, endpoint.mode, number).id)


def deliveries_about(vendor: Vendor, mode: str, subjects: Sequence[str], *, limit: int = MOST_ABOUT) -> list[Sent]:
    """What any endpoint was told of these objects, by their numbers, newest first."""
    to = (
        (HookEndpoint.vendor_id == HookDelivery.vendor_id)
        & (HookEndpoint.mode == HookDelivery.mode)
        & (HookEndpoint.id == HookDelivery.endpoint_id)
    )
    about = _lines(vendor, mode).join(HookEndpoint, to).add_columns(HookEndpoint).where(Event.subject.in_(subjects))
    return [Sent(*row) for row in db.session.execute(about.order_by(HookDelivery.id.desc()).limit(limit))]


def line_of(vendor: Vendor, delivery: HookDelivery) -> Line:
    """The same delivery with its event."""
    event = db.session.get_one(Event, (vendor.id, delivery.mode, delivery.event_id))
    return Line(delivery, event)


def endpoint_of(vendor: Vendor, delivery: HookDelivery) -> HookEndpoint:
    """Where it goes; an endpoint that was taken away is still known here."""
    return db.session.get_one(HookEndpoint, (vendor.id, delivery.mode, delivery.endpoint_id))


def tries_of(vendor: Vendor, delivery: HookDelivery) -> list[HookAttempt]:
    """Its tries, the last first."""
    mine = (HookAttempt.vendor_id == vendor.id, HookAttempt.mode == delivery.mode, HookAttempt.delivery_id == delivery.id)
    return list(db.session.scalars(select(HookAttempt).where(*mine).order_by(HookAttempt.number.desc())))


def health_of(vendor: Vendor, mode: str) -> dict[uuid.UUID, Health]:
    """By endpoint; an endpoint to which nothing was sent is not named."""
    recent = HookDelivery.created_at > now() - LOOKED_BACK
    count = func.count().filter
    asked = select(
        HookDelivery.endpoint_id, count(recent, HookDelivery.state == "delivered"), count(recent, HookDelivery.state == "failed"),
        count(HookDelivery.state == "waiting"), func.min(HookDelivery.created_at).filter(HookDelivery.state == "waiting"),
    ).where(HookDelivery.vendor_id == vendor.id, HookDelivery.mode == mode, recent | (HookDelivery.state == "waiting"))  # fmt: skip
    return {row[0]: Health(*row[1:]) for row in db.session.execute(asked.group_by(HookDelivery.endpoint_id))}


def _lines(vendor: Vendor, mode: str) -> Select[Any]:
    of_event = (Event.vendor_id == HookDelivery.vendor_id) & (Event.mode == HookDelivery.mode) & (Event.id == HookDelivery.event_id)
    mine = (HookDelivery.vendor_id == vendor.id, HookDelivery.mode == mode)
    return select(HookDelivery, Event).join(Event, of_event).where(*mine)
