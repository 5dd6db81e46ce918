"""Whose key it is, and that a write happens once: `@by_key` in front of every view of the API."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, jsonify, request

from core.accounts.api_keys import find_key, note_use
from core.accounts.key_models import ApiKey
from core.accounts.models import Vendor
from core.accounts.once import find_kept, fingerprint, keep_answer
from core.kernel.errors import Refusal
from core.web.guard import marked
from core.web.throttle import count_try

View = TypeVar("View", bound=Callable[..., Any])
EACH = "600 per 1 minute"  # of one key
STRANGERS = "60 per 1 minute"  # refused keys from one address
LONGEST_KEY = 255


class KeyRefused(Refusal):
    """No key, or none that opens anything."""

    code = "key_refused"
    status = 401


class NoIdempotencyKey(Refusal):
    """A write without a name of its own cannot be repeated safely."""

    code = "idempotency_key_missing"
    status = 400


def by_key(view: View) -> View:
    """Only with a secret key as Bearer token. The view is called with the vendor and the mode; it gives a document and a status.

    A write needs an Idempotency-Key: the same request again is answered as the first time, and does nothing.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Response:
        vendor, key = _caller()
        g.time_zone = "UTC"
        if request.method in ("GET", "HEAD"):
            body, status = view(vendor, key.mode, *args, **kwargs)
            return _answer(body, status)
        name, asked = _name(), fingerprint(request.method, request.path, request.get_data())
        kept = find_kept(vendor.id, key.mode, name, asked)
        if kept is not None:
            response = _answer(kept.body, kept.status)
            response.headers["Idempotent-Replayed"] = "true"
            return response
        body, status = view(vendor, key.mode, *args, **kwargs)
        keep_answer(vendor.id, key.mode, name, asked, status=status, body=body)
        return _answer(body, status)

    return marked(guarded, access="key", csrf=False)


def _caller() -> tuple[Vendor, ApiKey]:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    found = find_key(secret.strip()) if scheme.lower() == "bearer" and secret.isascii() else None
    if found is None:
        count_try(STRANGERS, scope="api-strangers", whose=request.remote_addr or "")
        raise KeyRefused("Send a secret key that counts in the header: Authorization: Bearer portal_sk_test_...")
    vendor, key = found
    count_try(EACH, scope="api", whose=key.public_id)
    if vendor.stopped_at is not None:
        raise KeyRefused("This business has closed its account.")
    note_use(key)
    return vendor, key


def _name() -> str:
    name = request.headers.get("Idempotency-Key", "")
    if not 0 < len(name) <= LONGEST_KEY or not name.isascii() or not name.isprintable():
        raise NoIdempotencyKey(
            "Send an Idempotency-Key of your own with every write: up to 255 printable letters, the same when you repeat it."
        )
    return name


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
