"""People's own apps: signed up and in, kept signed in by tokens that count once, and let do what the person's role may."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.key_scopes import FOR_PEOPLE, OF_ACTS, OF_WORD
from core.accounts.models import User, Vendor
from core.accounts.permissions import PERMISSIONS
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.models import Payment
from core.web.throttle import limiter
from tests.browser import Browser
from tests.core.payments.conftest import another_shop
from tests.core.subscriptions.plans import save_card
from tests.factories import PASSWORD, Shop, make_colleague, make_link, make_paid, make_shop, unit
from tests.portal.caller import HOME, document_of, problem
from tests.portal.person_app import ME, USERS, App
from tests.portal.plan_pages import life_of
from tests.second_step import set_up


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def app_of(shop: Shop) -> App:
    return App(shop)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(limiter, "enabled", True)
        yield
    limiter.reset()


# --- signing up ----------------------------------------------------------------------------------------------------------


def wish(email: str, /, **more: Any) -> dict[str, Any]:
    return {"business": "Blue Door", "country": "GB", "currency": "GBP", "email": email, "password": PASSWORD, **more}


def test_a_business_signs_up_and_its_owners_app_signs_in(app: Flask, shop: Shop) -> None:
    email = f"new-{secrets.token_hex(6)}@example.com"
    stranger = App(shop, enter=False)
    answer = stranger.ask("POST", USERS, wish(email, name="Ada", locale="de"), token="")
    assert answer.status_code == 201 and answer.get_json()["email"] == email
    links = answer.get_json()["links"]
    assert links["user"].endswith(ME) and links["sign_in"].endswith(f"{USERS}/sign-in")
    told = stranger.keep(stranger.ask("POST", f"{USERS}/sign-in", {"email": email, "password": PASSWORD, "app": "Till"}))
    assert (told["mode"], told["token_type"], told["expires_in"]) == ("test", "Bearer", 600)
    me = stranger.get(ME).get_json()
    assert (me["email"], me["name"], me["role"], me["business"]["name"], me["email_confirmed"]) == (
        email,
        "Ada",
        "owner",
        "Blue Door",
        False,
    )
    with unit(app):
        assert db.session.query(Message).filter_by(kind="verify_email", recipient=email).count() == 1


def test_who_has_an_account_already_is_answered_the_same_and_hears_of_it_by_letter(app: Flask, shop: Shop) -> None:
    stranger = App(shop, enter=False)
    known = stranger.ask("POST", USERS, wish(shop.email), token="")
    new = stranger.ask("POST", USERS, wish(f"new-{secrets.token_hex(6)}@example.com"), token="")
    assert known.status_code == new.status_code == 201
    assert known.get_json()["links"] == new.get_json()["links"] and known.get_json().keys() == new.get_json().keys()
    with unit(app):
        assert db.session.query(Message).filter_by(kind="reset_password", recipient=shop.email).count() == 1
        assert db.session.query(User).filter_by(email=shop.email).count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"country": "XX"}, "country"), ({"country": "Great Britain"}, "country"), ({"currency": "gbp"}, "currency"), ({"password": "12345678"}, "password"),
        ({"password": "short"}, "password"), ({"email": "nobody"}, "email"), ({"business": ""}, "business"), ({"vendor_id": 1}, "vendor_id"),
        ({"locale": "tlh"}, "locale"), ({"business": "a\x00b"}, "business"), ({"password": 12345678}, "password"),
    ],
)  # fmt: skip
def test_a_bad_sign_up_is_a_problem_at_its_field(shop: Shop, more: dict[str, Any], field: str) -> None:
    answer = App(shop, enter=False).ask("POST", USERS, wish("new@example.com", **more), token="")
    assert answer.status_code == 422 and answer.get_json()["field"] == field, answer.text


# --- signing in ----------------------------------------------------------------------------------------------------------


def test_a_wrong_pair_and_a_nobody_read_the_same(shop: Shop) -> None:
    app = App(shop, enter=False)
    wrong, nobody = app.sign_in(password="another-Harbour-42"), app.sign_in(email="nobody@example.com")
    problem(wrong, 401, "wrong_credentials")
    problem(nobody, 401, "wrong_credentials")
    assert wrong.get_json()["detail"] == nobody.get_json()["detail"]
    problem(app.sign_in(business="vnd_x"), 422, "refused", "business")
    problem(app.sign_in(mode="live"), 422, "refused", "mode")
    problem(app.sign_in(app=""), 422, "invalid_request", "app")


def test_the_second_step_is_asked_for_and_its_code_opens_once(shop: Shop) -> None:
    device, app = set_up(shop.app, shop.user), App(shop, enter=False)
    problem(app.sign_in(), 401, "second_step_needed", "code")
    problem(app.sign_in(code="000000" if device.code() != "000000" else "000001"), 422, "wrong_code", "code")
    code = device.code()
    app.keep(app.sign_in(code=code))
    problem(app.sign_in(code=code), 422, "wrong_code", "code")
    assert app.get(ME).get_json()["two_step"] is True
    app.keep(app.sign_in(code=device.paper[0]))
    with unit(shop.app):
        assert db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").count() == 1


def test_a_business_that_asks_it_of_everybody_lets_no_app_in_without(shop: Shop, app_of: App) -> None:
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).second_factor_required = True
    problem(app_of.get(ME), 403, "second_step_not_set_up")
    problem(app_of.sign_in(), 403, "second_step_not_set_up")
    problem(app_of.renew(), 403, "second_step_not_set_up")


def test_tries_are_counted_for_the_person_whoever_they_come_from(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    app, nobody = App(shop, enter=False), f"nobody-{secrets.token_hex(4)}@example.com"
    with counted(monkeypatch):
        for email in (shop.email, nobody):
            answers = [app.sign_in(email=email, password="another-Harbour-42").status_code for _ in range(11)]
            assert answers == [401] * 10 + [429]
        assert app.sign_in().status_code == 429, "the right password waits too"
        assert "Retry-After" in app.sign_in().headers


# --- what an app may do ----------------------------------------------------------------------------------------------------


def test_every_address_says_what_a_role_needs() -> None:
    assert FOR_PEOPLE.keys() == OF_WORD.keys()
    assert {one for pair in FOR_PEOPLE.values() for one in pair if one} | set(OF_ACTS.values()) <= PERMISSIONS.keys()


def test_an_act_that_asks_for_more_is_an_address_and_the_document_says_what_it_asks_for(app: Flask) -> None:
    told = document_of(app)["paths"]
    for (word, act), permission in OF_ACTS.items():
        assert told[f"/{word}/{{number}}/{act}"]["post"]["x-permission"] == permission


def test_an_owners_app_does_what_the_owner_may_and_the_log_names_the_person(shop: Shop, app_of: App) -> None:
    sent = {"amount": 1999, "currency": "GBP", "payer": {"email": "ada@example.com"}, "description": "Order 4711"}
    made = app_of.ask("POST", f"{HOME}/payments", sent, key="one")
    assert made.status_code == 201
    again = app_of.ask("POST", f"{HOME}/payments", sent, key="one")
    assert again.get_json() == made.get_json() and again.headers["Idempotent-Replayed"] == "true"
    with unit(shop.app):
        assert db.session.query(Payment).filter_by(vendor_id=shop.vendor.id).count() == 1
    link = app_of.ask("POST", f"{HOME}/payment-links", {"title": "Course", "currency": "GBP", "amount": 2500})
    assert link.status_code == 201
    with unit(shop.app):
        entry = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, subject=link.get_json()["id"]).first()
        assert entry is not None and entry.actor == shop.user.public_id
    problem(app_of.ask("GET", f"{HOME}/payments/{'x' * 5}"), 404, "not_found")


def test_two_peoples_apps_may_use_the_same_name_for_a_write(shop: Shop, app_of: App) -> None:
    other = App(make_colleague(shop, "manager"))
    sent = {"title": "Course", "currency": "GBP", "amount": 2500}
    one, two = (who.ask("POST", f"{HOME}/payment-links", sent, key="same").get_json()["id"] for who in (app_of, other))
    assert one != two
    problem(
        app_of.client.post(f"{HOME}/payment-links", json=sent, headers={"Authorization": f"Bearer {app_of.access}"}),
        400,
        "idempotency_key_missing",
    )


@pytest.mark.parametrize("role", ["owner", "manager", "accountant", "support", "developer", "viewer"])
def test_a_role_opens_what_it_may_and_nothing_else(shop: Shop, role: str) -> None:
    app = App(make_colleague(shop, role) if role != "owner" else shop)
    lists = {
        "payments": "payments", "payment-links": "payment-links", "refunds": "refunds", "refund-links": "refund-links", "customers": "customers", "disputes": "disputes", "payouts": "payouts",
        "wallet": "wallet", "ledger": "ledger", "memberships": "memberships", "membership-plans": "membership-plans", "invoices": "invoices",
        "listings": "listings", "products": "products", "branches": "branches", "webhook-endpoints": "webhook-endpoints", "events": "events", "messages": "messages",
    }  # fmt: skip
    for word, path in lists.items():
        may = role in PERMISSIONS[FOR_PEOPLE[word][0]]
        answer = app.get(f"{HOME}/{path}")
        assert answer.status_code == (200 if may else 403), (role, path, answer.text)
    link = make_link(shop)
    paused = app.ask("POST", f"{HOME}/payment-links/{link.public_id}/pause", {})
    assert paused.status_code == (200 if role in PERMISSIONS["links.edit"] else 403)
    if paused.status_code == 403:
        problem(paused, 403, "role_may_not")


def test_a_token_that_came_twice_is_told_to_every_owner_once(app: Flask) -> None:
    """Whoever has the copy, and whoever comes first: the app is out, and the owners read it where they look."""
    shop = make_shop(app)
    app_of, second = App(shop), make_colleague(shop, "owner")
    spent = app_of.refresh
    app_of.keep(app_of.renew())
    for _ in range(2):
        assert app_of.ask("POST", f"{USERS}/refresh", {"refresh_token": spent}, token="").status_code == 401
    problem(app_of.get(ME), 401, "token_refused")
    with unit(app):
        letters = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="app_token_reused").all()
        assert {one.recipient for one in letters} == {shop.vendor.support_email, shop.email, second.email} and len(letters) == len(
            {one.recipient for one in letters}
        )
        assert {tuple(sorted(one.params.items())) for one in letters} == {(("app", "Till"), ("user", shop.user.public_id))}
        assert db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="app.token_reused").count() == 1
    owner = shop.browser()
    page = owner.get("/portal/notices")
    assert "An app was signed out" in page.text
    opening = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert owner.submit(page.form(opening)).address == "/portal/settings/audit-log"


def test_an_app_sees_its_own_business_only(first: Shop, app_of: App) -> None:
    strange = make_paid(another_shop(first))
    problem(app_of.get(f"{HOME}/payments/{strange.public_id}"), 404, "not_found")
    problem(app_of.ask("POST", f"{HOME}/refunds", {"payment": strange.public_id}), 404, "not_found")


def test_a_large_refund_asks_who_it_is_and_a_small_one_does_not(shop: Shop, app_of: App) -> None:
    large, small = make_paid(shop, make_link(shop, amount="900.00")), make_paid(shop, make_link(shop, amount="9.00"))
    with frozen(now() + timedelta(minutes=11)):
        app_of.keep(app_of.renew())
        problem(app_of.ask("POST", f"{HOME}/refunds", {"payment": large.public_id}), 403, "sign_in_again")
        assert app_of.ask("POST", f"{HOME}/refunds", {"payment": small.public_id}).status_code == 201
        app_of.keep(app_of.sign_in())
        assert app_of.ask("POST", f"{HOME}/refunds", {"payment": large.public_id}).status_code == 201


# --- the own account -------------------------------------------------------------------------------------------------------


def test_a_name_is_changed_and_the_rest_stays(app_of: App) -> None:
    before = app_of.get(ME).get_json()
    after = app_of.ask("PUT", ME, {"name": " Ada Lovelace "}).get_json()
    assert after == before | {"name": "Ada Lovelace"}
    assert app_of.ask("PUT", ME, {}).get_json() == after
    problem(app_of.ask("PUT", ME, {"email": "other@example.com"}), 422, "invalid_request", "email")
    problem(app_of.ask("PUT", ME, {"name": "x" * 121}), 422, "invalid_request", "name")
    problem(app_of.ask("PUT", ME, {"name": "Ada"}, token="no"), 401, "token_refused")


def test_cards_are_listed_chosen_and_removed(app: Flask, shop: Shop, app_of: App) -> None:
    for _ in range(2):
        save_card(app, shop.email)
    newest, older = app_of.get(ME).get_json()["payment_methods"]
    assert newest["default"] and not older["default"] and len(newest["last4"]) == 4 and "GBP" in newest["currencies"]
    assert "pm_" not in app_of.get(ME).text, "what the processor calls it stays here"
    chosen = app_of.ask("PUT", ME, {"payment_methods": [{"id": newest["id"]}, {"id": older["id"], "default": True}]}).get_json()
    assert [(one["id"], one["default"]) for one in chosen["payment_methods"]] == [(older["id"], True), (newest["id"], False)]
    left = app_of.ask("PUT", ME, {"payment_methods": [{"id": newest["id"]}]}).get_json()["payment_methods"]
    assert [(one["id"], one["default"]) for one in left] == [(newest["id"], True)]
    assert app_of.ask("PUT", ME, {"payment_methods": []}).get_json()["payment_methods"] == []


@pytest.mark.parametrize(
    ("cards", "field"),
    [
        ([{"id": "crd_x"}], "payment_methods.0.id"), ([{"id": "4242424242424242"}], "payment_methods.0.id"), ([{}], "payment_methods.0.id"),
        ("all", "payment_methods"), ([{"id": "crd_x", "number": "4242"}], "payment_methods.0.number"), ([{"id": "crd_x", "default": 1}], "payment_methods.0.default"),
    ],
)  # fmt: skip
def test_a_card_that_is_not_theirs_is_refused_at_its_place(app_of: App, cards: Any, field: str) -> None:
    answer = app_of.ask("PUT", ME, {"payment_methods": cards})
    assert answer.status_code == 422 and answer.get_json()["field"] == field, answer.text


def test_one_card_pays_and_the_last_one_of_a_running_plan_stays(app: Flask) -> None:
    life = life_of(app)
    save_card(app, life.shop.email)
    mine = App(life.shop)
    ids = [one["id"] for one in mine.get(ME).get_json()["payment_methods"]]
    problem(mine.ask("PUT", ME, {"payment_methods": [{"id": one, "default": True} for one in ids]}), 422, "refused", "payment_methods")
    problem(mine.ask("PUT", ME, {"payment_methods": []}), 409, "card_needed")
    assert len(mine.get(ME).get_json()["payment_methods"]) == 2


def test_a_card_is_added_on_a_page_and_not_by_a_number(shop: Shop, app_of: App, owner: Browser) -> None:
    page = app_of.ask("POST", f"{ME}/payment-methods", key="add")
    assert page.status_code == 201
    assert app_of.ask("POST", f"{ME}/payment-methods", key="add").get_json() == page.get_json()
    assert owner.get(page.get_json()["url"].removeprefix(settings().public_url)).heading
    problem(app_of.ask("POST", f"{ME}/payment-methods", {"number": "4242424242424242"}), 422, "invalid_request", "number")


def test_cards_are_for_who_sees_to_the_plan_and_for_a_proved_address(app: Flask, shop: Shop) -> None:
    theirs = App(make_colleague(shop, "support"))
    assert theirs.get(ME).get_json()["payment_methods"] == []
    problem(theirs.ask("PUT", ME, {"payment_methods": []}), 403, "not_allowed")
    problem(theirs.ask("POST", f"{ME}/payment-methods"), 403, "not_allowed")
    unproved = make_shop(app, verified=False)
    save_card(app, unproved.email)
    mine = App(unproved)
    assert mine.get(ME).get_json()["payment_methods"] == []
    problem(mine.ask("PUT", ME, {"payment_methods": []}), 409, "address_not_confirmed")
    problem(mine.ask("POST", f"{ME}/payment-methods"), 409, "address_not_confirmed")
