"""Kinds of keys, what each is good for and from where, rolling, leaks, and the log of what was refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.api_keys import make_key, roll_key
from core.accounts.key_models import ApiKey, RefusedCall
from core.accounts.key_scopes import OF_WORD, RESOURCES, BadScopes, read_scopes
from core.accounts.refused_calls import KEPT, prune_refused
from core.kernel import clock
from core.kernel.db import db
from core.notifications.models import Notice
from core.web.throttle import limiter
from tests.browser import Browser
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, fresh, make_link, make_shop, unit
from tests.portal.caller import HOME, Caller, problem

LEAKED = f"{HOME}/leaked-keys"


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def mine(first: Shop) -> Shop:
    return another_shop(first)


def calls(shop: Shop) -> list[RefusedCall]:
    with unit(shop.app):
        return db.session.query(RefusedCall).filter_by(vendor_id=shop.vendor.id).order_by(RefusedCall.id).all()


def test_a_restricted_key_does_what_it_is_good_for_and_nothing_else(mine: Shop) -> None:
    caller = Caller(mine, kind="rk", scopes=["refunds:write", "customers:read"])
    assert caller.key.scopes == ["customers:read", "refunds:read", "refunds:write"]
    assert [caller.get(f"{HOME}/{path}").status_code for path in ("customers", "refunds")] == [200, 200]
    said = problem(caller.get(f"{HOME}/payments"), 403, "scope_missing")
    assert "payments:read" in said["detail"]
    problem(caller.post(f"{HOME}/customers/cus_x/block", {"because": "x"}), 403, "scope_missing")
    problem(caller.post(f"{HOME}/refunds", {"payment": "pay_x"}), 404, "not_found")


@pytest.mark.parametrize("scopes", [[], ["payments"], ["payments:all"], ["everything:read"]])
def test_a_restricted_key_is_good_for_something_that_there_is(mine: Shop, scopes: list[str]) -> None:
    with unit(mine.app), pytest.raises(BadScopes):
        make_key(mine.vendor, "test", name="x", by="usr_x", kind="rk", scopes=scopes)
    assert read_scopes(["payments:write"]) == ["payments:read", "payments:write"]


def test_every_address_of_the_api_belongs_to_one_resource(app: Flask) -> None:
    words = {
        rule.rule.split("/")[3] for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "__access__", "") == "key"
    }  # fmt: skip
    assert words <= set(OF_WORD) and len(OF_WORD) == sum(map(len, RESOURCES.values()))


def test_a_publishable_key_reads_a_links_page_from_any_origin_and_nothing_else(mine: Shop) -> None:
    caller, link = Caller(mine, kind="pk"), make_link(mine)
    page = f"{HOME}/payment-links/{link.public_id}/page"
    answer = caller.get(page, Origin="https://shop.example")
    assert answer.get_json()["url"].split("/")[3] == "pay" and answer.headers["Access-Control-Allow-Origin"] == "*"
    asked = caller.client.options(page, headers={"Origin": "https://shop.example", "Access-Control-Request-Headers": "authorization"})
    assert asked.status_code == 200 and asked.headers["Access-Control-Allow-Headers"] == "Authorization"
    problem(caller.get(f"{HOME}/payment-links/{link.public_id}"), 403, "publishable_key")
    refused = caller.post(f"{HOME}/payments", {})
    problem(refused, 403, "publishable_key")
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert fresh(mine, caller.key).plain == caller.secret


@pytest.mark.parametrize("header", [{"Origin": "https://shop.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_secret_key_that_comes_from_a_page_is_refused(mine: Shop, header: dict[str, str]) -> None:
    problem(Caller(mine).get(f"{HOME}/wallet", **header), 403, "secret_key_in_browser")
    problem(Caller(mine, kind="rk", scopes=["balance:read"]).get(f"{HOME}/wallet", **header), 403, "secret_key_in_browser")


def test_a_key_counts_from_its_addresses_only(mine: Shop) -> None:
    caller = Caller(mine, addresses=["203.0.113.0/24", "2001:db8::/32"])
    problem(caller.get(f"{HOME}/wallet"), 403, "address_not_allowed")
    for address, status in (("203.0.113.9", 200), ("2001:db8::7", 200), ("203.0.114.1", 403), ("::ffff:1.2.3.4", 403)):
        answer = caller.client.get(
            f"{HOME}/wallet", headers={"Authorization": f"Bearer {caller.secret}"}, environ_base={"REMOTE_ADDR": address}
        )
        assert answer.status_code == status
    assert fresh(mine, caller.key).last_used_from in ("203.0.113.9", "2001:db8::7")


def test_a_rolled_key_counts_beside_the_new_one_until_its_time_is_over(mine: Shop) -> None:
    old = Caller(mine, kind="rk", scopes=["balance:read"])
    with unit(mine.app):
        new, secret = roll_key(mine.vendor, "test", old.key.public_id, overlap=timedelta(hours=1), by="usr_x")
    assert (new.kind, new.scopes, new.name) == ("rk", ["balance:read"], "Shop")
    both = [old.get(f"{HOME}/wallet"), old.get(f"{HOME}/wallet", Authorization=f"Bearer {secret}")]
    assert [one.status_code for one in both] == [200, 200]
    with clock.frozen(clock.now() + timedelta(hours=2)):
        over = problem(old.get(f"{HOME}/wallet"), 401, "key_refused")
        assert "rolled" in over["detail"], "whoever holds it reads what to do"
        assert [(one.status, one.key) for one in calls(mine)] == [(401, old.key.public_id)], (
            "and the team sees that something still uses it"
        )
        assert old.get(f"{HOME}/wallet", Authorization=f"Bearer {secret}").status_code == 200


def test_a_leaked_key_is_revoked_and_whoever_reports_it_learns_nothing(mine: Shop) -> None:
    caller, public = Caller(mine), Caller(mine, kind="pk")
    stranger = mine.app.test_client()
    broken = caller.secret[:-1] + ("a" if caller.secret[-1] != "a" else "b")
    answers = [
        stranger.post(LEAKED, json={"key": key, "where": "https://example.com/x"})
        for key in (caller.secret, caller.secret, public.secret, broken, "x")
    ]
    assert {(one.status_code, one.text) for one in answers} == {(202, answers[0].text)}
    assert "revoked" in problem(caller.get(f"{HOME}/wallet"), 401, "key_refused")["detail"]
    assert fresh(mine, caller.key).revoked_because == "leaked" and fresh(mine, public.key).revoked_at is None
    with unit(mine.app):
        assert db.session.query(Notice).filter_by(vendor_id=mine.vendor.id, kind="key_leaked", about=caller.key.public_id).count() == 1
    problem(stranger.post(LEAKED, json={}), 422, "invalid_request", "key")


def test_reports_are_throttled(mine: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    here: Any = {"environ_base": {"REMOTE_ADDR": "198.51.100.77"}}
    last = [mine.app.test_client().post(LEAKED, json={"key": "x"}, **here).status_code for _ in range(31)]
    assert last == [202] * 30 + [429]


def test_what_was_refused_or_failed_stands_in_the_log_of_its_key(mine: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller(mine)
    wrong = caller.post(f"{HOME}/payments", {"amount": 1, "currency": "GBP", "payer": {"email": "secret@"}, "description": "x"})
    caller.get(f"{HOME}/wallet")
    caller.get(f"{HOME}/payments?colour\0=1")
    monkeypatch.setattr("portal.api.money.balances", lambda *_: 1 // 0)
    monkeypatch.setitem(mine.app.config, "PROPAGATE_EXCEPTIONS", False)
    broken = caller.get(f"{HOME}/wallet")
    problem(broken, 500, "our_fault")
    kept = calls(mine)
    assert [(one.method, one.path, one.status, one.code) for one in kept] == [
        ("POST", "/api/v1/payments", 422, "invalid_request"), ("GET", "/api/v1/payments", 422, "invalid_request"),
        ("GET", "/api/v1/wallet", 500, "our_fault"),
    ]  # fmt: skip
    assert kept[0].field == "payer.email" and kept[0].request == wrong.headers["Request-Id"] and kept[0].key == caller.key.public_id
    assert not any("secret@" in one.detail for one in kept)
    assert "secret@" not in mine.app.test_client().get("/").text


def test_the_log_is_kept_for_thirty_days(mine: Shop) -> None:
    Caller(mine).get(f"{HOME}/nothing-such/x")
    Caller(mine).get(f"{HOME}/payments/pay_x")
    assert [one.status for one in calls(mine)] == [404]  # of an unknown address nobody knows whose key it was
    with unit(mine.app), clock.frozen(clock.now() + KEPT + timedelta(seconds=1)):
        while prune_refused(1000):
            pass
    assert calls(mine) == []


def test_keys_are_made_opened_rolled_and_revoked_in_the_portal(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/keys").form("/portal/keys")
    page = owner.submit(form, status=422, name="Till", kind="rk")
    assert "Choose what the key is good for." in page.error_summary
    page = owner.submit(form, status=422, name="Till", kind="rk", scope="payments:write", addresses="127.0.0.1\nhere")
    assert "“here” is no network address" in page.text and page.form("/portal/keys").values["scope"] == "payments:write"
    made = owner.submit(page.form("/portal/keys"), addresses="127.0.0.1")
    assert "portal_rk_test_" in made.html and "kept nowhere" in made.text
    with unit(shop.app):
        key = db.session.query(ApiKey).filter_by(vendor_id=shop.vendor.id).one()
    address = f"/portal/keys/{key.public_id}"
    shown = owner.get(address)
    assert "Payments and orders: read and change" in shown.text and "127.0.0.1" in shown.text and "Nothing was refused" in shown.text
    rolled = owner.submit(shown.form(f"{address}/roll"), overlap="24")
    assert "portal_rk_test_" in rolled.html
    assert "Counts until its time is over" in owner.get(address).text
    assert "Revoked" in owner.submit(owner.get(address).form(f"{address}/revoke")).text
    owner.get("/portal/keys/key_x", status=404)


def test_no_key_of_any_kind_is_made_by_a_form_that_does_not_say_which(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/keys").form("/portal/keys")
    assert form.values.pop("kind") == "sk"
    assert "Choose one of these." in " ".join(owner.submit(form, status=422, name="Shop").errors)
    with unit(shop.app):
        assert db.session.query(ApiKey).filter_by(vendor_id=shop.vendor.id).count() == 0


def test_a_publishable_key_is_found_again_and_refusals_are_read_in_the_portal(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/keys").form("/portal/keys")
    owner.submit(form, name="Page", kind="pk", scope="payments:write")
    caller = Caller(shop)
    caller.get(f"{HOME}/payments?limit=0")
    with unit(shop.app):
        public = db.session.query(ApiKey).filter_by(vendor_id=shop.vendor.id, kind="pk").one()
    assert public.scopes == [] and public.plain and public.plain in owner.get(f"/portal/keys/{public.public_id}").html
    shown = owner.get(f"/portal/keys/{caller.key.public_id}").text
    assert "GET /api/v1/payments" in shown and "Between 1 and 100." in shown and "limit" in shown
    assert owner.get("/portal/notices").status == 200
    shop.app.test_client().post(LEAKED, json={"key": caller.secret})
    assert "is revoked" in owner.get("/portal/notices").text
    assert "Somebody reported that this key can be read" in owner.get(f"/portal/keys/{caller.key.public_id}").text
