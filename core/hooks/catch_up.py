"""Sending again: one delivery by hand, a test, or everything an endpoint missed since a moment, with only the newest state of each object."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from core.accounts.models import Vendor
from core.hooks.feed import newest_event
from core.hooks.models import Event, HookDelivery, HookEndpoint
from core.hooks.relay import About, after, delivery_row, hold_endpoints, place_one, wake
from core.hooks.samples import sample_of
from core.hooks.shapes import at
from core.hooks.states import KEPT
from core.hooks.types import ENDPOINT_TEST, TYPES, wants
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, uuid7
from core.kernel.sentence import said
from core.kernel.write import add_rows

MOST_AT_ONCE = 5000


class EndpointOff(Conflict):
    """Nothing is sent to an endpoint that is switched off."""

    code = "webhook_endpoint_off"


class NothingToSend(Refusal):
    """There is no event that could be sent."""

    code = "nothing_to_send"


class TooLongAgo(Refusal):
    """Events are not kept for so long."""

    code = "too_long_ago"


class TooMuchAtOnce(Refusal):
    """More objects than one catch-up sends."""

    code = "too_much_at_once"


@dataclass(frozen=True, slots=True)
class Missed:
    """What a catch-up would send: how many objects in their newest state, and how many older events it leaves out. `has` counts objects whose
    newest state has arrived already."""

    events: list[uuid.UUID]
    left_out: int
    has: int


def send_again(vendor: Vendor, delivery: HookDelivery, *, by: str) -> HookDelivery:
    """The same event to the same endpoint as a new delivery. Its id is the old one, so a receiver that has it knows it. Refuses EndpointOff."""
    endpoint = _held(vendor, delivery.mode, delivery.endpoint_id)
    return _send(endpoint, About(delivery.event_id, delivery.subject, delivery.position), cause="again", by=by)


def send_test(vendor: Vendor, endpoint: HookEndpoint, type_: str = ENDPOINT_TEST, *, by: str) -> HookDelivery:
    """A test event, or the newest event of a type once more; in test mode, of a type that has not happened, a sample. Refuses EndpointOff and
    NothingToSend.

    What is sent of live mode really happened: nothing is made up that a receiver could take for money. A sample is kept as what it is, a test
    event, so it stands among no others of its type, and is told to nobody else.
    """
    held = _held(vendor, endpoint.mode, endpoint.id)
    if type_ == ENDPOINT_TEST:
        event = place_one(vendor, held.mode, ENDPOINT_TEST, _endpoint_shape(held))
    elif type_ in TYPES:
        found = newest_event(vendor, held.mode, type_)
        if found is None and held.mode == "test":
            found = place_one(vendor, held.mode, ENDPOINT_TEST, sample_of(vendor, held.mode, type_), sample_of=type_)
        if found is None:
            raise NothingToSend(
                "Nothing of this type has happened yet. Let it happen once in test mode, or send the plain test event.", field="type"
            )
        event = found
    else:
        raise NothingToSend(said("There is no event %(name)s.", name=type_[:60]), field="type")
    return _send(held, About(event.id, event.subject, event.position), cause="test", by=by)


def missed(vendor: Vendor, endpoint: HookEndpoint, since: datetime) -> Missed:
    """Look only: what bringing this endpoint up to date since then would send. Refuses TooLongAgo and TooMuchAtOnce."""
    if since < now() - KEPT or since > now():
        raise TooLongAgo(said("Give a moment within the last %(days)s days.", days=KEPT.days), field="since")
    mine = (Event.vendor_id == vendor.id, Event.mode == endpoint.mode)
    behind = select(func.min(Event.position)).where(*mine, Event.at >= since)
    first = db.session.scalar(behind)
    if first is None:
        return Missed([], 0, 0)
    types = db.session.scalars(select(Event.type).where(*mine, Event.position >= first).distinct())
    wanted = [one for one in types if wants(endpoint.types, one)]
    told = select(Event.id, Event.subject, Event.position).where(*mine, Event.position >= first, Event.type.in_(wanted)).subquery()
    newest = select(told.c.id, told.c.subject).ext(distinct_on(told.c.subject)).order_by(told.c.subject, told.c.position.desc()).subquery()
    arrived = select(HookDelivery.event_id).where(*_to(endpoint), HookDelivery.state == "delivered", HookDelivery.event_id == newest.c.id)
    all_of_them, objects = (
        db.session.scalar(select(func.count()).select_from(told)),
        db.session.scalar(select(func.count()).select_from(newest)),
    )
    open_ = select(newest.c.id).where(~arrived.exists()).limit(MOST_AT_ONCE + 1)
    events = list(db.session.scalars(open_))
    if len(events) > MOST_AT_ONCE:
        raise TooMuchAtOnce(
            said("That is more than %(most)s objects. Take a later moment, or read the feed of events.", most=MOST_AT_ONCE), field="since"
        )
    return Missed(events, int(all_of_them or 0) - int(objects or 0), int(objects or 0) - len(events))


def catch_up(vendor: Vendor, endpoint: HookEndpoint, since: datetime, *, by: str) -> Missed:
    """Send it. Older states of the same objects that still wait are taken out: a receiver must not be told of them after the newer ones.

    Pressed twice, what the first one sends waits already and is not sent a second time. Refuses EndpointOff besides.
    """
    held = _held(vendor, endpoint.mode, endpoint.id)
    found = missed(vendor, held, since)
    if not found.events:
        return found
    subjects = select(Event.subject).where(Event.vendor_id == vendor.id, Event.mode == held.mode, Event.id.in_(found.events))
    of_them = select(Event.id).where(Event.vendor_id == vendor.id, Event.mode == held.mode, Event.subject.in_(subjects))
    older = update(HookDelivery).where(*_to(held), HookDelivery.state == "waiting", HookDelivery.event_id.in_(of_them))
    stopped = older.values(state="superseded", due_at=None, ended_at=now()).execution_options(synchronize_session=False)
    db.session.execute(stopped)
    told = select(Event.id, Event.subject, Event.position).where(Event.vendor_id == vendor.id, Event.mode == held.mode)
    events = db.session.execute(told.where(Event.id.in_(found.events)).order_by(Event.position))
    first = uuid7()
    rows = [
        delivery_row(vendor.id, held.mode, held.id, About(*event), cause="catch_up", by=by, id_=after(first, n))
        for n, event in enumerate(events)
    ]
    add_rows((HookDelivery, rows))
    wake([held])
    record(
        vendor.id,
        actor=by,
        action="webhook.caught_up",
        subject=held.public_id,
        mode=held.mode,
        since=since.isoformat(timespec="seconds"),
        events=len(found.events),
    )
    return found


def get_delivery(vendor: Vendor, mode: str, number: str) -> HookDelivery:
    """One of this vendor's deliveries; refuses with 404."""
    mine = select(HookDelivery).where(HookDelivery.vendor_id == vendor.id, HookDelivery.mode == mode, HookDelivery.public_id == number)
    found = db.session.scalar(mine) if is_public_id("dlv", number) else None
    if found is None:
        raise NotFound("There is no such delivery, or it is not kept any more.")
    return found


def _held(vendor: Vendor, mode: str, endpoint_id: uuid.UUID) -> HookEndpoint:
    found = hold_endpoints(vendor, mode, endpoint_id)
    if not found:
        raise NotFound("There is no such endpoint.")
    if found[0].state != "on":
        raise EndpointOff("This endpoint is switched off. Switch it on first.")
    return found[0]


def _send(held: HookEndpoint, about: About, *, cause: str, by: str) -> HookDelivery:
    made = HookDelivery(**delivery_row(held.vendor_id, held.mode, held.id, about, cause=cause, by=by))
    db.session.add(made)
    # A person waits for it: the pause that a failure brought does not hold it up.
    held.rest_until = None
    wake([held])
    db.session.flush()
    return made


def _endpoint_shape(endpoint: HookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.public_id, "object": "webhook_endpoint", "mode": endpoint.mode, "name": endpoint.name, "address": endpoint.address,
        "types": list(endpoint.types), "created_at": at(endpoint.made_at),
    }  # fmt: skip


def _to(endpoint: HookEndpoint) -> tuple[Any, ...]:
    return HookDelivery.vendor_id == endpoint.vendor_id, HookDelivery.mode == endpoint.mode, HookDelivery.endpoint_id == endpoint.id
