"""Finding out who has an account, and trying passwords: neither words nor work nor spellings may help."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from core.kernel.db import db
from core.web.throttle import limiter
from tests.browser import Browser
from tests.factories import make_shop


@pytest.fixture
def shop(app):
    return make_shop(app)


@pytest.fixture
def throttled() -> Iterator[None]:
    before, limiter.enabled = limiter.enabled, True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = before


def spellings(address: str) -> list[str]:
    """The same mailbox, written so that a careless counter takes each for another."""
    local, _, domain = address.partition("@")
    wide = [f"{local}@{domain[:n]}{chr(ord(domain[n]) + 0xFEE0)}{domain[n + 1 :]}" for n in range(len(domain)) if domain[n].isalpha()]
    return [address, address.upper(), f" {address} ", f"{local}@{domain.replace('.', '。')}", f"{local}@{domain.title()}", *wide]


def test_every_spelling_of_an_address_counts_as_the_same_account(app, shop, throttled):
    browser = Browser(app)
    token = browser.get("/sign-in").form().values["csrf_token"]
    answers = [
        browser.client.post("/sign-in", data={"csrf_token": token, "email": spelling, "password": "not it"}).status_code
        for spelling in spellings(shop.email)
    ]
    assert answers[:10] == [422] * 10
    assert set(answers[10:]) == {429}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"])
def test_a_made_up_network_address_brings_no_new_tries(app, shop, throttled, header):
    browser = Browser(app)
    token = browser.get("/sign-in").form().values["csrf_token"]
    answers = []
    for number in range(101):
        form = {"csrf_token": token, "email": f"nobody-{secrets.token_hex(4)}@example.com", "password": ""}
        answers.append(browser.client.post("/sign-in", data=form, headers={header: f"203.0.113.{number}"}).status_code)
    assert answers[99] == 422 and answers[100] == 429


def test_behind_our_own_proxy_the_last_address_counts_and_what_the_visitor_wrote_before_it_does_not(
    app, environment, throttled, monkeypatch
):
    from core.kernel.config import settings
    from wsgi import create_app

    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    settings.cache_clear()
    behind = create_app(TESTING=True)
    monkeypatch.undo()
    settings.cache_clear()

    def answers(address):
        browser = Browser(behind)
        token = browser.get("/sign-in").form().values["csrf_token"]
        found = []
        for number in range(101):
            headers = {"X-Forwarded-For": f"198.51.100.{number}, {address}"}
            form = {"csrf_token": token, "email": f"nobody-{secrets.token_hex(4)}@example.com"}
            found.append(browser.client.post("/sign-in", data=form, headers=headers).status_code)
        return found

    assert answers("203.0.113.7")[-2:] == [422, 429]
    assert answers("203.0.113.8")[0] == 422, "another visitor has tries of their own"


def test_asking_the_processor_again_and_again_has_an_end(app, shop, throttled):
    from core.payments.start import payment_token
    from tests.factories import make_payment

    payment = make_payment(shop)
    with app.app_context():
        path = f"/checkout/{payment_token(shop.vendor, payment)}/return"
    client = Browser(app).client
    assert [client.get(path).status_code for _ in range(121)][-2:] == [303, 429]


def statements(app, browser, path, form) -> list[str]:
    """What PostgreSQL is asked while one request is answered, without the values."""
    asked: list[str] = []

    def listen(_connection, _cursor, statement, *_rest):
        asked.append(statement)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", listen)
    try:
        browser.client.post(path, data=form)
    finally:
        with app.app_context():
            event.remove(db.engine, "before_cursor_execute", listen)
    return asked


def test_asking_for_a_new_password_is_the_same_work_for_anybody(app, shop, work):
    browser = Browser(app)
    token = browser.get("/reset-password").form().values["csrf_token"]
    known, unknown = (
        statements(app, browser, "/reset-password", {"csrf_token": token, "email": email})
        for email in (shop.email, f"nobody-{secrets.token_hex(4)}@example.com")
    )
    assert known == unknown
    work()
    assert "/reset-password/" in browser.get(f"/outbox?address={shop.email}").html, "the worker has written to the one who exists"


def test_a_wrong_password_is_the_same_work_as_an_unknown_address(app, shop):
    browser = Browser(app)
    token = browser.get("/sign-in").form().values["csrf_token"]
    known, unknown = (
        statements(app, browser, "/sign-in", {"csrf_token": token, "email": email, "password": "not the password"})
        for email in (shop.email, f"nobody-{secrets.token_hex(4)}@example.com")
    )
    assert known == unknown
