"""The OpenAPI document, put together from the declarations that the endpoints themselves go by: nothing is written a second time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import Response, jsonify

from core.accounts.api_keys import PATTERN
from core.accounts.key_scopes import permission_for, scope_of
from core.kernel.config import settings
from core.web.guard import public
from portal.api.blueprint import api
from portal.api.endpoint import ENDPOINTS, TAGS, Endpoint
from portal.api.guard import act_of
from portal.api.kinds import Kind, Schema, schema_of
from portal.api.paging import PAGED, list_schema
from portal.api.reading import DEEPEST
from portal.api.shapes import MONEY, Shape

VERSION = "1.0.0"
IN_PATH = re.compile(r"<(?:\w+:)?(\w+)>")
PROBLEM: Schema = {
    "type": "object", "required": ["type", "code", "title", "detail", "status", "request_id"], "additionalProperties": False,
    "description": "Why something was refused, or what broke (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained."},
        "code": {"type": "string", "description": "Stable: what software goes by."},
        "title": {"type": "string", "description": "In short."},
        "detail": {"type": "string", "description": "What a person can do about it."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "field": {"type": "string", "description": "Where to look: orders.0.seller."},
        "request_id": {"type": "string", "description": "By which we find this request."},
        "errors": {
            "type": "array", "description": "Where several fields are missing, wrong or unknown at once: each of them.",
            "items": {
                "type": "object", "required": ["field", "detail"], "additionalProperties": False,
                "properties": {
                    "field": {"type": "string", "description": "Which field: `payer.email`, `items.0.price`."},
                    "detail": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
    },
}  # fmt: skip
REFUSALS = {
    400: "What was sent cannot be read.", 401: "No key, or none that counts.", 403: "The key is not good for that.",
    404: "There is no such thing, or none of yours.", 409: "It cannot be done as things stand now.", 410: "It is not kept any more.", 413: "Too large.",
    415: "No JSON.", 422: "A field is missing, unknown, or says what cannot be.", 429: "Too many requests; Retry-After says how long to wait.",
    500: "Something broke on our side.", 503: "Not available for a moment; Retry-After says how long to wait.",
}  # fmt: skip
ABOUT = f"""Every rule of the portal counts here as well: both are doors to the same acts.

**Money** is whole minor units with its currency, `{{"amount": 1999, "currency": "GBP"}}`. Where you send a sum you may also write `"19.99"`.

**Keys** go into the header `Authorization: Bearer portal_sk_test_...`, or are the user name of Basic. Test keys see practice money only.
A secret or restricted key is refused when it comes from a page in a browser. Keys look like `{PATTERN}`; the last six signs are a checksum.

**A person's app** signs in at `/users/sign-in` and gets an access token for ten minutes and a refresh token that counts once. The access token
goes where a key would, and does what the person's role in the business permits (`x-permission`).

**Idempotency-Key**: every write needs one of your own, but for signing up and in. The same request with the same key is done once and answered the same, with
`Idempotent-Replayed: true`; with another body it is refused and the fields that differ are named; while the first is still being worked on
the answer is 409 with Retry-After. What was refused is not remembered: mend it and send it with the same key.

**Lists** come newest first; only the feed of events comes oldest first, and goes on with `after`. `starting_after` and `ending_before` name a row; `has_more` says whether there are more in that direction.

**Refusals** are `application/problem+json` with a stable `code`. Fields that are missing, wrong or unknown are named all at once, in `errors`. Unknown fields and parameters are refused, so that a mistyped one is not
lost. Nothing is nested deeper than {DEEPEST} levels.

