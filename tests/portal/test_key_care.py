"""Keys are looked after: their ends, what they were used for, every call they made, why they were revoked, and where they came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.api_keys import PUBLISHABLE, RESTRICTED, make_key, roll_key
from core.accounts.apps import begin_app
from core.accounts.calls import KEPT, MOST, Made, prune_calls, write_calls
from core.accounts.key_models import ApiCall, ApiKey
from core.accounts.refused_calls import Caller as Whose
from core.kernel.clock import now, shifted
from core.kernel.config import BadSetting, settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.notifications.key_news import tell_of_ending_keys
from core.notifications.models import Message, Notice
from core.web import throttle
from core.web.throttle import limiter
from portal.api import blueprint, guard
from tests.browser import Browser
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, fresh, make_shop, unit
from tests.portal.caller import HOME, Caller, problem


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def mine(first: Shop) -> Shop:
    return another_shop(first)


def news(shop: Shop) -> list[dict[str, str]]:
    with unit(shop.app):
        told = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="key_news").order_by(Message.id)
        return [one.params for one in told]


def calls(shop: Shop) -> list[ApiCall]:
    blueprint.calls.flush(shop.app)
    with unit(shop.app):
        return db.session.query(ApiCall).filter_by(vendor_id=shop.vendor.id).order_by(ApiCall.id).all()


def ending(shop: Shop) -> None:
    with unit(shop.app):
        while tell_of_ending_keys(100):
            pass


def test_a_key_with_an_end_stops_there_and_its_team_is_told_twice(mine: Shop) -> None:
    caller = Caller(mine, life=timedelta(days=30))
    ending(mine)
    assert news(mine) == []
    for days, told in ((15, 0), (16, 1), (20, 1), (27, 2), (29, 2)):
        with shifted(timedelta(days=days, minutes=1)):
            ending(mine)
            assert len(news(mine)) == told, days
            assert caller.get(f"{HOME}/wallet").status_code == 200
    assert {(one["key"], one["what"]) for one in news(mine)} == {(caller.key.public_id, "ends")}
    with shifted(timedelta(days=30, minutes=1)):
        problem(caller.get(f"{HOME}/wallet"), 401, "key_refused")
        ending(mine)
    assert len(news(mine)) == 2


def test_a_short_life_is_told_once_and_a_rolled_key_lives_as_long_again(mine: Shop) -> None:
    with unit(mine.app):
        short, _ = make_key(mine.vendor, "test", name="x", by="usr_x", life=timedelta(days=2))
        long, _ = make_key(mine.vendor, "test", name="x", by="usr_x", life=timedelta(days=10))
        new, _ = roll_key(mine.vendor, "test", long.public_id, overlap=timedelta(hours=1), by="usr_x")
        assert new.expires_at and abs(new.expires_at - now() - timedelta(days=10)) < timedelta(seconds=5)
    ending(mine)
    ending(mine)
    assert sorted(one["key"] for one in news(mine)) == sorted([short.public_id, new.public_id])  # of the one that was rolled nobody hears


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=-1), timedelta(days=5 * 365 + 1)])
def test_a_life_has_bounds(mine: Shop, life: timedelta) -> None:
    with unit(mine.app), pytest.raises(Refusal) as no:
        make_key(mine.vendor, "test", name="x", by="usr_x", life=life)
    assert no.value.field == "life"


def test_every_call_stands_on_its_keys_page_and_nothing_that_was_sent(mine: Shop) -> None:
    caller = Caller(mine)
    answers = [
        caller.get(f"{HOME}/wallet", **{"User-Agent": "shop/1.2"}), caller.post(f"{HOME}/customers", {"email": "secret@example.com"}),
        caller.get(f"{HOME}/payments/pay_x"),
    ]  # fmt: skip
    kept = calls(mine)
    assert [(one.method, one.path, one.status, one.key) for one in kept] == [
        ("GET", "/api/v1/wallet", 200, caller.key.public_id), ("POST", "/api/v1/customers", 201, caller.key.public_id),
        ("GET", "/api/v1/payments/pay_x", 404, caller.key.public_id),
    ]  # fmt: skip
    assert [one.request for one in kept] == [one.headers["Request-Id"] for one in answers] and kept[0].program == "shop/1.2"
    assert not any("secret@" in f"{one.path}{one.program}" for one in kept)


def test_a_key_keeps_its_newest_thousand_for_thirty_days(mine: Shop) -> None:
    with unit(mine.app):
        key, _ = make_key(mine.vendor, "test", name="x", by="usr_x")
    at, whose = now(), Whose(mine.vendor.id, "test", key.public_id)
    many = {Made(whose, f"req_{n}", "GET", "/api/v1/wallet", 200, "", "", at + timedelta(microseconds=n)): 1 for n in range(MOST + 20)}
    with unit(mine.app):
        write_calls(many)
    kept = calls(mine)
    assert len(kept) == MOST and kept[-1].request == f"req_{MOST + 19}"
    with unit(mine.app), shifted(KEPT + timedelta(days=1)):
        while prune_calls(1000):
            pass
    assert calls(mine) == []


def test_what_a_key_never_needed_is_named(mine: Shop) -> None:
    caller = Caller(mine, kind="rk", scopes=["refunds:write", "customers:write", "balance:read"])
    caller.get(f"{HOME}/wallet")
    caller.post(f"{HOME}/customers", {"email": "ada@example.com"})
    assert fresh(mine, caller.key).used_scopes == ["balance:read", "customers:write"]
    assert caller.get(f"{HOME}/customers").status_code == 200
    whole = Caller(mine)
    (told,) = [one for one in whole.get(f"{HOME}/keys").get_json()["data"] if one["id"] == caller.key.public_id]
    assert told["unused_scopes"] == ["refunds:write"]


def test_a_key_from_another_network_is_told_of_once_a_day(mine: Shop) -> None:
    caller = Caller(mine, addresses=["203.0.113.0/24"])
    for _ in range(3):
        problem(caller.get(f"{HOME}/wallet"), 403, "address_not_allowed")
    assert [(one["what"], one["address"]) for one in news(mine)] == [("elsewhere", "127.0.0.1")]
    with shifted(timedelta(days=1, minutes=1)):
        caller.get(f"{HOME}/wallet")
    assert len(news(mine)) == 2
    with unit(mine.app):
        assert db.session.query(Notice).filter_by(vendor_id=mine.vendor.id, kind="key_news", about=caller.key.public_id).count() == 2


def test_the_portal_shows_all_of_it(shop: Shop, owner: Browser) -> None:
    made = owner.submit(
        owner.get("/portal/keys").form("/portal/keys"), name="Till", kind="rk", scope="refunds:write", life="90", addresses="203.0.113.7"
    )  # fmt: skip
    assert "portal_rk_test_" in made.html
    with unit(shop.app):
        key = db.session.query(ApiKey).filter_by(vendor_id=shop.vendor.id).one()
        assert key.expires_at and timedelta(days=89) < key.expires_at - now() <= timedelta(days=90)
    caller = Caller(shop, kind="rk", scopes=["refunds:write", "balance:read"])
    for _ in range(30):
        caller.get(f"{HOME}/wallet", **{"User-Agent": "shop/1.2"})
    calls(shop)
    address = f"/portal/keys/{caller.key.public_id}"
    shown = owner.get(address)
    assert "Never used for" in shown.text and "Refunds: change" in shown.text and "shop/1.2" in shown.text
    older = next(link.attrs["href"] for link in shown.all("a") if link.attrs.get("rel") == "next")
    assert "GET /api/v1/wallet" in owner.get(older).text
    owner.get(f"{address}?after=req_nothing", status=404)
    gone = owner.submit(shown.form(f"{address}/revoke"), note="The till was sold")
    assert "Revoked" in gone.text and "The till was sold" in owner.get(address).text
    long = owner.submit(owner.get(f"/portal/keys/{key.public_id}").form(f"/portal/keys/{key.public_id}/revoke"), status=422, note="x" * 201)
    assert "200" in long.text and fresh(shop, key).revoked_at is None


@pytest.fixture
def six_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a business in all; each of its keys has more than that."""
    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setattr(guard, "settings", lambda: replace(settings(), api_business_limit="6 per 1 minute"))


