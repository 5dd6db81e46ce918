"""Webhook endpoints and the feed of events for the vendor's own software."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from standardwebhooks import Webhook

from core.accounts.key_models import KeptAnswer
from core.hooks.relay import relay
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from tests.core.hooks.receiver import Receiver, receiving
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_paid, make_shop, unit
from tests.portal.caller import Caller, problem
from workers.hooks import take_turn

HOOKS, EVENTS = "/api/v1/webhook-endpoints", "/api/v1/events"


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def place(caller: Caller) -> None:
    with unit(caller.shop.app):
        while relay(caller.shop.vendor.id, "test"):
            pass


def send(caller: Caller) -> None:
    with unit(caller.shop.app):
        from core.hooks.models import HookEndpoint

        keys = [(row.vendor_id, row.mode, row.id) for row in db.session.query(HookEndpoint).filter_by(vendor_id=caller.shop.vendor.id)]
    with caller.shop.app.app_context():
        for key in keys:
            take_turn(key)


def made(caller: Caller, receiver: Receiver, **more: Any) -> dict[str, Any]:
    response = caller.post(HOOKS, {"address": receiver.address, **more})
    assert response.status_code == 201, response.text
    return dict(response.json or {})


def test_an_endpoint_from_its_making_to_a_verified_delivery(caller: Caller, receiver: Receiver) -> None:
    endpoint = made(caller, receiver, types=["payment.succeeded"], name="Shop")
    assert endpoint["status"] == "on" and "whsec_" not in str(endpoint) and "whsk_" not in str(endpoint)
    home = settings().public_url
    assert endpoint["secret_url"] == f"{home}{HOOKS}/{endpoint['id']}/secret"
    secret = (caller.get(endpoint["secret_url"].removeprefix(home)).json or {})["secret"]
    payment = make_paid(caller.shop)
    place(caller)
    send(caller)
    ((headers, body),) = receiver.got
    event = Webhook(secret).verify(body, headers)
    assert event["data"]["object"]["id"] == payment.public_id
    assert caller.get(f"{EVENTS}/{event['id']}").json == event
    log = caller.get(f"{HOOKS}/{endpoint['id']}/deliveries").json or {}
    (delivery,) = log["data"]
    assert (delivery["status"], delivery["last_answer"], delivery["event"]) == ("delivered", 200, event["id"])
    shown = caller.get(f"{HOOKS}/{endpoint['id']}/deliveries/{delivery['id']}").json or {}
    assert shown["body"] == event and shown["tries"][0]["answer_body"] == "noted"


def test_the_same_wish_twice_is_one_endpoint_and_the_secret_stands_in_no_kept_answer(caller: Caller, receiver: Receiver) -> None:
    body = {"address": receiver.address}
    first, second = (caller.post(HOOKS, body, key="one") for _ in range(2))
    assert first.json == second.json and second.headers["Idempotent-Replayed"] == "true"
    assert len((caller.get(HOOKS).json or {})["data"]) == 1
    secret = (caller.get(f"{HOOKS}/{(first.json or {})['id']}/secret").json or {})["secret"]
    with unit(caller.shop.app):
        assert not [kept for kept in db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id) if secret in str(kept.body)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "address"), ({"address": "https://10.0.0.1/"}, "address"), ({"address": 5}, "address"), ({"address": "https://[::1]/"}, "address"),
        ({"address": "https://shop.example/", "types": "payment.*"}, "types"), ({"address": "https://shop.example/", "types": ["nothing.here"]}, "types"),
        ({"address": "https://shop.example/", "types": [None]}, "types.0"), ({"address": "https://shop.example/", "version": "1999-01"}, "version"),
        ({"address": "https://shop.example/", "colour": "red"}, "colour"), ({"address": "https://shop.example/\x00"}, "address"),
        ({"address": "https://shop.example/", "name": "x" * 61}, "name"), ({"address": "https://shop.example/", "types": ["a"] * 101}, "types"),
    ],
)  # fmt: skip
def test_bad_wishes_are_problems_at_their_field(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = caller.post(HOOKS, body)
    assert answer.status_code == 422 and (answer.json or {})["field"] == field, answer.text


def test_an_endpoint_is_changed_switched_and_taken_away(caller: Caller, receiver: Receiver) -> None:
    path = f"{HOOKS}/{made(caller, receiver)['id']}"
    changed = caller.patch(path, {"name": "Other", "types": ["refund.*"], "status": "off"}).json or {}
    assert (changed["name"], changed["types"], changed["status"], changed["why_off"]) == ("Other", ["refund.*"], "off", "by_hand")
    assert (caller.patch(path, {"status": "on"}).json or {})["types"] == ["refund.*"]
    assert caller.patch(path, {"status": "gone"}).status_code == 422
    assert (caller.post(path, method="DELETE").json or {})["deleted"] is True
    assert caller.get(path).status_code == 404 and (caller.get(HOOKS).json or {})["data"] == []


def test_what_is_not_named_in_a_change_stays_and_null_takes_back(caller: Caller, receiver: Receiver) -> None:
    path = f"{HOOKS}/{made(caller, receiver, name='Shop', types=['payment.*'])['id']}"
    kept = caller.patch(path, {}).get_json()
    assert (kept["name"], kept["types"], kept["address"]) == ("Shop", ["payment.*"], receiver.address)
    assert caller.patch(path, {"types": None, "name": None}).get_json()["types"] == []
    problem(caller.patch(path, {"address": None}), 422, "invalid_request", "address")
    problem(caller.patch(path, {"version": "2026-11"}), 422, "invalid_request", "version")
    problem(caller.post(path, {"force": True}, method="DELETE"), 422, "invalid_request", "force")


def test_headers_of_ones_own_go_along_and_are_told_by_name(caller: Caller, receiver: Receiver) -> None:
    endpoint = made(caller, receiver, headers={"Authorization": "Bearer s3cret-token", "X-Shop": "4711"})
    path = f"{HOOKS}/{endpoint['id']}"
    assert endpoint["header_names"] == ["Authorization", "X-Shop"]
    tested = caller.post(f"{path}/test").get_json()["id"]
    send(caller)
    assert (receiver.got[0][0]["authorization"], receiver.got[0][0]["x-shop"]) == ("Bearer s3cret-token", "4711")
    shown = caller.get(f"{path}/deliveries/{tested}")
    assert shown.get_json()["tries"][0]["sent_headers"]["Authorization"] == "•••"
    assert "s3cret" not in shown.text + caller.get(path).text + caller.get(HOOKS).text + str(endpoint)
    assert caller.patch(path, {"name": "Other"}).get_json()["header_names"] == ["Authorization", "X-Shop"]
    problem(caller.patch(path, {"address": "https://other.example/"}), 422, "bad_webhook_header", "headers")
    assert caller.patch(path, {"headers": {"X-New": "1"}}).get_json()["header_names"] == ["X-New"]
    assert caller.patch(path, {"headers": None, "address": "https://other.example/"}).get_json()["header_names"] == []
    with unit(caller.shop.app):
        assert not [kept for kept in db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id) if "s3cret" in str(kept.body)]


def test_what_a_lost_key_leaves_can_be_read_and_mended(caller: Caller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = made(caller, receiver, headers={"X-Shop": "4711"})
    path = f"{HOOKS}/{endpoint['id']}"
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    shown = caller.get(path).get_json()
    assert (shown["header_names"], shown["public_keys"]) == (["X-Shop"], [])
    assert caller.get(f"{path}/secret").status_code == 410
    tested = caller.post(f"{path}/test").get_json()["id"]
    send(caller)
    (one,) = caller.get(f"{path}/deliveries/{tested}").get_json()["tries"]
    assert "cannot be read any more" in one["problem"] and one["sent_headers"] == {} and receiver.got == []
    assert caller.patch(path, {"name": "Other"}).get_json()["name"] == "Other"
    problem(caller.patch(path, {"headers": {"X-Shop": "•••"}}), 422, "bad_webhook_header", "headers")
    assert caller.patch(path, {"headers": None}).get_json()["header_names"] == []
    assert len(caller.post(f"{path}/roll", {}).get_json()["public_keys"]) == 1


@pytest.mark.parametrize(
    ("headers", "code", "field"),
    [
        ({"Host": "x"}, "bad_webhook_header", "headers"), ({"X-A": "a\r\nCookie: b"}, "bad_webhook_header", "headers"),
        ({"webhook-id": "evt_1"}, "bad_webhook_header", "headers"), ({"X-A": "•••"}, "bad_webhook_header", "headers"),
        ({"X-A": 5}, "invalid_request", "headers.X-A"), ({"X-A": None}, "invalid_request", "headers.X-A"), (["X-A"], "invalid_request", "headers"),
        ({f"X-{n}": "v" for n in range(11)}, "invalid_request", "headers"), ("X-A: b", "invalid_request", "headers"),
    ],
)  # fmt: skip
def test_bad_headers_are_problems_at_their_field(caller: Caller, headers: Any, code: str, field: str) -> None:
    problem(caller.post(HOOKS, {"address": "https://shop.example/", "headers": headers}), 422, code, field)


def test_lists_are_walked_in_both_directions_and_read_strictly(caller: Caller, receiver: Receiver) -> None:
    names = [made(caller, receiver, name=str(number))["id"] for number in range(3)]
    first = caller.get(f"{HOOKS}?limit=2").get_json()
    assert [one["id"] for one in first["data"]] == names[:0:-1] and first["has_more"]
    older = caller.get(f"{HOOKS}?limit=2&starting_after={names[1]}").get_json()
    assert [one["id"] for one in older["data"]] == names[:1] and not older["has_more"]
    newer = caller.get(f"{HOOKS}?limit=1&ending_before={names[0]}").get_json()
    assert [one["id"] for one in newer["data"]] == [names[1]] and newer["has_more"]
    log = f"{HOOKS}/{names[0]}/deliveries"
    sent = [caller.post(f"{HOOKS}/{names[0]}/test").get_json()["id"] for _ in range(3)]
    assert [one["id"] for one in caller.get(f"{log}?starting_after={sent[2]}&limit=1").get_json()["data"]] == [sent[1]]
    assert [one["id"] for one in caller.get(f"{log}?ending_before={sent[0]}&limit=1").get_json()["data"]] == [sent[1]]
    assert len(caller.get(f"{log}?status=waiting").get_json()["data"]) == 3
    problem(caller.get(f"{log}?status=nice"), 422, "invalid_request", "status")
    problem(caller.get(f"{log}?starting_after=dlv_{'x' * 22}"), 422, "cursor_unknown", "starting_after")
    for address in (HOOKS, log, EVENTS, f"{HOOKS}/{names[0]}", f"{HOOKS}/{names[0]}/secret", f"{EVENTS}/evt_{'x' * 22}"):
        problem(caller.get(f"{address}?colour=red"), 422, "invalid_request", "colour")


def test_a_delivery_is_looked_for_at_its_own_endpoint(caller: Caller, receiver: Receiver) -> None:
    one, other = (f"{HOOKS}/{made(caller, receiver)['id']}" for _ in range(2))
    sent = caller.post(f"{one}/test", {}).get_json()["id"]
    problem(caller.get(f"{other}/deliveries/{sent}"), 404, "not_found")
    problem(caller.post(f"{other}/deliveries/{sent}/retry", {}), 404, "not_found")


def test_a_text_that_cannot_be_kept_is_told_what_is_wrong_with_it(caller: Caller) -> None:
    for name, says in (("Shop\x00", "holds a NUL"), ("Shop\ud800", "lone surrogate"), (4711, "This has to be a text.")):
        refused = caller.post(HOOKS, {"address": "https://shop.example/webhooks", "name": name})
        problem(refused, 422, "invalid_request", "name")
        assert says in refused.get_json()["detail"]


def test_the_secret_is_rolled_with_overlap(caller: Caller, receiver: Receiver) -> None:
    endpoint = made(caller, receiver)
    before = (caller.get(f"{HOOKS}/{endpoint['id']}/secret").json or {})["secret"]
    assert caller.post(f"{HOOKS}/{endpoint['id']}/roll", {"overlap_hours": 2}).status_code == 200
    after = caller.get(f"{HOOKS}/{endpoint['id']}/secret").json or {}
    assert after["secret"] != before and after["former_signs_until"]
    keys = caller.get(f"{HOOKS}/{endpoint['id']}").get_json()["public_keys"]
    assert len(keys) == 2 and keys[1:] == endpoint["public_keys"] and all(key.startswith("whpk_") for key in keys)
    problem(caller.post(f"{HOOKS}/{endpoint['id']}/roll", {"overlap_hours": 999}), 422, "invalid_request", "overlap_hours")


def test_test_retry_and_catching_up(caller: Caller, receiver: Receiver) -> None:
    path = f"{HOOKS}/{made(caller, receiver)['id']}"
    tested = caller.post(f"{path}/test", {})
    assert tested.status_code == 201 and (tested.json or {})["cause"] == "test"
    send(caller)
    assert caller.post(f"{path}/deliveries/{(tested.json or {})['id']}/retry").status_code == 201
    send(caller)
    assert receiver.types == ["endpoint.test"] * 2
    caller.patch(path, {"status": "off"})
    make_paid(caller.shop)
    place(caller)
    caller.patch(path, {"status": "on"})
    since = (now() - timedelta(hours=1)).isoformat()
    dry = caller.post(f"{path}/catch-up", {"since": since, "dry_run": True}).json or {}
    assert (dry["objects"], dry["older_left_out"]) == (2, 2)
    send(caller)
    assert len(receiver.got) == 2
    caller.post(f"{path}/catch-up", {"since": since})
    send(caller)
    assert receiver.types[2:] == ["link.created", "payment.succeeded"]
    for since in ("yesterday", "2026-11-26T20:00:00", "9999-12-31T23:59:59-14:00", "2019-01-01T00:00:00Z"):
        answer = caller.post(f"{path}/catch-up", {"since": since})
        assert answer.status_code == 422 and (answer.json or {})["field"] == "since"


def test_the_feed_is_read_on_and_on(caller: Caller) -> None:
    make_paid(caller.shop)
    place(caller)
    seen, after = [], ""
    while True:
        page = caller.get(f"{EVENTS}?limit=2{'&after=' + after if after else ''}").json or {}
        seen += [event["sequence"] for event in page["data"]]
        after = page["next"]
        if not page["has_more"]:
            break
    assert seen == [1, 2, 3, 4]
    only = caller.get(f"{EVENTS}?type=payment.succeeded,link.*").json or {}
    assert [event["type"] for event in only["data"]] == ["link.created", "payment.succeeded"]
    problem(caller.get(f"{EVENTS}?after=evt_{'x' * 22}"), 410, "cursor_gone", "after")
    problem(caller.get(f"{EVENTS}?after=12"), 422, "cursor_unknown", "after")
    problem(caller.get(f"{EVENTS}?type=nothing"), 422, "no_such_type", "type")
    for limit in ("0", "101", "x", "-1", "١"):
        assert caller.get(f"{EVENTS}?limit={limit}").status_code == 422


def test_another_business_finds_nothing(caller: Caller, first: Shop, receiver: Receiver) -> None:
    endpoint = made(caller, receiver)
    make_paid(caller.shop)
    place(caller)
    event = (caller.get(EVENTS).json or {})["data"][0]["id"]
    stranger = Caller(another_shop(first))
    for path in (
        f"{HOOKS}/{endpoint['id']}",
        f"{HOOKS}/{endpoint['id']}/secret",
        f"{EVENTS}/{event}",
        f"{HOOKS}/{endpoint['id']}/deliveries",
    ):
        assert stranger.get(path).status_code == 404
    assert stranger.get(f"{EVENTS}?after={event}").status_code == 410
    assert stranger.client.get(HOOKS).status_code == 401
