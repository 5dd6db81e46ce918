"""Webhook endpoints and the list of events."""

import re
from urllib.parse import urlsplit

from core.web.wire.errors import bad_parameter
from sandbox.calls import call
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id

_URL = re.compile(r"https?://[^\s\\@]{1,2000}\Z")
MOST_ENDPOINTS = 16


def hide(endpoint):
    """The secret is shown once, when the endpoint is made."""
    return {key: value for key, value in endpoint.items() if key != "secret"}


def check_url(url, param="url"):
    if not isinstance(url, str) or not _URL.match(url) or not _reachable(url):
        raise bad_parameter("url_invalid", param, "Not a valid URL.")
    return url


def _reachable(url):
    """Whether the address can be taken apart into a host and a port at all."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def make_endpoint(shelf, url, events, secret, *, description=None, metadata=None, api_version=None, connect=False):
    return shelf.put(
        {
            "id": new_id("we"),
            "object": "webhook_endpoint",
            "api_version": api_version,
            "application": None,
            "created": int(shelf.now),
            "description": description,
            "enabled_events": events,
            "livemode": False,
            "metadata": metadata or {},
            "status": "enabled",
            "url": url,
        },
        {"secret": secret, "connect": connect},
    )


@call("POST", "webhook_endpoints")
def create_endpoint(shelf, params):
    url, events = check_url(params.text("url", required=True)), params.texts("enabled_events") or []
    description, metadata, version = params.text("description"), params.metadata(), params.text("api_version")
    connect = params.boolean("connect", False)
    params.finish()
    if not events:
        raise bad_parameter("parameter_missing", "enabled_events", "Missing required param: enabled_events.")
    if len(shelf.rows("webhook_endpoint")) >= MOST_ENDPOINTS:
        raise bad_parameter("parameter_invalid", None, f"An account has at most {MOST_ENDPOINTS} webhook endpoints.")
    secret = "whsec_" + letters(32)
    endpoint = make_endpoint(shelf, url, events, secret, description=description, metadata=metadata, api_version=version, connect=connect)
    return {**endpoint, "secret": secret}


@call("GET", "webhook_endpoints/<id>")
def read_endpoint(shelf, params, identity):
    params.finish()
    return get(shelf, "webhook_endpoint", identity)


@call("POST", "webhook_endpoints/<id>")
def update_endpoint(shelf, params, identity):
    endpoint = get(shelf, "webhook_endpoint", identity)
    changed = {
        **endpoint,
        "metadata": params.metadata(endpoint["metadata"]),
        "enabled_events": params.texts("enabled_events", default=endpoint["enabled_events"]),
        "description": params.text("description", default=endpoint["description"]),
    }
    if params.has("url"):
        changed["url"] = check_url(params.text("url", required=True))
    disabled = params.boolean("disabled")
    if disabled is not None:
        changed["status"] = "disabled" if disabled else "enabled"
    params.finish()
    return shelf.put(changed)


@call("DELETE", "webhook_endpoints/<id>")
def delete_endpoint(shelf, params, identity):
    params.finish()
    get(shelf, "webhook_endpoint", identity)
    shelf.remove(identity)
    return {"id": identity, "object": "webhook_endpoint", "deleted": True}


@call("GET", "webhook_endpoints")
def list_endpoints(shelf, params):
    return list_page(shelf, params, "webhook_endpoint", "/v1/webhook_endpoints")


def with_waiting(shelf, event):
    waiting = shelf.connection.execute(
        "SELECT count(DISTINCT endpoint) FROM deliveries WHERE account = ? AND event = ? AND state IN ('waiting', 'sending')",
        (shelf.account, event["id"]),
    ).fetchone()[0]
    return {**event, "pending_webhooks": waiting}


@call("GET", "events/<id>")
def read_event(shelf, params, identity):
    params.finish()
    return with_waiting(shelf, get(shelf, "event", identity))


@call("GET", "events")
def list_events(shelf, params):
    kind, kinds = params.text("type"), params.texts("types")
    found = list_page(
        shelf,
        params,
        "event",
        "/v1/events",
        equal={"type": kind},
        among={"type": kinds} if kinds else None,
        created=params.between("created"),
    )
    return {**found, "data": [with_waiting(shelf, event) for event in found["data"]]}