def asked(caller: Caller, times: int) -> list[int]:
    return [caller.get(f"{HOME}/wallet").status_code for _ in range(times)]


def test_more_keys_are_no_more_calls_and_another_business_notices_nothing(mine: Shop, first: Shop, six_a_minute: None) -> None:
    keys, other = [Caller(mine) for _ in range(3)], Caller(another_shop(first))
    assert [asked(one, 2) for one in keys] == [[200, 200]] * 3
    for one in (*keys, Caller(mine), Caller(mine, kind=RESTRICTED, scopes=["balance:read"])):
        over = one.get(f"{HOME}/wallet")
        told = problem(over, 429, "rate_limited")
        assert "All keys and apps of this business together" in told["detail"]
        assert (over.headers["RateLimit-Policy"], over.headers["RateLimit-Remaining"]) == ("6;w=60", "0")
        assert 0 < int(over.headers["Retry-After"]) <= 60
    answer = other.get(f"{HOME}/wallet")
    assert answer.status_code == 200 and answer.headers["RateLimit-Remaining"] == "599"
    assert asked(other, 5) == [200] * 5


def test_apps_of_its_people_take_from_the_same_share(app: Flask, six_a_minute: None) -> None:
    mine = make_shop(app)
    with unit(mine.app):
        access = begin_app(mine.user, mine.membership, app="Till", mode="test", address="").access
    token = {"Authorization": f"Bearer {access}"}
    till, key = mine.app.test_client(), Caller(mine)
    assert [till.get(f"{HOME}/wallet", headers=token).status_code for _ in range(4)] == [200] * 4
    assert asked(key, 3) == [200, 200, 429]
    assert till.get(f"{HOME}/wallet", headers=token).status_code == 429


