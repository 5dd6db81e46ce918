"""What is true of every call: refusals, limits, lists, and that a write happens once whatever happens to it."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from core.accounts.key_models import KeptAnswer
from core.accounts.once import digests, plain
from core.kernel.config import settings
from core.kernel.db import db
from core.payments.models import Payment, PaymentLink
from core.web.throttle import limiter
from portal.api.kinds import Listed, Number
from portal.api.reading import MOST_NAMED, Body, SeveralRefused
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_shop, unit
from tests.killed import Axe, Killed
from tests.portal.caller import HOME, Caller, document_of, problem

PAYMENTS = f"{HOME}/payments"
WISH: dict[str, Any] = {"amount": 1999, "currency": "GBP", "payer": {"email": "ada@example.com"}, "description": "Order 4711"}


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


def payments_of(caller: Caller) -> list[Payment]:
    with unit(caller.shop.app):
        return db.session.query(Payment).filter_by(vendor_id=caller.shop.vendor.id).all()


def test_a_key_may_be_the_user_of_basic(caller: Caller) -> None:
    said = base64.b64encode(f"{caller.secret}:".encode()).decode()
    assert caller.get(f"{HOME}/wallet", Authorization=f"Basic {said}").status_code == 200
    for wrong in (
        "Basic !",
        "Basic " + base64.b64encode(b"x").decode(),
        "Digest x",
        "Bearer",
        "Basic " + base64.b64encode(b"\xff:").decode(),
    ):
        problem(caller.get(f"{HOME}/wallet", Authorization=wrong), 401, "key_refused")


def test_every_refusal_is_a_problem(caller: Caller) -> None:
    problem(caller.get(f"{HOME}/nothing/here"), 404, "unknown_address")
    answer = caller.post(f"{HOME}/wallet", {}, method="DELETE")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    problem(caller.post(PAYMENTS, "amount=1999", **{"Content-Type": "application/x-www-form-urlencoded"}), 415, "wrong_content_type")
    problem(caller.post(PAYMENTS, "{"), 400, "invalid_request")
    problem(caller.post(PAYMENTS, '{"amount": 1, "amount": 2}'), 400, "invalid_request")
    problem(caller.post(PAYMENTS, '{"a":' * 50 + "1" + "}" * 50), 400, "invalid_request")
    problem(caller.post(PAYMENTS, '{"x": "' + "y" * 1_000_001 + '"}'), 413, "too_large")
    missing = problem(caller.get(f"{PAYMENTS}/pay_x"), 404, "not_found")
    assert missing["title"] == "There is nothing here", "that the address is wrong is said of wrong addresses only"


def test_whoever_sends_too_little_or_a_misspelled_field_asks_again_once(caller: Caller) -> None:
    told = problem(caller.post(PAYMENTS, {}), 422, "invalid_request", "currency")
    assert told["detail"] == "These are missing: currency, amount, payer, description."
    told = problem(
        caller.post(PAYMENTS, {"curency": "GBP", **{name: WISH[name] for name in WISH if name != "currency"}}),
        422,
        "invalid_request",
        "curency",
    )
    assert told["detail"] == "There is no such field here: curency. What is missing: currency."
    told = problem(caller.post(PAYMENTS, {**WISH, "amount": 2**63}), 422, "invalid_request", "amount")
    assert "larger" in told["detail"] and "errors" not in told


def test_what_is_missing_wrong_and_unknown_is_named_at_once(caller: Caller) -> None:
    wish = {"amount": "ten", "currency": "GBP", "payer": {"email": "nobody", "nick": "Ada"}}
    told = problem(caller.post(PAYMENTS, {**wish, "colour": "red"}), 422, "invalid_request", "colour")
    assert [one["field"] for one in told["errors"]] == ["colour", "amount", "payer.nick", "payer.email", "description"]
    assert all(one["detail"] and f"{one['field']}: {one['detail']}" in told["detail"] for one in told["errors"])
    told = problem(
        caller.post(PAYMENTS, {**wish, "currency": "gbp", "payer": {"email": "ada@example.com"}}), 422, "invalid_request", "currency"
    )
    assert [one["field"] for one in told["errors"]] == ["currency", "description"], "an amount is not read where its currency is not known"
    told = problem(caller.post(PAYMENTS, {**WISH, "metadata": {"a": 1, "b": "two", "c": 3}}), 422, "invalid_request", "metadata.a")
    assert [one["field"] for one in told["errors"]] == ["metadata.a", "metadata.c"]
    told = problem(caller.post(PAYMENTS, {f"x{n}": n for n in range(5000)}), 422, "invalid_request", "x0")
    assert len(told["errors"]) == 20


def test_a_long_list_is_read_for_as_many_faults_as_are_named() -> None:
    read: list[str] = []

    class Noted(Number):
        def take(self, sent: Body, name: str, currency: str) -> int:
            read.append(name)
            return super().take(sent, name, currency)

    with pytest.raises(SeveralRefused) as no:
        Listed(about="Numbers.", of=Noted(about="One."), most=10_000).take(Body({"list": ["x"] * 10_000}), "list", "")
    assert len(no.value.each) == len(read) == MOST_NAMED


def test_what_is_refused_is_named_in_the_callers_words_and_shortly(caller: Caller) -> None:
    told = problem(caller.post(PAYMENTS, {**WISH, "title": "A chair"}), 422, "invalid_request", "title")
    assert told["detail"] == "There is no such field here: title."
    key, other = "k" * 50_000, "%(x)s\ud800"
    told = problem(caller.post(PAYMENTS, {**WISH, other: 1, "metadata": {key: 1}}), 422, "invalid_request", other)
    assert [one["field"] for one in told["errors"]] == [other, f"metadata.{key[:60]}"] and len(str(told)) < 2_000


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=%20", "limit"), ("colour=red", "colour"), ("limit=1&limit=2", "limit"),
        ("created[gte]=yesterday", "created[gte]"), ("created[gte]=2027-01-01", "created[gte]"), ("status=nice", "status"),
        ("starting_after=a&ending_before=b", "ending_before"), ("currency=gbp", "currency"), ("email=%00", "email"),
        ("limit=", "limit"), ("limit=007", "limit"), ("created[lte]=", "created[lte]"), ("status=", "status"), ("currency=", "currency"),
    ],
)  # fmt: skip
def test_a_list_reads_its_address_strictly(caller: Caller, query: str, field: str) -> None:
    problem(caller.get(f"{PAYMENTS}?{query}"), 422, "invalid_request", field)


def test_an_empty_text_in_the_address_narrows_nothing(caller: Caller) -> None:
    made = caller.post(PAYMENTS, WISH).get_json()["id"]
    found = caller.get(f"{PAYMENTS}?email=&realm=&starting_after=").get_json()["data"]
    assert [one["id"] for one in found] == [made]


def test_every_answer_carries_the_headers_that_the_document_promises(caller: Caller) -> None:
    good, refused = caller.get(f"{HOME}/wallet"), caller.get(f"{HOME}/wallet", Authorization="Bearer x")
    document = document_of(caller.shop.app)
    told = document["paths"]["/wallet"]["get"]["responses"]
    assert {name for name, one in told["200"]["headers"].items() if one["required"]} <= set(good.headers.keys())
    assert (
        {*document["components"]["responses"]["Refused401"]["headers"]} == {"Request-Id", "WWW-Authenticate"} <= set(refused.headers.keys())
    )
    public = document["paths"]["/users/refresh"]["post"]["responses"]["200"]["headers"]
    assert set(public) == {"Request-Id"}, "nobody's limit is told where no key came"


def test_a_list_is_walked_in_both_directions_and_bounded_by_time(caller: Caller) -> None:
    made = [caller.post(PAYMENTS, WISH).get_json() for _ in range(5)]
    ids = [one["id"] for one in reversed(made)]  # newest first

    def page(query: str) -> tuple[list[str], bool]:
        answer = caller.get(f"{PAYMENTS}?{query}").get_json()
        return [one["id"] for one in answer["data"]], answer["has_more"]

    assert page("limit=2") == (ids[:2], True)
    assert page(f"limit=2&starting_after={ids[1]}") == (ids[2:4], True)
    assert page(f"limit=2&starting_after={ids[3]}") == (ids[4:], False)
    assert page(f"limit=2&ending_before={ids[4]}") == (ids[2:4], True)  # next to the row, not the beginning of the list
    assert page(f"limit=2&ending_before={ids[2]}") == (ids[:2], False)
    assert page("created[gt]=2100-01-01T00:00:00Z") == ([], False)
    assert page("created[gte]=2020-01-01T00:00:00%2B01:00&created[lt]=9999-12-31T23:59:59Z") == (ids, False)
    assert page("created[lte]=2020-01-01T00:00:00Z") == ([], False)
    for field in ("starting_after", "ending_before"):
        problem(caller.get(f"{PAYMENTS}?{field}=pay_x"), 422, "cursor_unknown", field)  # the list is there: its address is right


def test_a_key_is_told_how_its_limit_stands_and_is_stopped(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.api.guard.STEADY", "3 per 1 minute")
    monkeypatch.setattr(limiter, "enabled", True)
    left = [caller.get(f"{HOME}/wallet") for _ in range(3)]
    assert [one.headers["RateLimit-Remaining"] for one in left] == ["2", "1", "0"]
    assert {one.headers["RateLimit-Limit"] for one in left} == {"3"} and left[0].headers["RateLimit-Policy"] == "3;w=60"
    over = caller.get(f"{HOME}/wallet")
    problem(over, 429, "rate_limited")
    assert 0 < int(over.headers["Retry-After"]) <= 60
    assert Caller(caller.shop).get(f"{HOME}/wallet").status_code == 200  # another key is not kept waiting


def test_the_same_wish_written_otherwise_is_the_same(caller: Caller) -> None:
    key = secrets.token_hex(8)
    first = caller.post(PAYMENTS, WISH, key=key)
    again = caller.post(PAYMENTS, json.dumps(dict(reversed(WISH.items())), indent=4), key=key)
    assert again.get_json() == first.get_json() and again.headers["Idempotent-Replayed"] == "true"
    said = problem(caller.post(PAYMENTS, {**WISH, "amount": 2000, "realm": "b"}, key=key), 422, "idempotency_key_reused", "Idempotency-Key")
    assert "amount, realm." in said["detail"]
    said = problem(
        caller.post(PAYMENTS, {**WISH, "payer": {"email": "eve@example.com"}}, key=key), 422, "idempotency_key_reused", "Idempotency-Key"
    )
    assert "payer.email." in said["detail"] and "eve" not in said["detail"]
    assert len(payments_of(caller)) == 1


def test_what_was_asked_cannot_be_guessed_from_a_copy_of_the_database(caller: Caller) -> None:
    """A body may hold a secret that is a short word: no mark that is kept of it can be worked out without our key, nor compared between rows."""
    keys = [secrets.token_hex(8) for _ in range(2)]
    for key in keys:
        caller.post(PAYMENTS, WISH, key=key)
    first, second = (kept_of(caller, key) for key in keys)
    guessed = plain(f"POST\n{PAYMENTS}\n{json.dumps(WISH, sort_keys=True)}".encode())
    assert guessed not in (first.fingerprint, second.fingerprint) and first.fingerprint != second.fingerprint
    assert first.fields and second.fields and first.fields.keys() == second.fields.keys()
    assert not set(first.fields.values()) & (set(digests(WISH, plain).values()) | set(second.fields.values()))


def test_marks_kept_before_there_was_a_key_in_them_count_on(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """So do those that are written while older processes run, and those of a key that another one has followed."""
    old = replace(settings(), plain_marks=True)
    ring = settings().secrets["factor_keys"]
    rolled = replace(settings(), secrets=settings().secrets | {"factor_keys": [{"kid": "f2", "key": "x" * 64}, *ring]})
    for before, after in ((("core.accounts.once.settings", old), None), (None, ("core.kernel.keyed.settings", rolled))):
        key = secrets.token_hex(8)
        with monkeypatch.context() as patch:
            if before:
                patch.setattr(before[0], lambda made=before[1]: made)
            first = caller.post(PAYMENTS, WISH, key=key)
        kept = kept_of(caller, key)
        assert (kept.fingerprint == plain(f"POST\n{PAYMENTS}\n{json.dumps(WISH, sort_keys=True)}".encode())) is bool(before)
        if before:  # as a release before this one kept the fields as well
            with unit(caller.shop.app):
                db.session.query(KeptAnswer).filter_by(key=key).update({"fields": digests(WISH, plain)})
        with monkeypatch.context() as patch:
            if after:
                patch.setattr(after[0], lambda made=after[1]: made)
            again = caller.post(PAYMENTS, WISH, key=key)
            assert again.get_json() == first.get_json() and again.headers["Idempotent-Replayed"] == "true"
            said = problem(caller.post(PAYMENTS, {**WISH, "amount": 1}, key=key), 422, "idempotency_key_reused", "Idempotency-Key")
            assert "What differs: amount." in said["detail"]


def kept_of(caller: Caller, key: str) -> KeptAnswer:
    with unit(caller.shop.app):
        return db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id, key=key).one()


def test_the_payment_itself_is_protected_when_its_answer_is_kept_no_more(caller: Caller) -> None:
    key = secrets.token_hex(8)
    first = caller.post(PAYMENTS, WISH, key=key).get_json()
    with unit(caller.shop.app):
        db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
    assert caller.post(PAYMENTS, WISH, key=key).get_json()["id"] == first["id"]
    with unit(caller.shop.app):
        db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
    problem(caller.post(PAYMENTS, {**WISH, "amount": 1}, key=key), 409, "payment_differs", "amount")
    assert len(payments_of(caller)) == 1


def test_ten_at_once_with_one_key_are_one_payment(caller: Caller) -> None:
    key, gun, answers = secrets.token_hex(8), threading.Barrier(10), []
    callers = [Caller.__new__(Caller) for _ in range(10)]
    for one in callers:
        one.__dict__.update(caller.__dict__, client=caller.shop.app.test_client())

    def ask(one: Caller) -> None:
        gun.wait(60)
        answers.append(one.post(PAYMENTS, WISH, key=key))

    threads = [threading.Thread(target=ask, args=(one,)) for one in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    done = [one for one in answers if one.status_code == 201]
    twins = [one for one in answers if one.status_code == 409]
    assert len(answers) == 10 == len(done) + len(twins) and done
    assert {one.get_json()["id"] for one in done} == {payments_of(caller)[0].public_id} and len(payments_of(caller)) == 1
    assert sum("Idempotent-Replayed" not in one.headers for one in done) == 1
    assert all(problem(one, 409, "idempotency_key_in_use") and one.headers["Retry-After"] == "1" for one in twins)


def test_whoever_is_killed_on_the_way_is_asked_again_and_it_is_done_once(caller: Caller) -> None:
    """At every seventh line of the guard, the act and what keeps its answer."""
    parts = ("portal/api/guard.py", "core/accounts/once.py", "core/payments/ask.py", "core/payments/start.py")
    whole = Axe(*parts)
    with whole.over():
        caller.post(PAYMENTS, WISH)
    assert whole.lines > 60
    for number, at in enumerate(range(1, whole.lines, 7), start=2):
        key, axe = secrets.token_hex(8), Axe(*parts, at=at)
        with axe.over(), pytest.raises(Killed):
            caller.post(PAYMENTS, WISH, key=key)
        assert caller.post(PAYMENTS, WISH, key=key).status_code == 201, axe.fallen
        assert len(payments_of(caller)) == number, axe.fallen
    with unit(caller.shop.app):
        links = db.session.query(PaymentLink).filter_by(vendor_id=caller.shop.vendor.id)
        assert links.count() == len(payments_of(caller)) and links.filter_by(archived_at=None).count() == 0
