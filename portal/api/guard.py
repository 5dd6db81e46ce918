"""Whose key it is, what it is good for, and that a write happens once: `@by_key` in front of every view of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, jsonify, request

from core.accounts.api_keys import PUBLISHABLE, RESTRICTED, counts_from, find_key, note_use
from core.accounts.key_models import ApiKey
from core.accounts.key_scopes import check_scope, scope_of
from core.accounts.models import Vendor
from core.accounts.once import digests, find_kept, fingerprint, keep_answer
from core.accounts.refused_calls import Caller
from core.kernel.errors import NotAllowed, Refusal
from core.web.guard import marked
from core.web.throttle import count_call, count_try
from portal.api.reading import values_sent

View = TypeVar("View", bound=Callable[..., Any])
STEADY = "600 per 1 minute"  # of one key
BURST = "120 per 5 seconds"  # of one key at one address
STRANGERS = "60 per 1 minute"  # refused keys from one address
LONGEST_KEY = 255
SAFE = ("GET", "HEAD")


class KeyRefused(Refusal):
    """No key, or none that opens anything."""

    code = "key_refused"
    status = 401


class SecretKeyInBrowser(NotAllowed):
    """A secret key came from a page: whoever reads the page has it."""

    code = "secret_key_in_browser"


class AddressNotAllowed(NotAllowed):
    """The key counts from other addresses only."""

    code = "address_not_allowed"


class NotForPublishable(NotAllowed):
    """A publishable key stands in pages, and opens what a payer may see."""

    code = "publishable_key"


class NoIdempotencyKey(Refusal):
    """A write without a name of its own cannot be repeated safely."""

    code = "idempotency_key_missing"
    status = 400


def by_key(view: View | None = None, *, publishable: bool = False) -> Any:
    """Only with a key that is good for it, as Bearer token or as the user name of Basic. The view is called with the vendor and the mode;
    it gives a document and a status. What a restricted key needs follows from the address (core/accounts/key_scopes.py).

    A write needs an Idempotency-Key: the same request again is answered as the first time, and does nothing.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Response:
            vendor, key = _caller(publishable=publishable)
            g.time_zone = "UTC"
            if request.method in SAFE:
                return _answer(*view(vendor, key.mode, *args, **kwargs))
            return _once(vendor, key, lambda: view(vendor, key.mode, *args, **kwargs))

        return marked(guarded, access="key", csrf=False, publishable=publishable)

    return mark(view) if view is not None else mark


def _once(vendor: Vendor, key: ApiKey, act: Callable[[], tuple[dict[str, Any], int]]) -> Response:
    """The act and its answer are kept in one transaction: after a crash both are there or neither is, and asking again is safe."""
    name, sent = _name(), values_sent()
    asked, fields = fingerprint(request.method, request.path, sent), digests(sent)
    kept = find_kept(vendor.id, key.mode, name, asked, fields)
    if kept is not None:
        response = _answer(kept.body, kept.status)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    body, status = act()
    keep_answer(vendor.id, key.mode, name, asked, status=status, body=body, fields=fields)
    return _answer(body, status)


def wish_token() -> str:
    """The name of this write for the act behind it, whose own key it becomes: it protects for ever, also when the answer is kept no more."""
    return f"api:{hashlib.sha256(_name().encode()).hexdigest()}"


def _caller(*, publishable: bool) -> tuple[Vendor, ApiKey]:
    found = find_key(_secret())
    if found is None:
        count_try(STRANGERS, scope="api-strangers", whose=request.remote_addr or "")
        raise KeyRefused("Send a key that counts in the header: Authorization: Bearer portal_sk_test_...")
    vendor, key = found
    g.api_caller = Caller(vendor.id, key.mode, key.public_id)
    g.api_counted = count_call(STEADY, scope="api", whose=key.public_id)
    count_call(BURST, scope=f"api-{request.endpoint}", whose=key.public_id)
    if vendor.stopped_at is not None:
        raise KeyRefused("This business has closed its account.")
    _check_rights(key, publishable=publishable)
    note_use(key, request.remote_addr or "")
    return vendor, key


def _secret() -> str:
    """What stands in the Authorization header: after Bearer, or as the user name of Basic, whose password stays empty."""
    said = request.authorization
    if said is None:
        return ""
    secret = (said.token or "").strip() if said.type == "bearer" else said.username or "" if said.type == "basic" else ""
    return secret if secret.isascii() else ""


def _check_rights(key: ApiKey, *, publishable: bool) -> None:
    """Where it comes from, what it is for, and that a secret one does not come from a page."""
    if not counts_from(key, request.remote_addr or ""):
        raise AddressNotAllowed("This key does not count from your network address. The owner of the account can add it to the key.")
    if key.kind == PUBLISHABLE:
        if not publishable:
            raise NotForPublishable("A publishable key opens only what a payer may see. Use a secret or a restricted key on your server.")
        return
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        raise SecretKeyInBrowser(
            "This key came from a page in a browser, where anybody can read it. Roll it now, and call from your server."
        )
    if key.kind == RESTRICTED:
        check_scope(key.scopes, scope_of(word_of(request.url_rule.rule if request.url_rule else ""), writes=request.method not in SAFE))


def word_of(rule: str) -> str:
    """The first word of an address below /api/v1/: `payment-links`."""
    return rule.removeprefix("/api/v1/").partition("/")[0]


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
