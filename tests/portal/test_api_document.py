"""The document and the application say the same, and whatever the document allows is answered without a fault."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.api.endpoint import ENDPOINTS, Ending
from portal.api.openapi import _operation
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_link, make_paid, make_shop
from tests.portal.caller import HOME, Caller, document_of
from tests.portal.schema import KNOWN, Schema, found

ROUNDS = 150
STRANGE: list[Any] = [
    "",
    "\0",
    "\ud800",
    "é" * 300,
    "-1",
    "1e9",
    "null",
    2**63,
    -(2**70),
    0,
    1.5,
    True,
    None,
    [],
    {},
    [[]],
    {"": ""},
    "0" * 400,
]


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture(scope="module")
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


def operations(document: Schema) -> list[tuple[str, str, Schema]]:
    return [(method.upper(), path, told) for path, all_of in document["paths"].items() for method, told in all_of.items()]


def test_every_route_stands_in_the_document_and_every_address_of_it_is_a_route(app: Flask) -> None:
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix(HOME))
        for rule in app.url_map.iter_rules() if is_declared(app.view_functions[rule.endpoint])
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    assert routes == {(method, path) for method, path, _ in operations(document_of(app))}


def is_declared(view: Any) -> bool:
    """Whatever goes by a key or a person's app, and what is for anybody and declared."""
    return getattr(view, "__access__", "") in ("key", "user") or getattr(view, "__declared__", False)


def test_whatever_is_pointed_at_is_there_and_is_read_by_the_tests(app: Flask) -> None:
    document = document_of(app)
    refs = re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))
    assert refs and all(found(ref, document) for ref in refs)
    used = {name for schema in _schemas(document) for name in schema}
    assert used <= KNOWN


def _schemas(node: Any) -> list[Schema]:
    """Everything that is a schema, wherever it stands."""
    if isinstance(node, list):
        return [one for inner in node for one in _schemas(inner)]
    if not isinstance(node, dict):
        return []
    here = [node["schema"]] if isinstance(node.get("schema"), dict) else []
    return here + [one for inner in node.values() for one in _schemas(inner)]


def test_names_are_used_once_and_everything_is_explained(app: Flask) -> None:
    told = [one for _, _, one in operations(document_of(app))]
    assert len({one["operationId"] for one in told}) == len(told)
    assert all(one["summary"] and one["tags"] and ("x-scope" in one or one["security"] in ([], [{"person": []}])) for one in told)
    parts = document_of(app)["components"]["schemas"]
    silent = [f"{name}.{field}" for name, one in parts.items() for field, of in one["properties"].items() if "description" not in of]
    assert [one for one in silent if not one.startswith("Money.")] == []


def test_anybody_may_read_the_document(app: Flask) -> None:
    answer = app.test_client().get(f"{HOME}/openapi.json")
    assert answer.status_code == 200 and answer.get_json()["openapi"] == "3.1.0"


def value_of(schema: Schema) -> st.SearchStrategy[Any]:
    """What the schema allows, and now and then what it does not."""
    return st.one_of(_allowed(schema), _allowed(schema), _allowed(schema), st.sampled_from(STRANGE))


def _allowed(schema: Schema) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_kind(kind, schema) for kind in kinds])


def _of_kind(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    if kind == "object":
        needed = schema.get("required", [])
        fields = {name: value_of(inner) for name, inner in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            return st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=3)
        return st.fixed_dictionaries({name: fields[name] for name in needed}, optional={n: v for n, v in fields.items() if n not in needed})
    if kind == "array":
        return st.lists(value_of(schema.get("items", {"type": "string"})), max_size=3)
    if kind == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    plain: dict[str, st.SearchStrategy[Any]] = {"boolean": st.booleans(), "null": st.none()}
    if kind in plain:
        return plain[kind]
    if schema.get("format") == "date":
        return st.dates().map(lambda day: day.isoformat())
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: at.isoformat() + "Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return st.one_of(st.text(max_size=min(schema.get("maxLength", 30), 30)), st.just("GBP"), st.just("a@b.example"))


@given(st.data())
@settings(
    max_examples=ROUNDS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
def test_whatever_is_sent_is_answered_as_the_document_says(caller: Caller, data: st.DataObject) -> None:
    """Every answer is held against the document by the caller, which names no fault of ours but the ones that are refusals."""
    method, path, told = data.draw(st.sampled_from(operations(document_of(caller.shop.app))))
    ids = [*IDS[caller.shop.vendor.public_id], "x", "\0", "pay_" + "a" * 22, "%2e%2e", "é"]
    address = re.sub(r"\{\w+\}", lambda _: quote(data.draw(st.sampled_from(ids)), safe=""), path)
    query = {
        one["name"]: data.draw(value_of(one["schema"])) for one in told["parameters"]
        if one["in"] == "query" and data.draw(st.integers(0, 3)) == 0
    }  # fmt: skip
    asked = f"{HOME}{address}?{urlencode({name: str(value).encode('utf-8', 'replace') for name, value in query.items()})}"
    if method == "GET":
        answer = caller.get(asked)
    else:
        schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = json.dumps(data.draw(value_of(schema))) if schema else None
        answer = caller.post(asked if query else asked.rstrip("?"), body, method=method, key=secrets.token_hex(8))
    assert answer.status_code < 500, f"{method} {asked}: {answer.text}"


IDS: dict[str, list[str]] = {}


@pytest.fixture(scope="module", autouse=True)
def things(caller: Caller) -> None:
    """Something of each kind that is easily made, so that an address finds it."""
    paid, link = make_paid(caller.shop), make_link(caller.shop)
    refund = caller.post(f"{HOME}/refunds", {"payment": paid.public_id, "amount": 100}).get_json()["id"]
    customer = caller.get(f"{HOME}/customers").get_json()["data"][0]["id"]
    IDS[caller.shop.vendor.public_id] = [paid.public_id, link.public_id, refund, customer]


def test_what_is_to_go_says_so_with_every_answer_and_in_the_document(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ending(since=date(2027, 1, 31), until=date(2028, 2, 1), instead="/payments/{number}")
    told = next(one for one in ENDPOINTS if one.path == "/wallet")
    monkeypatch.setattr(caller.shop.app.view_functions["api.wallet"], "__ends__", ends)
    for answer in (caller.get(f"{HOME}/wallet"), caller.get(f"{HOME}/wallet?x=1"), caller.get(f"{HOME}/wallet", Authorization="Bearer x")):
        assert answer.headers["Deprecation"] == "@1801353600" and answer.headers["Sunset"] == "Tue, 01 Feb 2028 00:00:00 GMT"
        assert answer.headers["Link"].endswith('/portal/api>; rel="deprecation"; type="text/html"')
    assert "Deprecation" not in caller.get(f"{HOME}/payments").headers
    written = _operation(dataclasses.replace(told, ends=ends))
    assert written["deprecated"] and written["description"].startswith(
        "Deprecated since 2027-01-31, gone from 2028-02-01 on. Use /payments/{number}. By"
    )
    assert not any("deprecated" in one for _, _, one in operations(document_of(caller.shop.app)))
