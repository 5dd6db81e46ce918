"""Behind TLS the cookies belong to this host alone, and browsers are told to come back the same way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask, request

from core.kernel import config
from core.kernel.db import db
from tests.browser import Browser
from tests.factories import PASSWORD, make_shop
from wsgi import create_app


@pytest.fixture
def secure_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The same application as it is made when its public address is an https one."""
    changed = dataclasses.replace(config.settings(), public_url="https://pay.example.com", proxies=1)
    for module in ("core.web.guard", "core.web.headers", "core.web.throttle", "portal.mail", "wsgi"):
        monkeypatch.setattr(f"{module}.settings", lambda: changed)
    made = create_app(TESTING=True, PREFERRED_URL_SCHEME="https")
    yield made
    with made.app_context():
        db.engine.dispose()


def test_the_session_cookie_belongs_to_this_host_and_to_tls(secure_app: Flask) -> None:
    shop = make_shop(secure_app)
    client = secure_app.test_client()
    page = client.get("/sign-in", base_url="https://pay.example.com")
    token = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    values = {"csrf_token": token, "email": shop.email, "password": PASSWORD}
    answer = client.post("/sign-in", data=values, base_url="https://pay.example.com")
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    seat = next(cookie for cookie in cookies if cookie.startswith("__Host-seat="))
    assert "Secure" in seat and "HttpOnly" in seat and "Path=/" in seat and "Domain" not in seat
    assert any(cookie.startswith("__Host-form=") and "Secure" in cookie for cookie in [*cookies, *page.headers.getlist("Set-Cookie")])
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert "Home" in client.get("/portal/", base_url="https://pay.example.com").text


def test_a_trusted_proxy_says_where_a_visitor_comes_from(secure_app: Flask) -> None:
    with secure_app.test_client() as client:
        client.get("/healthz", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
        assert request.remote_addr == "203.0.113.9", "what the proxy itself wrote, not what the visitor claimed"


def test_without_one_nobody_is_believed(app: Flask) -> None:
    with app.test_client() as client:
        client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
        assert request.remote_addr == "127.0.0.1"


def test_letters_are_never_open_on_a_public_address(secure_app: Flask) -> None:
    assert Browser(secure_app).get("/outbox?address=a@example.com", status=404).status == 404
