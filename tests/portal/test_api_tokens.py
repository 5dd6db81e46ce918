"""The tokens of people's apps: for how long they count, that they count once, what ends them, and that no other opens anything."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from core.accounts.access_token import LIFE, PURPOSE
from core.accounts.app_models import RefreshToken
from core.accounts.apps import LONGEST, REFRESH
from core.accounts.models import User, UserSession
from core.accounts.reset_password import ask_to_reset
from core.accounts.sessions import end_all_sessions
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.keyed import derive, key_ids
from tests.browser import Browser
from tests.factories import Shop, make_colleague, unit
from tests.portal.caller import Caller, problem
from tests.portal.person_app import ME, USERS, App


@pytest.fixture
def app_of(shop: Shop) -> App:
    return App(shop)


def forged(shop: Shop, *, key: bytes | str | None = None, algorithm: str = "HS256", kid: Any = "", typ: str = "at+jwt", **more: Any) -> str:
    at = int(now().timestamp())
    claims = {
        "iss": settings().public_url, "aud": f"{settings().public_url}/api/v1", "sub": shop.user.public_id, "sid": "s" * 64, "mode": "test",
        "iat": at, "exp": at + 600, "jti": "x",
    }  # fmt: skip
    claims = {name: value for name, value in (claims | more).items() if value is not None}
    signed = derive(PURPOSE, key_ids()[0]) if key is None else key
    return jwt.encode(
        claims, None if algorithm == "none" else signed, algorithm=algorithm, headers={"kid": kid or key_ids()[0], "typ": typ}
    )


def test_an_access_token_counts_for_ten_minutes_and_a_refresh_token_once(app_of: App) -> None:
    spent = app_of.refresh
    with frozen(now() + LIFE):
        problem(app_of.get(ME), 401, "token_expired")
        app_of.keep(app_of.renew())
        assert app_of.get(ME).status_code == 200 and app_of.refresh != spent
        app_of.keep(app_of.renew())


def test_a_refresh_token_that_comes_twice_ends_the_whole_sign_in(shop: Shop, app_of: App) -> None:
    other, stolen = App(shop), app_of.refresh
    app_of.keep(app_of.renew())
    problem(app_of.renew(stolen), 401, "refresh_refused")
    problem(app_of.get(ME), 401, "token_refused")
    problem(app_of.renew(), 401, "refresh_refused")
    assert other.get(ME).status_code == 200, "the person's other app has nothing to do with it"
    with unit(shop.app):
        entry = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="app.token_reused").one()
        assert (entry.actor, entry.subject) == ("system", shop.user.public_id)


def test_of_two_that_refresh_at_once_one_is_let_through_and_then_nobody(shop: Shop, app_of: App) -> None:
    answers: list[TestResponse] = []

    def once() -> None:
        client = shop.app.test_client()
        answers.append(client.post(f"{USERS}/refresh", json={"refresh_token": app_of.refresh}))

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    new = next(answer.get_json() for answer in answers if answer.status_code == 200)
    problem(app_of.get(ME, token=new["access_token"]), 401, "token_refused")


def test_tokens_run_out_and_the_password_is_asked_for_at_last(shop: Shop, app_of: App) -> None:
    with frozen(now() + REFRESH):
        problem(app_of.renew(), 401, "refresh_refused")
    at, end = now(), now() + LONGEST
    while at < end - timedelta(days=13):
        at += timedelta(days=13)
        with frozen(at):
            told = app_of.keep(app_of.renew())
    assert told["refresh_expires_at"] <= end.isoformat(timespec="seconds").replace("+00:00", "Z")
    with frozen(end + timedelta(seconds=1)):
        problem(app_of.renew(), 401, "refresh_refused")
    with unit(shop.app):
        kept = db.session.query(RefreshToken).join(UserSession, UserSession.id == RefreshToken.session_id).filter_by(user_id=shop.user.id)
        assert kept.count() <= 3, "what could not come twice any more is let go of"


@pytest.mark.parametrize("token", ["rt_x", "x", "rt_" + "a" * 43, "é", "eyJ.eyJ.x"])
def test_what_is_no_refresh_token_opens_nothing(shop: Shop, token: str) -> None:
    problem(App(shop, enter=False).renew(token), 401, "refresh_refused")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # that our key is short for another algorithm
def test_forged_and_foreign_tokens_open_nothing(shop: Shop, app_of: App) -> None:
    with unit(shop.app):
        session = db.session.query(UserSession).filter_by(user_id=shop.user.id, app="Till").one().id
        browser = db.session.query(UserSession).filter_by(user_id=shop.user.id, app="").first()
        ours = settings().public_url
        assert app_of.get(ME, token=forged(shop, sid=session)).status_code == 200, "the forger of this test is a good one"
        wrong = [
            forged(shop, sid=session, key="k" * 32), forged(shop, sid=session, algorithm="none"), forged(shop, sid=session, algorithm="HS512"),
            forged(shop, sid=session, kid="k0"), forged(shop, sid=session, typ="JWT"), forged(shop, sid=session, aud=ours),
            forged(shop, sid=session, iss="https://other.example"), forged(shop, sid=session, exp=None), forged(shop, sid=session, jti=None),
            forged(shop, sid=session, mode="live"), forged(shop, sid=session, sub="usr_other"), forged(shop),
            forged(shop, sid=browser.id if browser else "b" * 64), app_of.access[:-6] + "AAAAAA", app_of.access + ".x", "eyJ.." , "eyJ" + "a" * 3000 + "..",
        ]  # fmt: skip
    for token in wrong:
        answer = app_of.get(ME, token=token)
        assert answer.status_code == 401 and answer.get_json()["code"] == "token_refused", token


def test_a_key_that_was_rolled_is_read_as_long_as_it_is_kept(shop: Shop, app_of: App, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings().secrets["factor_keys"]
    new = {"kid": "f9", "key": secrets.token_urlsafe(48)}
    monkeypatch.setitem(settings().secrets, "factor_keys", [new, *before])
    assert app_of.get(ME).status_code == 200
    app_of.keep(app_of.renew())
    assert jwt.get_unverified_header(app_of.access)["kid"] == "f9" and app_of.get(ME).status_code == 200
    monkeypatch.setitem(settings().secrets, "factor_keys", before)
    problem(app_of.get(ME), 401, "token_refused")


def test_signing_out_ends_the_tokens_at_once(app_of: App) -> None:
    gone = app_of.ask("POST", f"{USERS}/sign-out")
    assert gone.status_code == 200 and gone.get_json()["ended_at"]
    problem(app_of.get(ME), 401, "token_refused")
    problem(app_of.renew(), 401, "refresh_refused")


def test_a_new_password_signs_apps_out_and_so_does_leaving_the_business(shop: Shop, app_of: App) -> None:
    with unit(shop.app):
        end_all_sessions(db.session.get_one(User, shop.user.id), reason="password changed")
        assert ask_to_reset(shop.email)
    problem(app_of.get(ME), 401, "token_refused")
    colleague = make_colleague(shop, "support")
    theirs = App(colleague)
    with unit(shop.app):
        db.session.delete(db.session.merge(colleague.membership))
    problem(theirs.get(ME), 401, "token_refused")
    problem(theirs.renew(), 401, "refresh_refused")


def test_apps_stand_among_the_devices_and_are_signed_out_there(shop: Shop, app_of: App, owner: Browser) -> None:
    page = owner.get("/portal/settings")
    assert "Till" in page.text
    listed = app_of.get(f"{ME}/apps").get_json()["data"]
    (mine,) = [one for one in listed if one["kind"] == "app"]
    assert mine["name"] == "Till" and len(listed) == 2
    owner.submit(page.form(f"/portal/settings/devices/{mine['id']}/end"))
    problem(app_of.get(ME), 401, "token_refused")
    other = App(shop)
    (seen,) = [one for one in other.get(f"{ME}/apps").get_json()["data"] if one["kind"] == "browser"]
    assert other.ask("DELETE", f"{ME}/apps/{seen['id']}").get_json()["ended_at"]
    assert owner.get("/portal/settings").heading == "Sign in"
    problem(other.ask("DELETE", f"{ME}/apps/{'0' * 24}"), 404, "not_found")


def test_a_key_opens_nothing_of_a_persons_and_a_token_no_cookie(shop: Shop, app_of: App) -> None:
    problem(Caller(shop).get(ME), 401, "token_refused")
    problem(app_of.get(ME, token=""), 401, "token_refused")
    with unit(shop.app):
        row = db.session.query(UserSession).filter_by(user_id=shop.user.id, app="Till").one()
    assert Browser(shop.app, seat=row.id).get("/portal/").heading == "Sign in"
