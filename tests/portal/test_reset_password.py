"""Choosing a new password through a link sent by e-mail."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from core.kernel.db import db
from core.notifications.models import Message
from tests.browser import Browser
from tests.factories import PASSWORD, Shop


def link_in_mail(app: Flask, shop: Shop, work: Callable[[], int]) -> str:
    """The path that the newest letter to the owner leads to."""
    work()
    with app.app_context():
        newest = (
            db.select(Message).where(Message.recipient == shop.email, Message.kind == "reset_password").order_by(Message.created_at.desc())
        )
        letter = db.session.scalars(newest).first()
        assert letter and letter.text, letter and (letter.state, letter.last_error)
        found = re.search(r"/reset-password/\S+", letter.text)
        assert found
        return found.group()


def ask(browser: Browser, email: str) -> str:
    return browser.submit(browser.get("/reset-password").form(), email=email).text


def test_a_forgotten_password_is_replaced(app: Flask, shop: Shop, stranger: Browser, work: Callable[[], int]) -> None:
    ask(stranger, shop.email)
    path = link_in_mail(app, shop, work)
    signed_in = shop.browser()
    assert signed_in.get("/portal/").heading == "Home"
    done = stranger.submit(stranger.get(path).form(), password="quiet-Lantern-31")
    assert done.heading == "Sign in" and "every device was signed out" in done.text
    assert signed_in.get("/portal/").heading == "Sign in"
    assert stranger.submit(done.form(), email=shop.email, password="quiet-Lantern-31").heading == "Home"
    over = stranger.get(path, status=404)
    assert over.heading == "This link is not valid"
    assert any(one.text == "Ask for a new link" and one.attrs["href"] == "/reset-password" for one in over.all("a"))
    work()
    with app.app_context():
        assert "password_changed" in {m.kind for m in db.session.scalars(db.select(Message).where(Message.recipient == shop.email))}


def test_the_old_password_no_longer_works(app: Flask, shop: Shop, stranger: Browser, work: Callable[[], int]) -> None:
    ask(stranger, shop.email)
    stranger.submit(stranger.get(link_in_mail(app, shop, work)).form(), password="quiet-Lantern-31")
    stranger.submit(stranger.get("/sign-in").form(), email=shop.email, password=PASSWORD, status=422)


def test_a_weak_password_is_refused_and_the_link_stays_good(app: Flask, shop: Shop, stranger: Browser, work: Callable[[], int]) -> None:
    ask(stranger, shop.email)
    page = stranger.get(link_in_mail(app, shop, work))
    refused = stranger.submit(page.form(), password="password", status=422)
    assert refused.errors
    assert stranger.submit(refused.form(), password="quiet-Lantern-31").heading == "Sign in"


def test_an_unknown_address_reads_the_same(shop: Shop, stranger: Browser) -> None:
    known, unknown = ask(stranger, shop.email), ask(stranger, "nobody@example.com")
    assert known.replace(shop.email, "") == unknown.replace("nobody@example.com", "")


def test_the_second_post_of_a_used_link_is_told_so(app: Flask, shop: Shop, stranger: Browser, work: Callable[[], int]) -> None:
    ask(stranger, shop.email)
    form = stranger.get(link_in_mail(app, shop, work)).form()
    stranger.submit(form, password="quiet-Lantern-31")
    form = form.page.form()
    form.values["csrf_token"] = stranger.get("/sign-in").form().values["csrf_token"]
    assert stranger.submit(form, password="other-Lantern-32", status=404).heading == "This link is not valid"


@pytest.mark.parametrize(
    "mangle", [lambda t: t[:-1], lambda t: t + "=", lambda t: t[:10] + "x" + t[11:], lambda t: t.upper(), lambda t: "x" * 2000]
)
def test_an_altered_link_opens_nothing(
    app: Flask, shop: Shop, stranger: Browser, work: Callable[[], int], mangle: Callable[[str], str]
) -> None:
    ask(stranger, shop.email)
    token = link_in_mail(app, shop, work).removeprefix("/reset-password/")
    page = stranger.get(f"/reset-password/{mangle(token)}", status=404)
    assert shop.vendor.name not in page.html and shop.email not in page.html


def test_in_the_demo_somebody_who_cannot_sign_in_reads_the_letter(shop: Shop, stranger: Browser, work: Callable[[], int]) -> None:
    page = stranger.submit(stranger.get("/reset-password").form(), email=shop.email)
    work()
    outbox = stranger.get(next(link for link in page.links() if "/outbox" in link))
    assert re.search(r'<a href="[^"]+/reset-password/[^"]+">', outbox.html)
