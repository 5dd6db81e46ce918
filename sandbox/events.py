"""Events: written in the transaction of the change they tell about, with a delivery row for every endpoint that listens."""

import time

from core.web.wire.encode import fields_changed
from sandbox import stories
from sandbox.ids import new_id

API_VERSION = "2026-10-28.endive"


def emit(shelf, kind, body, before=None, *, account=None):
    """Records that `kind` happened to `body`; `before` (the older body) gives `previous_attributes`. `account`: the connected account it
    happened to; the platform is told of it as well, and keeps it among its own events."""
    shelf = shelf.home
    content = {"object": body}
    if before is not None:
        content["previous_attributes"] = fields_changed(before, body)
    endpoints = [one for one in shelf.rows("webhook_endpoint") if one["status"] == "enabled" and _listens(shelf, one, kind, account)]
    event = shelf.put(
        {
            **({"account": account} if account else {}),
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "context": None,
            "created": int(shelf.now),
            "data": content,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {"id": shelf.request, "idempotency_key": shelf.idempotency_key},
            "type": kind,
        }
    )
    delays = stories.delivery_delays(shelf, subject_of(body))
    for endpoint in endpoints:
        for delay in delays:
            shelf.connection.execute(
                "INSERT INTO deliveries (account, event, endpoint, due_at) VALUES (?, ?, ?, ?)",
                (shelf.account, event["id"], endpoint["id"], time.time() + delay),
            )
    return event


def _listens(shelf, endpoint, kind, account):
    """An endpoint hears of the account itself, or (made with `connect`) of connected accounts; one that was preset hears both."""
    wanted = "*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"]
    both = "preset" in endpoint["metadata"]
    return wanted and (both or shelf.private(endpoint["id"]).get("connect", False) == bool(account))


def subject_of(body):
    """The payment an object belongs to: stories that last for some payments follow it."""
    if body["object"] == "payment_intent":
        return body["id"]
    return body.get("payment_intent") or body["id"]
