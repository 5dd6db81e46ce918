"""The API's first doors: whose key, once for each Idempotency-Key, problems at their field, and the same facts as the pages show."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from flask import Flask

from core.accounts.api_keys import revoke_key
from core.accounts.key_models import KeptAnswer
from core.kernel.db import db
from core.orders.consent import let_sell, withdraw
from core.orders.models import Checkout
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_shop, unit
from tests.portal.caller import Caller, problem

EVENT = "/api/v1/payments/event"


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


@pytest.fixture
def seller(first: Shop, caller: Caller) -> Shop:
    shop = another_shop(first)
    with unit(shop.app):
        let_sell(shop.vendor, "test", caller.shop.vendor.public_id, by="usr_x")
    return shop


def event(*sellers: Shop, **more: Any) -> dict[str, Any]:
    orders = [
        {"seller": shop.vendor.public_id, "reference": f"R-{n}", "lines": [{"name": "Bread", "quantity": 2, "unit_amount": 350 * n}]}
        for n, shop in enumerate(sellers, 1)
    ]
    return {
        "checkout_id": f"cart-{secrets.token_hex(8)}",
        "currency": "GBP",
        "payer": {"email": "ada@example.com"},
        "orders": orders,
        **more,
    }


def count(caller: Caller) -> int:
    with unit(caller.shop.app):
        return db.session.query(Checkout).filter_by(vendor_id=caller.shop.vendor.id).count()


def test_an_event_is_opened_and_read_again(caller: Caller, seller: Shop) -> None:
    made = caller.post(EVENT, event(caller.shop, seller))
    assert made.status_code == 201, made.text
    body = made.get_json()
    assert (body["status"], body["amount"], body["is_payment_done"]) == ("open", {"amount": 2100, "currency": "GBP"}, False)
    assert [order["amount"]["amount"] for order in body["orders"]] == [700, 1400]
    assert caller.get(f"{EVENT}/{body['id']}").get_json() == body
    page = caller.client.get("/" + body["payment_page"].split("/", 3)[3])
    assert page.status_code == 200 and "Pay all sellers with one card" in page.text


def test_the_same_key_is_the_same_answer_and_one_event(caller: Caller) -> None:
    body, key = event(caller.shop), secrets.token_hex(8)
    first, second = caller.post(EVENT, body, key=key), caller.post(EVENT, body, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert "Idempotent-Replayed" not in first.headers and second.headers["Idempotent-Replayed"] == "true"
    assert count(caller) == 1
    problem(caller.post(EVENT, event(caller.shop), key=key), 422, "idempotency_key_reused", "Idempotency-Key")


def test_the_checkout_id_protects_when_the_key_is_another(caller: Caller) -> None:
    body = event(caller.shop)
    ids = {caller.post(EVENT, body).get_json()["id"] for _ in range(2)}
    assert len(ids) == 1 and count(caller) == 1
    problem(caller.post(EVENT, {**body, "payer": {"email": "eve@example.com"}}), 409, "checkout_differs", "checkout_id")


def test_a_refused_request_is_not_kept(caller: Caller) -> None:
    key = secrets.token_hex(8)
    body = event(caller.shop, rule="maybe")
    problem(caller.post(EVENT, body, key=key), 422, "checkout_refused", "rule")
    with unit(caller.shop.app):
        assert db.session.get(KeptAnswer, (caller.shop.vendor.id, "test", key)) is None
    assert caller.post(EVENT, {**body, "rule": "keep"}, key=key).status_code == 201


@pytest.mark.parametrize("change", ["", "x", "last", "revoked"])
def test_a_key_that_does_not_count_opens_nothing(caller: Caller, change: str) -> None:
    if change == "revoked":
        with unit(caller.shop.app):
            revoke_key(caller.shop.vendor, "test", caller.key.public_id, by="usr_x")
    elif change == "last":
        caller.secret = caller.secret[:-1] + ("a" if caller.secret[-1] != "a" else "b")
    else:
        caller.secret = change
    answer = caller.get("/api/v1/wallet")
    problem(answer, 401, "key_refused")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_write_without_a_name_is_refused(caller: Caller) -> None:
    answer = caller.client.post(EVENT, json=event(caller.shop), headers={"Authorization": f"Bearer {caller.secret}"})
    problem(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"checkout_id": None}, "checkout_id"), ({"checkout_id": 7}, "checkout_id"), ({"orders": {}}, "orders"), ({"orders": [3]}, "orders.0"),
        ({"colour": "red"}, "colour"), ({"payer": {}}, "payer.email"), ({"payer": {"email": "ada@example.com", "age": 3}}, "payer.age"),
        ({"orders": [{"seller": "x", "lines": [{"name": "a", "unit_amount": 1.5}]}]}, "orders.0.lines.0.unit_amount"),
        ({"orders": [{"seller": "x", "lines": [{"name": "a", "unit_amount": "1.505"}]}]}, "orders.0.lines.0.unit_amount"),
        ({"orders": [{"seller": "vnd_x", "lines": [{"name": "a", "unit_amount": "1.50"}]}]}, "orders.0.seller"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(caller: Caller, change: dict[str, Any], field: str) -> None:
    answer = caller.post(EVENT, {**event(caller.shop), **change})
    assert answer.status_code == 422 and answer.get_json()["field"] == field, answer.text
    assert count(caller) == 0


@pytest.mark.parametrize("raw", ["{", "[]", "NaN", '"text"', "[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_object_is_a_problem_and_never_a_fault(caller: Caller, raw: str | bytes) -> None:
    assert problem(caller.post(EVENT, raw), 400, "invalid_request")


def test_unknown_addresses_and_methods_are_problems_too(caller: Caller) -> None:
    problem(caller.get("/api/v1/nothing"), 404, "unknown_address")
    problem(caller.post("/api/v1/wallet", {}), 405, "method_not_allowed")


def test_an_order_is_its_sellers_and_an_event_its_callers(caller: Caller, seller: Shop) -> None:
    body = caller.post(EVENT, event(caller.shop, seller)).get_json()
    mine, theirs = (order["id"] for order in body["orders"])
    other = Caller(seller)
    assert other.get(f"/api/v1/orders/{theirs}").get_json()["amount"] == {"amount": 1400, "currency": "GBP"}
    assert [caller.get(f"/api/v1/orders/{n}").status_code for n in (mine, theirs)] == [200, 404]
    assert [other.get(path).status_code for path in (f"{EVENT}/{body['id']}", f"/api/v1/orders/{mine}")] == [404, 404]
    problem(other.post(f"/api/v1/orders/{theirs}/deliver"), 409, "order_not_paid")


def test_a_seller_who_takes_its_word_back_is_not_sold_for(caller: Caller, seller: Shop) -> None:
    with unit(seller.app):
        withdraw(seller.vendor, "test", caller.shop.vendor.public_id, by="usr_x")
    problem(caller.post(EVENT, event(caller.shop, seller)), 422, "checkout_refused", "orders.1.seller")


def test_wallet_and_ledger_begin_empty_and_pages_are_bounded(caller: Caller) -> None:
    assert caller.get("/api/v1/wallet").get_json()["balances"] == []
    assert caller.get("/api/v1/ledger").get_json() == {"object": "list", "data": [], "has_more": False}
    for limit in ("0", "101", "x", "-1", "1e3"):
        problem(caller.get(f"/api/v1/ledger?limit={limit}"), 422, "invalid_request", "limit")
    problem(caller.get("/api/v1/ledger?starting_after=x"), 422, "cursor_unknown", "starting_after")