def test_pages_take_nothing_from_the_servers_and_test_nothing_from_live(mine: Shop, six_a_minute: None) -> None:
    page, server = Caller(mine, kind=PUBLISHABLE), Caller(mine)
    assert asked(page, 7) == [403] * 6 + [429]
    assert asked(server, 7) == [200] * 6 + [429]
    assert asked(Caller(mine, mode="live"), 1) == [200]


def test_what_a_key_may_not_is_not_the_businesss_and_each_limit_says_which_it_is(
    mine: Shop, six_a_minute: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "STEADY", "3 per 1 minute")
    noisy, same = Caller(mine), Caller(mine)
    assert asked(noisy, 9) == [200] * 3 + [429] * 6
    assert "This key or app has used up" in problem(noisy.get(f"{HOME}/wallet"), 429, "rate_limited")["detail"]
    assert asked(same, 3) == [200] * 3
    monkeypatch.setattr(guard, "BURST", "1 per 5 seconds")
    burst = Caller(mine)
    assert asked(burst, 1) == [429], "the business has had its six"
    assert "at once" in problem(burst.get(f"{HOME}/wallet"), 429, "rate_limited")["detail"]


def test_without_redis_a_business_has_its_share_all_the_same(mine: Shop, six_a_minute: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("redis is away")

    monkeypatch.setattr(limiter.limiter, "hit", away)
    monkeypatch.setattr(throttle, "_all_at_once", away)
    assert asked(Caller(mine), 4) + asked(Caller(mine), 4) == [200] * 6 + [429] * 2


@pytest.mark.parametrize("text", ["", "1800", "many per 1 minute", "0 per 1 minute", "10 per 1 fortnight", "1800 per 1 minute; rm"])
def test_a_limit_that_cannot_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("API_BUSINESS_LIMIT", text)
    with pytest.raises(BadSetting, match="1800 per 1 minute"):
        settings.__wrapped__()


def test_the_reference_says_both_limits(mine: Shop) -> None:
    assert "600 calls a minute for each key, and 1,800 in 60 seconds for the business" in mine.browser().get("/portal/api").text


def test_a_noisy_neighbour_takes_nothing_from_anybody_else(mine: Shop, first: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setattr(guard, "BURST", "5 per 5 seconds")
    monkeypatch.setattr(guard, "STEADY", "8 per 1 minute")
    noisy, same, other = Caller(mine), Caller(mine), Caller(another_shop(first))
    assert [noisy.get(f"{HOME}/wallet").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert noisy.get(f"{HOME}/payments").status_code == 200, "one address that is called too fast leaves the others open"
    assert noisy.get(f"{HOME}/payments").status_code == 429, "until the key has had its minute"
    for quiet in (same, other):
        answer = quiet.get(f"{HOME}/wallet")
        assert answer.status_code == 200 and answer.headers["RateLimit-Remaining"] == "7"