**Versions**: the version stands in the address. What there is in this one stays as it is; endpoints, fields of answers, fields that may be left out, events
and words of a list may be added, so pass over what you do not know. What is to go is `deprecated` here and says so with every answer a year before, in the headers `Deprecation` and
`Sunset`. Events are written in the `version` that their webhook endpoint was made with."""


@api.get("/openapi.json")
@public
def openapi() -> Response:
    """The document itself."""
    return jsonify(document())


def document() -> Schema:
    """All endpoints, as they are declared."""
    paths: dict[str, Schema] = {}
    for told in ENDPOINTS:
        paths.setdefault(_path(told.path), {})[told.method.lower()] = _operation(told)
    parts = {"Money": MONEY, "Problem": PROBLEM} | {one.title: one.schema() for one in _all_shapes(told.gives for told in ENDPOINTS)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Payment API", "version": VERSION, "description": ABOUT},
        "servers": [{"url": f"{settings().public_url}/api/v1"}],
        "security": [{"key": []}, {"keyAsUser": []}, {"person": []}],
        "tags": [{"name": resource} for resource in TAGS],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(parts.items())),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"}, "keyAsUser": {"type": "http", "scheme": "basic"},
                "person": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
            "responses": {
                f"Refused{status}": {
                    "description": words, "headers": _headers_of_refusal(status),
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, words in REFUSALS.items()
            },
        },
    }  # fmt: skip


def _all_shapes(shapes: Iterable[Shape]) -> list[Shape]:
    """Those that are answered, and those within them."""
    found: dict[str, Shape] = {}
    for one in shapes:
        found[one.title] = one
        found |= {inner.title: inner for inner in _all_shapes(part.of for part in one.parts.values() if part.of)}
    return list(found.values())


def _path(path: str) -> str:
    return IN_PATH.sub(r"{\1}", path)


def _operation(told: Endpoint) -> Schema:
    statuses = [400, 401, 403, 404, 429, 500, 503, 422] + ([409, 413, 415] if told.writes else []) + list(told.also)
    answer = list_schema(told.gives) if told.many else told.gives.ref
    named = told.writes and told.access != "public"
    about: Schema = {
        "operationId": told.name, "summary": told.summary, "tags": [_tag(told.word)], **_who(told),
        "parameters": _parameters(
            told.path, {**told.query, **(PAGED if told.many else {})}, named=named
        ),
        "responses": {
            str(told.status): {"description": told.summary, "headers": _headers(told), "content": {"application/json": {"schema": answer}}},
            **_refusals(statuses),
        },
    }  # fmt: skip
    if told.about:
        about["description"] = told.about
    if told.ends:
        about |= {"deprecated": True, "description": f"{told.ends} {told.about}".strip()}
    if told.takes:
        schema = schema_of(told.takes)
        if told.partly:
            schema.pop("required", None)
        must = not told.partly and "required" in schema
        about["requestBody"] = {"required": must, "content": {"application/json": {"schema": schema}}}
    return about


def _who(told: Endpoint) -> Schema:
    """What a key needs to be good for, or a person's role; or that a key opens nothing there."""
    if told.access == "public":
        return {"security": []}
    if told.access == "user":
        return {"security": [{"person": []}]}
    found: Schema = {"x-scope": scope_of(told.word, writes=told.writes), "x-publishable": told.publishable}
    try:
        return found | {"x-permission": permission_for(told.word, writes=told.writes, act=act_of(told.path))}
    except KeyError:
        return found | {"security": [{"key": []}, {"keyAsUser": []}]}


def _tag(word: str) -> str:
    return next(resource for resource, words in TAGS.items() if word in words)


def _parameters(path: str, query: dict[str, Kind] | Any, *, named: bool) -> list[Schema]:
    """`named`: it is a write that carries a name of its own."""
    found: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": "Its id."}
        for name in IN_PATH.findall(path)
    ]
    for name, kind in query.items():
        found.append({"name": name, "in": "query", "required": kind.required, "schema": kind.schema(), "description": kind.about})
    if named:
        known = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": known, "description": "Your own name for this write."}
        )
    return found


def _header(kind: str, about: str, *, always: bool = True, **more: Any) -> Schema:
    return {"required": always, "schema": {"type": kind, **more}, "description": about}


REQUEST_ID = _header("string", "By which we find this request.", pattern="^req_")


def _headers(told: Endpoint) -> Schema:
    """Of an answer that is no refusal: how the limit stands is said to whoever came with a key or a token."""
    found: Schema = {"Request-Id": REQUEST_ID}
    if told.access == "public":
        return found
    found |= {
        "RateLimit-Limit": _header("integer", "How many requests the key has in a window; with 429, whichever limit was reached."),
        "RateLimit-Remaining": _header("integer", "How many are left."),
        "RateLimit-Reset": _header("integer", "In how many seconds the window is over."),
        "RateLimit-Policy": _header("string", "The same limit as a rule: how many, and in how many seconds."),
    }
    replayed = _header("string", "true where it had been done before.", always=False, enum=["true"])
    return found | ({"Idempotent-Replayed": replayed} if told.writes else {})


def _headers_of_refusal(status: int) -> Schema:
    found: Schema = {"Request-Id": REQUEST_ID}
    if status == 401:
        found["WWW-Authenticate"] = _header("string", "How to say who is asking.")
    if status in (429, 503):
        found["Retry-After"] = _header("integer", "In how many seconds to ask again.", minimum=1)
    if status == 409:
        found["Retry-After"] = _header("integer", "The same, where that is all there is to do.", always=False, minimum=1)
    return found


def _refusals(statuses: Iterable[int]) -> Schema:
    return {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in sorted(statuses)}
