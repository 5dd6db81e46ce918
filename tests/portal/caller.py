"""A vendor's own software, which holds every answer against the API's document."""

from __future__ import annotations

import json
import re
import secrets
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from core.accounts.api_keys import make_key
from tests.factories import Shop, unit
from tests.portal.schema import Schema, faults, found

HOME = "/api/v1"


@cache
def document_of(app: Flask) -> Schema:
    """As it is handed out."""
    return dict(app.test_client().get(f"{HOME}/openapi.json").get_json())


def operation(document: Schema, method: str, path: str) -> Schema | None:
    """What the document says about this call; an address without a name in it is meant before one with."""
    for known in sorted(document["paths"], key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path) and method.lower() in document["paths"][known]:
            return dict(document["paths"][known][method.lower()])
    return None


def conforms(app: Flask, method: str, path: str, response: TestResponse) -> TestResponse:
    """The answer, after it was held against the document: its status is named there, and its body is what stands there."""
    document = document_of(app)
    told = operation(document, method, path.partition("?")[0].removeprefix(HOME))
    if told is None:
        return response
    named = told["responses"].get(str(response.status_code))
    assert named, f"{method} {path} answered {response.status_code}, which the document does not name: {response.text}"
    named = found(named["$ref"], document) if "$ref" in named else named
    kind, body = next(iter(named["content"].items()))
    assert response.mimetype == kind
    wrong = faults(response.get_json(), body["schema"], document, f"{method} {path}")
    assert not wrong, wrong
    assert response.headers["Request-Id"].startswith("req_") and response.headers["Cache-Control"] == "no-store"
    return response


class Caller:
    """With a key of its own; `kind`, `scopes` and `addresses` as for any key."""

    def __init__(self, shop: Shop, mode: str = "test", **key: Any) -> None:
        self.shop, self.client = shop, shop.app.test_client()
        with unit(shop.app):
            self.key, self.secret = make_key(shop.vendor, mode, name="Shop", by="usr_x", **key)

    def get(self, path: str, **headers: str) -> TestResponse:
        answer = self.client.get(path, headers={"Authorization": f"Bearer {self.secret}", **headers})
        return conforms(self.shop.app, "GET", path, answer)

    def post(self, path: str, body: Any = None, *, key: str | None = None, method: str = "POST", **headers: str) -> TestResponse:
        named = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": key or secrets.token_hex(8), **headers}
        raw = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else ""
        kind = named.pop("Content-Type", "application/json")
        answer = self.client.open(path, method=method, data=raw, content_type=kind, headers=named)
        return conforms(self.shop.app, method, path, answer)

    def patch(self, path: str, body: Any, **more: Any) -> TestResponse:
        return self.post(path, body, method="PATCH", **more)


def problem(response: TestResponse, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """What was said, after it was seen that it is this problem."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    said = response.get_json()
    assert (said["code"], said.get("field")) == (code, field), said
    assert said["request_id"] == response.headers["Request-Id"] and said["type"].endswith(f"/portal/api#error-{code}")
    return dict(said)
