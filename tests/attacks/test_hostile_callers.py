"""The API against callers who send anything: never a fault of ours, nothing written that was refused, and nobody else's things."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from core.accounts.api_keys import make_key, revoke_key
from core.accounts.key_models import KeptAnswer
from core.customers.queries import find_customer
from core.kernel.db import db
from core.orders.models import Checkout
from core.orders.personal_data import forget_checkouts
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_shop, unit
from tests.portal.test_api import EVENT, Caller, count, event, problem


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


def deep(levels: int) -> Any:
    made: Any = "x"
    for _ in range(levels):
        made = [made]
    return made


HOSTILE = [
    None, True, -1, 1.5, 2**63, 10**300, "", " ", "\ud800", "a\udfffb", "\u0000", "\u202e", "x" * 100_000, "\r\nBcc: eve@example.com", "';--",
    "{{7*7}}", "../../etc/passwd", [], {}, [[]], {"": ""}, deep(60), "٣", "\ufeff", "a@b\x01.example", "ada@exam\nple.com", "\u2028",
]  # fmt: skip
PLACES = [
    ("checkout_id",), ("currency",), ("rule",), ("release_days",), ("expires_in_hours",), ("payer",), ("payer", "email"), ("payer", "name"),
    ("payer", "locale"), ("payment_details",), ("payment_details", "card"), ("orders",), ("orders", 0), ("orders", 0, "seller"),
    ("orders", 0, "reference"), ("orders", 0, "lines"), ("orders", 0, "lines", 0, "name"), ("orders", 0, "lines", 0, "category"),
    ("orders", 0, "lines", 0, "quantity"), ("orders", 0, "lines", 0, "unit_amount"), ("orders", 0, "lines", 0, "\ud83d"), ("extra\ud800",),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ascii(".".join(map(str, place))))
def test_anything_at_any_place_is_taken_or_refused_and_never_a_fault(caller: Caller, place: tuple[Any, ...]) -> None:
    taken = 0
    for value in HOSTILE:
        sent = event(caller.shop, payment_details={})
        at: Any = sent
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
        answer = caller.post(EVENT, sent)
        assert answer.status_code in (201, 400, 404, 422), (value, answer.text)
        assert answer.status_code == 201 or answer.content_type == "application/problem+json"
        taken += answer.status_code == 201
    assert count(caller) == taken, "what was refused has left nothing"


@pytest.mark.parametrize(
    "raw",
    [
        '{"checkout_id": "a", "checkout_id": "b"}', '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', "[" * 900 + "]" * 900, '{"a":' * 500,
        "1" * 5000, "null", "\ufeff{}", '{"a": "\\ud800"}', b'{"a": "\xed\xa0\x80"}', '{"a": 1e400}', "{'a': 1}", "{}{}", '{"a": 1,}',
    ],
)  # fmt: skip
def test_what_is_hardly_json_is_refused_in_words(caller: Caller, raw: str | bytes) -> None:
    answer = caller.post(EVENT, raw)
    assert answer.status_code in (400, 422) and answer.content_type == "application/problem+json", answer.text
    assert count(caller) == 0


def test_a_sum_that_stands_twice_is_not_one_of_the_two(caller: Caller) -> None:
    text = json.dumps(event(caller.shop)).replace('"unit_amount": 350', '"unit_amount": 350, "unit_amount": 35000')
    problem(caller.post(EVENT, text), 400, "invalid_request")


def test_ten_megabytes_and_other_kinds_of_content_are_refused(caller: Caller) -> None:
    large = caller.post(EVENT, "[" + "0," * 5_000_000 + "0]")
    assert (large.status_code, large.content_type) == (413, "application/problem+json")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "x" * 300):
        headers = {"Authorization": f"Bearer {caller.secret}", "Idempotency-Key": secrets.token_hex(8)}
        answer = caller.client.post(EVENT, data=json.dumps(event(caller.shop)), content_type=kind, headers=headers)
        problem(answer, 415, "wrong_content_type")
    assert count(caller) == 0


@pytest.mark.parametrize(
    "query", ["about=%00", "about=%ff", "about=%ED%A0%80", "starting_after=%00", "limit=%00", "limit=%D9%A3", "about=" + "x" * 5000]
)
def test_odd_questions_about_the_ledger_are_answered(caller: Caller, query: str) -> None:
    assert caller.get(f"/api/v1/ledger?{query}").status_code in (200, 404, 422)


@pytest.mark.parametrize("number", ["%00", "ord_%00", "ord_" + "x" * 22, "%F0%9F%92%A9", "ord_" + "0" * 22 + "%0a", "..%2f..", "x" * 3000])
def test_odd_numbers_are_not_there(caller: Caller, number: str) -> None:
    for path in (f"/api/v1/orders/{number}", f"{EVENT}/{number}"):
        assert caller.get(path).status_code == 404
    assert caller.post(f"/api/v1/orders/{number}/deliver").status_code == 404


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic Og==", "bearer  x", "Bearer \xff", "Bearer " + "x" * 5000, "Bearer a b", "Bearer \t", "portal_sk"],
)
def test_odd_keys_open_nothing(caller: Caller, header: str) -> None:
    problem(caller.client.get("/api/v1/wallet", headers={"Authorization": header}), 401, "key_refused")


def test_a_key_of_one_mode_reads_as_the_other_mode_opens_nothing(caller: Caller) -> None:
    caller.secret = caller.secret.replace("_test_", "_live_")
    problem(caller.get("/api/v1/wallet"), 401, "key_refused")


def test_what_one_mode_holds_the_other_does_not_see(caller: Caller) -> None:
    made = caller.post(EVENT, event(caller.shop)).get_json()
    with unit(caller.shop.app):
        _, caller.secret = make_key(caller.shop.vendor, "live", name="Live", by="usr_x")
    order = made["orders"][0]["id"]
    for path in (f"{EVENT}/{made['id']}", f"/api/v1/orders/{order}"):
        assert caller.get(path).status_code == 404
    assert caller.post(f"/api/v1/orders/{order}/deliver").status_code == 404


@pytest.mark.parametrize("name", ["", "x" * 256, "a\tb", "\xe9", "\x7f"])
def test_a_name_that_cannot_be_kept_is_refused(caller: Caller, name: str) -> None:
    headers = {"Authorization": f"Bearer {caller.secret}", "Idempotency-Key": name}
    problem(caller.client.post(EVENT, json=event(caller.shop), headers=headers), 400, "idempotency_key_missing")


def at_the_same_moment(caller: Caller, *bodies: dict[str, Any], key: str) -> list[TestResponse]:
    gun, answers = threading.Barrier(len(bodies)), list[TestResponse]()

    def one(body: dict[str, Any]) -> None:
        mine = caller.shop.app.test_client()
        gun.wait(60)
        headers = {"Authorization": f"Bearer {caller.secret}", "Idempotency-Key": key}
        answers.append(mine.post(EVENT, json=body, headers=headers))

    threads = [threading.Thread(target=one, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_twins_at_the_same_moment_are_one(caller: Caller) -> None:
    for number in range(1, 16):
        body, key = event(caller.shop), secrets.token_hex(8)
        answers = at_the_same_moment(caller, body, body, body, key=key)
        assert {answer.status_code for answer in answers} <= {201, 409} and len(answers) == 3, [answer.text for answer in answers]
        assert len({answer.get_json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert count(caller) == number


def test_one_name_for_two_wishes_at_the_same_moment_carries_out_one(caller: Caller) -> None:
    for number in range(1, 16):
        answers = at_the_same_moment(caller, event(caller.shop), event(caller.shop), key=secrets.token_hex(8))
        assert sorted(answer.status_code for answer in answers) in ([201, 409], [201, 422]), [answer.text for answer in answers]
        assert count(caller) == number


def test_a_name_is_its_callers_own_and_counts_for_its_address(first: Shop, caller: Caller) -> None:
    key, body = secrets.token_hex(8), event(caller.shop)
    made = caller.post(EVENT, body, key=key)
    other = Caller(another_shop(first))
    theirs = other.post(EVENT, event(other.shop), key=key)
    assert theirs.status_code == 201 and theirs.get_json()["id"] != made.get_json()["id"]
    second = Caller(caller.shop)  # another key of the same business
    assert second.post(EVENT, body, key=key).headers["Idempotent-Replayed"] == "true"
    order = made.get_json()["orders"][0]["id"]
    problem(caller.post(f"/api/v1/orders/{order}/deliver", body, key=key), 422, "idempotency_key_reused", "Idempotency-Key")
    with unit(caller.shop.app):
        revoke_key(caller.shop.vendor, "test", caller.key.public_id, by="usr_x")
    problem(caller.post(EVENT, body, key=key), 401, "key_refused")


def test_a_crash_before_the_answer_is_kept_leaves_nothing_and_the_next_try_everything(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key = event(caller.shop), secrets.token_hex(8)

    def dies(*_: Any, **__: Any) -> None:
        raise SystemError("killed")

    caller.shop.app.config["PROPAGATE_EXCEPTIONS"] = False
    with monkeypatch.context() as patch:
        patch.setattr("portal.api.guard.keep_answer", dies)
        assert caller.post(EVENT, body, key=key).status_code == 500
    assert count(caller) == 0
    assert caller.post(EVENT, body, key=key).status_code == 201 and count(caller) == 1


def test_an_erased_payer_stands_in_no_kept_answer(caller: Caller) -> None:
    body = event(caller.shop, payer={"email": "forget.me@example.com", "name": "Erase Me"})
    key = secrets.token_hex(8)
    caller.post(EVENT, body, key=key)
    with unit(caller.shop.app):
        db.session.query(Checkout).filter_by(vendor_id=caller.shop.vendor.id).update({"state": "expired"})
        customer = find_customer(caller.shop.vendor, "test", "forget.me@example.com")
        assert customer is not None
        forget_checkouts(caller.shop.vendor, customer)
    with unit(caller.shop.app):
        kept = db.session.get(KeptAnswer, (caller.shop.vendor.id, "test", key))
        assert (
            kept is not None
            and "forget.me" not in json.dumps(kept.body)
            and "Erase" not in json.dumps(kept.body)
            and kept.body["status"] == "open"
        )


@pytest.fixture(autouse=True)
def as_it_was(app: Flask) -> Iterator[None]:
    before = app.config.get("PROPAGATE_EXCEPTIONS")
    yield
    app.config["PROPAGATE_EXCEPTIONS"] = before
