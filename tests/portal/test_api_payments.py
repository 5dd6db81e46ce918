"""Payments, refunds and links by the API: the same acts and refusals as on the pages, and every answer as the document says."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from core.kernel.db import db
from core.notifications.models import Message
from core.payments.attempt import begin_attempt, open_at_provider, record_opening
from core.payments.lists import get_refund
from core.payments.models import Payment
from core.payments.queries import get_link, get_payment
from tests.browser import Browser
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_link, make_paid, make_payment, make_shop, open_payment, tell_refund, unit
from tests.portal.caller import HOME, Caller, problem
from tests.portal.test_api_base import PAYMENTS, WISH

LINKS, REFUNDS = f"{HOME}/payment-links", f"{HOME}/refunds"


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


def test_a_payment_is_asked_for_and_its_page_takes_it(caller: Caller) -> None:
    made = caller.post(
        PAYMENTS, {**WISH, "amount": "19.99", "realm": "shop-1", "date": "2027-01-31", "metadata": {"cart": "7"}, "locale": "de"}
    )
    body = made.get_json()
    assert made.status_code == 201 and body["amount"] == {"amount": 1999, "currency": "GBP"} and body["status"] == "created"
    assert body["metadata"] == {"cart": "7", "realm": "shop-1", "date": "2027-01-31"} and body["realm"] == "shop-1"
    assert caller.get(f"{PAYMENTS}/{body['id']}").get_json() == body
    page = Browser(caller.shop.app).get("/" + body["page"].split("/", 3)[3])
    assert page.status == 200 and "Order 4711" in page.text
    with unit(caller.shop.app):
        payment = get_payment(caller.shop.vendor, "test", body["id"])
        assert (payment.expires_at - payment.created_at).total_seconds() == 86400 and payment.locale == "de"
        link = get_link(caller.shop.vendor, "test", body["payment_link"])
        assert link.archived_at is not None and link.kind == "single"


def test_payments_are_grouped_by_realm(caller: Caller) -> None:
    for realm in ("a", "b", "a"):
        caller.post(PAYMENTS, {**WISH, "realm": realm})
    assert [len(caller.get(f"{PAYMENTS}?realm={realm}").get_json()["data"]) for realm in ("a", "b", "c")] == [2, 1, 0]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 0}, "bad_terms", "amount"), ({"amount": -5}, "bad_terms", "amount"), ({"amount": "1.999"}, "invalid_request", "amount"),
        ({"amount": 10**15}, "bad_terms", "amount"), ({"amount": 1.5}, "invalid_request", "amount"), ({"amount": None}, "invalid_request", "amount"),
        ({"amount": True}, "invalid_request", "amount"), ({"currency": "XXX"}, "invalid_request", "currency"),
        ({"payer": {}}, "invalid_request", "payer.email"), ({"payer": {"email": "ada"}}, "invalid_request", "payer.email"),
        ({"payer": None}, "invalid_request", "payer"), ({"description": " "}, "bad_terms", "description"),
        ({"description": "a\nb"}, "invalid_request", "description"), ({"description": "x" * 121}, "invalid_request", "description"),
        ({"payment_method": "shells"}, "invalid_request", "payment_method"), ({"date": "31.1.2027"}, "invalid_request", "date"),
        ({"metadata": {"1": "x"}}, "bad_sharing", "metadata"), ({"metadata": {"a": 1}}, "invalid_request", "metadata.a"),
        ({"success_url": "https://evil.example/"}, "return_address_refused", "success_url"), ({"locale": "xx-YY"}, "invalid_request", "locale"),
        ({"expires_in_minutes": 5}, "invalid_request", "expires_in_minutes"), ({"colour": 1}, "invalid_request", "colour"),
        ({"payer": {"email": "a@b.example", "age": 3}}, "invalid_request", "payer.age"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_at_its_field(caller: Caller, change: dict[str, Any], code: str, field: str) -> None:
    said = caller.post(PAYMENTS, {**WISH, **change})
    assert said.status_code == 422 and said.get_json()["field"] == field, said.text
    if code != "return_address_refused":
        assert said.get_json()["code"] == code
    with unit(caller.shop.app):
        assert db.session.query(Payment).filter_by(vendor_id=caller.shop.vendor.id).count() == 0


def test_a_payment_that_nobody_paid_is_called_off_once(caller: Caller) -> None:
    vendor, body = caller.shop.vendor, caller.post(PAYMENTS, WISH).get_json()
    with unit(caller.shop.app):
        payment = get_payment(vendor, "test", body["id"])
        attempt = begin_attempt(vendor, payment)
    with caller.shop.app.app_context():  # the payer has the processor's page open: that is closed first
        opening = open_at_provider(vendor, payment, attempt, return_url="http://127.0.0.1/r", cancel_url="http://127.0.0.1/c")
    with unit(caller.shop.app):
        record_opening(vendor, attempt, opening)
    answers = [caller.post(f"{PAYMENTS}/{body['id']}/cancel") for _ in range(2)]
    assert [(one.status_code, one.get_json()["status"], one.get_json()["page"]) for one in answers] == [(200, "canceled", None)] * 2
    assert caller.get(f"{PAYMENTS}?status=canceled").get_json()["data"][0]["id"] == body["id"]


def test_a_payment_is_not_called_off_when_it_is_paid_or_nobody_knows(caller: Caller) -> None:
    paid, unknown = make_paid(caller.shop), make_payment(caller.shop)
    problem(caller.post(f"{PAYMENTS}/{paid.public_id}/cancel"), 409, "conflict")
    open_payment(caller.shop, unknown)  # under a name that the processor has never heard of
    key = "cancel-1"
    said = problem(caller.post(f"{PAYMENTS}/{unknown.public_id}/cancel", key=key), 409, "conflict")
    assert "does not say" in said["detail"]
    assert "Idempotent-Replayed" not in caller.post(f"{PAYMENTS}/{unknown.public_id}/cancel", key=key).headers


def test_a_refund_is_asked_for_once_and_settles(caller: Caller) -> None:
    paid = make_paid(caller.shop)
    wish = {"payment": paid.public_id, "amount": "10.00", "currency": "GBP", "reason": "duplicate", "note": "told us", "tell_payer": False}
    made = caller.post(REFUNDS, wish, key="refund-1")
    assert made.status_code == 201 and made.get_json()["amount"] == {"amount": 1000, "currency": "GBP"}
    assert caller.post(REFUNDS, wish, key="refund-1").get_json() == made.get_json()
    shown = caller.get(f"{PAYMENTS}/{paid.public_id}").get_json()
    assert shown["refunding"]["amount"] == 1000 and shown["receipt"]
    assert [one["id"] for one in caller.get(f"{REFUNDS}?payment={paid.public_id}").get_json()["data"]] == [made.get_json()["id"]]
    rest = caller.post(REFUNDS, {"payment": paid.public_id})
    assert rest.get_json()["amount"]["amount"] == paid.captured_minor - 1000
    problem(caller.post(REFUNDS, {"payment": paid.public_id}), 422, "nothing_to_refund", "amount")
    with unit(caller.shop.app):
        refund = get_refund(caller.shop.vendor, "test", rest.get_json()["id"])
    tell_refund(caller.shop, refund, "succeeded")
    assert caller.get(f"{REFUNDS}/{refund.public_id}").get_json()["status"] == "succeeded"
    problem(caller.post(f"{REFUNDS}/{refund.public_id}/cancel"), 409, "refund_not_in_line")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 10**9}, "refund_exceeds_payment", "amount"), ({"amount": 0}, "refund_exceeds_payment", "amount"),
        ({"amount": "1.00"}, "invalid_request", "currency"), ({"currency": "EUR"}, "invalid_request", "currency"),
        ({"reason": "mood"}, "invalid_request", "reason"), ({"tell_payer": "yes"}, "invalid_request", "tell_payer"),
    ],
)  # fmt: skip
def test_a_refund_that_cannot_be_is_refused(caller: Caller, change: dict[str, Any], code: str, field: str) -> None:
    problem(caller.post(REFUNDS, {"payment": make_paid(caller.shop).public_id, **change}), 422, code, field)


def test_nobody_reads_or_moves_anothers_money(caller: Caller, first: Shop) -> None:
    other = Caller(another_shop(first))
    paid, link = make_paid(other.shop), make_link(other.shop)
    problem(caller.get(f"{PAYMENTS}/{paid.public_id}"), 404, "not_found")
    problem(caller.post(REFUNDS, {"payment": paid.public_id}), 404, "not_found")
    problem(caller.get(f"{LINKS}/{link.public_id}"), 404, "not_found")
    problem(caller.patch(f"{LINKS}/{link.public_id}", {"title": "Mine"}), 404, "not_found")
    problem(caller.get(f"{PAYMENTS}?starting_after={paid.public_id}"), 422, "cursor_unknown", "starting_after")
    problem(caller.get(f"{PAYMENTS}?payment_link={link.public_id}"), 404, "not_found")


def test_sums_and_days_are_read_as_the_document_says_and_no_more(caller: Caller) -> None:
    for wrong, field in (
        ({"amount": " 19.99"}, "amount"), ({"amount": "19.99 "}, "amount"), ({"date": "2027-W04-7"}, "date"), ({"date": "20270131"}, "date"),
    ):  # fmt: skip
        problem(caller.post(PAYMENTS, WISH | wrong), 422, "invalid_request", field)


def test_a_link_that_has_a_total_has_no_amount_beside_it(caller: Caller) -> None:
    request = {"title": "Roof", "currency": "GBP", "kind": "request", "total": 30_000}
    problem(caller.post(LINKS, {**request, "amount": 30_000}), 422, "bad_terms", "amount")
    made = caller.post(LINKS, request).get_json()
    problem(caller.patch(f"{LINKS}/{made['id']}", {"amount": 30_000}), 422, "bad_terms", "amount")


def test_a_link_lives_its_whole_life_here(caller: Caller) -> None:
    made = caller.post(LINKS, {"title": "Workshop", "currency": "GBP", "amount": "25.00", "metadata": {"course": "May"}})
    body = made.get_json()
    assert made.status_code == 201 and body["status"] == "open" and body["metadata"] == {"course": "May"}
    assert Browser(caller.shop.app).get("/" + body["url"].split("/", 3)[3]).heading.endswith(": Workshop")
    at = f"{LINKS}/{body['id']}"
    assert caller.patch(at, {"title": "Workshop in June"}).get_json() == {
        **caller.get(at).get_json(), "title": "Workshop in June", "amount": {"amount": 2500, "currency": "GBP"}, "metadata": {"course": "May"}
    }  # fmt: skip
    open_one = caller.patch(at, {"amount": None, "minimum": 500, "maximum": 5000, "metadata": None}).get_json()
    assert (open_one["amount"], open_one["minimum"]["amount"], open_one["metadata"]) == (None, 500, {})
    assert caller.post(f"{at}/pause", {"message": "Back on Monday"}).get_json()["status"] == "paused"
    assert caller.post(f"{at}/resume").get_json()["status"] == "open"
    assert caller.post(f"{at}/archive").get_json()["status"] == "archived"
    assert [one["id"] for one in caller.get(f"{LINKS}?archived=true").get_json()["data"]] == [body["id"]]
    assert caller.get(LINKS).get_json()["data"] == []
    assert caller.post(f"{at}/archive", {"archived": False}).get_json()["status"] == "open"
    assert caller.post(f"{at}/expire").get_json()["status"] == "expired"
    problem(caller.post(f"{at}/resume"), 409, "conflict")
    problem(caller.patch(at, {"title": ""}), 422, "invalid_request", "title")
    problem(caller.patch(at, {"currency": None}), 422, "invalid_request", "currency")
    problem(caller.post(LINKS, {"title": "x", "currency": "GBP", "kind": "request"}), 422, "bad_terms", "amount")


def test_a_test_key_never_sees_live_money(caller: Caller) -> None:
    paid = make_payment(caller.shop)
    live = Caller(caller.shop, "live")
    assert live.get(PAYMENTS).get_json()["data"] == []
    problem(live.get(f"{PAYMENTS}/{paid.public_id}"), 404, "not_found")


def test_no_letter_leaves_before_anybody_paid(caller: Caller) -> None:
    caller.post(PAYMENTS, WISH)
    with unit(caller.shop.app):
        assert db.session.query(Message).filter_by(vendor_id=caller.shop.vendor.id).count() == 0
