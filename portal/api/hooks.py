"""Webhook endpoints and what was sent there, for the vendor's own software: a thin door over core/hooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request, url_for

from core.accounts.models import Vendor
from core.hooks import endpoints
from core.hooks.catch_up import catch_up, get_delivery, missed, send_again, send_test
from core.hooks.feed import envelope
from core.hooks.log import Line, endpoint_of, line_of, list_deliveries, tries_of
from core.hooks.models import HookAttempt, HookDelivery, HookEndpoint
from core.hooks.shapes import VERSION, at
from core.hooks.states import DELIVERY
from core.hooks.types import ENDPOINT_TEST
from core.kernel.errors import NotFound
from portal.api.blueprint import api
from portal.api.events import page_size
from portal.api.guard import by_key
from portal.api.reading import Body, BodyRefused, body

Answer = tuple[dict[str, Any], int]
BY = "api"


@api.get("/webhook-endpoints")
@by_key
def list_hooks(vendor: Vendor, mode: str) -> Answer:
    """All of them; there are sixteen at most."""
    return {"object": "list", "data": [_shape(one) for one in endpoints.list_endpoints(vendor, mode)], "has_more": False}, 200


@api.post("/webhook-endpoints")
@by_key
def make_hook(vendor: Vendor, mode: str) -> Answer:
    """A new endpoint. Its secret is read at `secret_url` within an hour: no answer that is kept for repetitions carries it."""
    sent = body()
    wish = {
        "address": sent.text("address"),
        "name": sent.text("name", ""),
        "types": _texts(sent, "types"),
        "version": sent.text("version", VERSION),
    }
    sent.close()
    made, _secret = endpoints.make_endpoint(vendor, mode, by=BY, **wish)
    return _shape(made), 201


@api.get("/webhook-endpoints/<number>")
@by_key
def show_hook(vendor: Vendor, mode: str, number: str) -> Answer:
    """One endpoint, without its secret."""
    return _shape(endpoints.get_endpoint(vendor, mode, number)), 200


@api.patch("/webhook-endpoints/<number>")
@by_key
def change_hook(vendor: Vendor, mode: str, number: str) -> Answer:
    """Only what is named is changed; `status` is on or off."""
    row, sent = endpoints.get_endpoint(vendor, mode, number), body()
    address, name = sent.text("address", row.address), sent.text("name", row.name)
    types, status = _texts(sent, "types", list(row.types)), sent.text("status", row.state)
    sent.close()
    if status not in ("on", "off"):
        raise BodyRefused("This is on or off.", field="status")
    row = endpoints.change_endpoint(vendor, row, by=BY, address=address, name=name, types=types)
    if status != row.state:
        row = endpoints.switch_on(row, by=BY) if status == "on" else endpoints.switch_off(row, why="by_hand", by=BY)
    return _shape(row), 200


@api.delete("/webhook-endpoints/<number>")
@by_key
def drop_hook(vendor: Vendor, mode: str, number: str) -> Answer:
    """Nothing more is sent there; what is waiting is called off."""
    row = endpoints.get_endpoint(vendor, mode, number)
    endpoints.take_away(row, by=BY)
    return {"id": row.public_id, "object": "webhook_endpoint", "deleted": True}, 200


@api.get("/webhook-endpoints/<number>/secret")
@by_key
def show_hook_secret(vendor: Vendor, mode: str, number: str) -> Answer:
    """The secret that counts, for an hour after it was made."""
    row = endpoints.get_endpoint(vendor, mode, number)
    ends = endpoints.overlap_ends(row)
    return {
        "object": "webhook_secret",
        "endpoint": row.public_id,
        "secret": endpoints.young_secret(row),
        "former_signs_until": at(ends),
    }, 200


@api.post("/webhook-endpoints/<number>/roll")
@by_key
def roll_hook_secret(vendor: Vendor, mode: str, number: str) -> Answer:
    """Another secret; the former one signs beside it for `overlap_hours`."""
    sent = body()
    hours = sent.number("overlap_hours", 24)
    sent.close()
    row = endpoints.get_endpoint(vendor, mode, number)
    if not 0 <= hours <= 168:
        raise BodyRefused("Between 0 and 168 hours.", field="overlap_hours")
    endpoints.roll_secret(row, by=BY, overlap=timedelta(hours=hours))
    return _shape(row), 200


@api.post("/webhook-endpoints/<number>/test")
@by_key
def test_hook(vendor: Vendor, mode: str, number: str) -> Answer:
    """A test event, or the newest event of a `type` once more."""
    sent = body()
    type_ = sent.text("type", ENDPOINT_TEST)
    sent.close()
    made = send_test(vendor, endpoints.get_endpoint(vendor, mode, number), type_, by=BY)
    return _delivery(vendor, line_of(vendor, made)), 201


@api.post("/webhook-endpoints/<number>/catch-up")
@by_key
def catch_hook_up(vendor: Vendor, mode: str, number: str) -> Answer:
    """Everything it missed since a moment, the newest state of each object. With `dry_run` it is only counted."""
    sent = body()
    since, dry = sent.text("since"), sent.values.get("dry_run", False)
    sent.read.add("dry_run")
    sent.close()
    if not isinstance(dry, bool):
        raise BodyRefused("This has to be true or false.", field="dry_run")
    row = endpoints.get_endpoint(vendor, mode, number)
    found = missed(vendor, row, _moment(since)) if dry else catch_up(vendor, row, _moment(since), by=BY)
    told = {"objects": len(found.events), "older_left_out": found.left_out, "arrived_already": found.has}
    return {"object": "catch_up", "endpoint": row.public_id, "dry_run": dry, **told}, 200


@api.get("/webhook-endpoints/<number>/deliveries")
@by_key
def list_hook_deliveries(vendor: Vendor, mode: str, number: str) -> Answer:
    """What was sent there, newest first."""
    row, state = endpoints.get_endpoint(vendor, mode, number), request.args.get("status", "")
    if state and state not in DELIVERY:
        raise BodyRefused("There is no such status.", field="status")
    after = request.args.get("starting_after")
    if after:
        get_delivery(vendor, mode, after)
    found = list_deliveries(vendor, row, state=state, after=after, limit=page_size())
    return {"object": "list", "data": [_delivery(vendor, line) for line in found.rows], "has_more": found.next is not None}, 200


@api.get("/webhook-endpoints/<number>/deliveries/<delivery>")
@by_key
def show_hook_delivery(vendor: Vendor, mode: str, number: str, delivery: str) -> Answer:
    """One delivery with its event and every try."""
    found = _sent_to(vendor, mode, number, delivery)
    line = line_of(vendor, found)
    tries = [_try(one) for one in tries_of(vendor, found)]
    return {**_delivery(vendor, line), "body": envelope(line.event), "tries": tries}, 200


@api.post("/webhook-endpoints/<number>/deliveries/<delivery>/retry")
@by_key
def retry_hook_delivery(vendor: Vendor, mode: str, number: str, delivery: str) -> Answer:
    """The same event once more, at once, as a new delivery."""
    body().close()
    made = send_again(vendor, _sent_to(vendor, mode, number, delivery), by=BY)
    return _delivery(vendor, line_of(vendor, made)), 201


def _sent_to(vendor: Vendor, mode: str, number: str, delivery: str) -> HookDelivery:
    """A delivery to this very endpoint; refuses with 404."""
    found = get_delivery(vendor, mode, delivery)
    if found.endpoint_id != endpoints.get_endpoint(vendor, mode, number).id:
        raise NotFound
    return found


def _shape(row: HookEndpoint) -> dict[str, Any]:
    return {
        "id": row.public_id, "object": "webhook_endpoint", "mode": row.mode, "name": row.name, "address": row.address, "catcher": row.catches,
        "types": list(row.types), "version": row.version, "status": row.state, "why_off": row.why_off or None,
        "failing_since": at(row.failing_since), "last_success_at": at(row.succeeded_at), "last_failure_at": at(row.failed_at),
        "created_at": at(row.made_at), "secret_url": url_for("api.show_hook_secret", number=row.public_id),
    }  # fmt: skip


def _delivery(vendor: Vendor, line: Line) -> dict[str, Any]:
    one = line.delivery
    return {
        "id": one.public_id, "object": "webhook_delivery", "mode": one.mode, "endpoint": endpoint_of(vendor, one).public_id,
        "event": line.event.public_id, "type": line.event.type, "about": line.event.subject, "cause": one.cause, "status": one.state,
        "attempts": one.attempts, "last_answer": one.status, "next_try_at": at(one.due_at), "created_at": at(one.created_at), "ended_at": at(one.ended_at),
    }  # fmt: skip


def _try(one: HookAttempt) -> dict[str, Any]:
    return {
        "number": one.number, "at": at(one.at), "took_ms": one.took_ms, "sent_headers": one.sent, "answer": one.status,
        "answer_headers": one.answered, "answer_body": one.answer, "problem": one.problem or None,
    }  # fmt: skip


def _texts(sent: Body, name: str, usual: list[str] | None = None) -> list[str]:
    """A list of texts; none when it is left out."""
    sent.read.add(name)
    value = sent.values.get(name, usual if usual is not None else [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one.isprintable() for one in value) or len(value) > 100:
        raise BodyRefused("This has to be a list of texts.", field=sent.path(name))
    return value


def _moment(text: str) -> datetime:
    """An instant as ISO 8601 with its zone."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BodyRefused("Write an instant like 2026-11-26T20:00:00Z.", field="since")
