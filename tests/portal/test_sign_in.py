"""Signing in and out, and what a session is worth."""

from __future__ import annotations

import re
import secrets

import pytest
from flask import Flask

from core.web import throttle
from core.web.throttle import limiter
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_shop


def sign_in(browser: Browser, email: str, password: str = PASSWORD, *, status: int = 200, at: str = "/sign-in") -> Page:
    return browser.submit(browser.get(at).form(), email=email, password=password, status=status)


def test_the_right_pair_leads_home(shop: Shop, stranger: Browser) -> None:
    assert sign_in(stranger, shop.email).heading == "Home"


def test_the_address_may_be_typed_in_capitals(shop: Shop, stranger: Browser) -> None:
    assert sign_in(stranger, shop.email.upper()).heading == "Home"


def test_a_wrong_password_and_an_unknown_address_read_the_same(shop: Shop, stranger: Browser) -> None:
    wrong = sign_in(stranger, shop.email, "wrong", status=422)
    unknown = sign_in(stranger, "nobody@example.com", "wrong", status=422)
    assert wrong.error_summary == unknown.error_summary == ["The e-mail address or the password is not right."]
    assert wrong.form().values["email"] == shop.email, "what was typed is kept"


def test_a_page_asked_for_comes_after_signing_in(shop: Shop, stranger: Browser) -> None:
    asked = stranger.get("/portal/payments?status=succeeded")
    assert asked.heading == "Sign in"
    arrived = stranger.submit(asked.form(), email=shop.email, password=PASSWORD)
    assert arrived.heading == "Payments" and arrived.address.endswith("/portal/payments?status=succeeded")


@pytest.mark.parametrize("goal", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/%0d%0aX: y"])
def test_signing_in_never_leads_off_this_site(shop: Shop, stranger: Browser, goal: str) -> None:
    page = stranger.submit(stranger.get("/sign-in").form(), email=shop.email, password=PASSWORD, follow=False, status=303)
    assert page.response.headers["Location"] == "/portal/"
    again = Browser(shop.app)
    page = again.post(
        f"/sign-in?next={goal}", {**again.get("/sign-in").form().values, "email": shop.email, "password": PASSWORD}, follow=False
    )
    assert page.response.headers["Location"].startswith("/") and "evil" not in page.response.headers["Location"]


def test_signing_in_gives_a_new_session_and_ends_the_one_before(shop: Shop) -> None:
    browser = shop.browser()
    token = browser.get("/portal/settings").form("/sign-out").values["csrf_token"]
    answer = browser.client.post("/sign-in", data={"csrf_token": token, "email": shop.email, "password": PASSWORD})
    assert answer.status_code == 303
    assert browser.client.get_cookie("seat").value != shop.secret
    assert Browser(shop.app, seat=shop.secret).get("/portal/").heading == "Sign in"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(shop: Shop, stranger: Browser) -> None:
    page = stranger.submit(stranger.get("/sign-in").form(), email=shop.email, password=PASSWORD, follow=False, status=303)
    cookie = next(text for text in page.response.headers.getlist("Set-Cookie") if text.startswith("seat="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_signing_out_ends_the_session_itself(shop: Shop, owner: Browser) -> None:
    gone = owner.submit(owner.get("/portal/").form("/sign-out"))
    assert gone.heading == "Sign in" and "You are signed out." in gone.text
    assert Browser(shop.app, seat=shop.secret).get("/portal/").heading == "Sign in"


def test_signing_out_everywhere_reaches_every_browser(shop: Shop, owner: Browser, stranger: Browser) -> None:
    sign_in(stranger, shop.email)
    gone = owner.submit(owner.get("/portal/settings").form("/sign-out-everywhere"))
    assert "all 2 devices" in gone.text
    assert stranger.get("/portal/").heading == "Sign in"


@pytest.mark.parametrize("secret", ["", "x", "a" * 3000, "'; DROP TABLE users; --"])
def test_a_cookie_we_did_not_give_is_nobody(app: Flask, secret: str) -> None:
    assert Browser(app, seat=secret).get("/portal/").heading == "Sign in"


def test_signing_out_needs_its_token(owner: Browser) -> None:
    owner.post("/sign-out", status=400)
    assert owner.get("/portal/").heading == "Home"


def test_htmx_is_sent_to_the_whole_sign_in_page(stranger: Browser) -> None:
    answer = stranger.client.get("/portal/payments", headers={"HX-Request": "true"})
    assert answer.status_code == 204 and answer.headers["HX-Redirect"].startswith("/sign-in")


class TestThrottling:
    """The counters are in Redis; here they are on."""

    @pytest.fixture(autouse=True)
    def throttled(self, unthrottled: None) -> None:
        limiter.enabled = True
        limiter.reset()

    def test_an_account_is_tried_ten_times_and_then_waits_whether_it_exists_or_not(self, app: Flask) -> None:
        for email in (make_shop(app).email, f"{secrets.token_hex(6)}@example.com"):
            browser = Browser(app)
            form = browser.get("/sign-in").form()
            codes = [browser.submit(form, email=email, password="wrong", status=None).status for _ in range(12)]
            assert codes == [422] * 10 + [429] * 2

    def test_waiting_is_explained_and_says_how_long(self, app: Flask) -> None:
        browser, email = Browser(app), f"{secrets.token_hex(6)}@example.com"
        form = browser.get("/sign-in").form()
        for _ in range(10):
            browser.submit(form, email=email, password="wrong", status=422)
        page = browser.submit(form, email=email, password="wrong", status=429)
        assert page.heading == "Too many attempts" and int(page.response.headers["Retry-After"]) > 0
        assert re.search(r"wait 1[45] minutes", page.text)

    def test_the_right_password_waits_too(self, app: Flask) -> None:
        shop, browser = make_shop(app), Browser(app)
        form = browser.get("/sign-in").form()
        for _ in range(10):
            browser.submit(form, email=shop.email.upper(), password="wrong", status=422)
        browser.submit(form, email=shop.email, password=PASSWORD, status=429)

    def test_pages_are_not_counted(self, app: Flask) -> None:
        browser = Browser(app)
        for _ in range(15):
            browser.get("/sign-in")

    def test_without_redis_people_still_sign_in(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(*_: object, **__: object) -> None:
            raise ConnectionError("Redis is away")

        shop = make_shop(app)
        monkeypatch.setattr(type(limiter.storage), "acquire_entry", gone)
        monkeypatch.setitem(throttle._away, "until", 0)
        assert sign_in(Browser(app), shop.email).heading == "Home"
