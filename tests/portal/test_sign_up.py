"""Signing up, and proving the address afterwards."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from flask import Flask

from core.accounts.models import EmailLink
from core.accounts.queries import find_user
from core.kernel.db import db
from core.kernel.signing import make_token
from core.notifications.models import Message
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_shop

FORM = {"business": "Harbour Books", "country": "IE", "currency": "EUR", "password": PASSWORD}


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def sign_up(browser: Browser, *, status: int = 200, **changes: str) -> Page:
    return browser.submit(browser.get("/sign-up").form(), status=status, **{**FORM, "email": new_address(), **changes})


def letters(app: Flask, address: str) -> list[Message]:
    with app.app_context():
        return list(db.session.scalars(db.select(Message).where(Message.recipient == address).order_by(Message.created_at)))


def verification_path(app: Flask, address: str) -> str:
    """The path in the newest verification message, made as the worker makes it."""
    with app.app_context():
        user = find_user(address)
        assert user
        link = db.session.scalars(db.select(EmailLink).where(EmailLink.user_id == user.id).order_by(EmailLink.created_at.desc())).first()
        assert link
        token = make_token(link.purpose, vendor="vnd_any", mode="test", token_id=link.token_id, expires_at=link.expires_at)
        return f"/verify-email/{token}"


def test_a_business_signs_up_signs_in_and_confirms_its_address(app: Flask, stranger: Browser) -> None:
    email = new_address()
    inbox = sign_up(stranger, email=email)
    assert inbox.heading == "Check your inbox"
    home = stranger.submit(inbox.form("/sign-in"), password=PASSWORD)
    assert home.heading == "Home" and "Please confirm your e-mail address" in home.text
    question = stranger.get(verification_path(app, email))
    assert email in question.text
    done = stranger.submit(question.form())
    assert "Your e-mail address is confirmed" in done.text and "Please confirm" not in done.text


def test_looking_at_the_link_does_not_use_it_up(app: Flask, shop: Shop) -> None:
    browser = make_shop(app, verified=False).browser()
    browser.submit(browser.get("/portal/").form("/portal/verification"))
    address = re.search(r"[\w-]+@example\.com", browser.get("/portal/settings").html)
    assert address
    path = verification_path(app, address.group())
    browser.get(path)
    assert browser.submit(browser.get(path).form()).status == 200
    assert "is confirmed already" in browser.get(path).text
    assert "is confirmed already" in Browser(app).get(path).text
    assert browser.get(path[:-3], status=404).heading == "This link is not valid"


def test_a_known_address_reads_the_same_page_and_hears_about_it_by_mail(app: Flask, shop: Shop, stranger: Browser) -> None:
    known, unknown = sign_up(stranger, email=shop.email), sign_up(Browser(app), email=new_address())
    scrub = lambda page: re.sub(r"[\w-]+@example\.com|nonce-\S+|\b[\w.-]{40,}", "", page.text)  # noqa: E731
    assert (known.status, known.title, scrub(known)) == (unknown.status, unknown.title, scrub(unknown))
    assert [letter.kind for letter in letters(app, shop.email)] == ["reset_password"]


def test_what_was_typed_is_kept_when_something_is_wrong(stranger: Browser) -> None:
    page = sign_up(stranger, status=422, email="nonsense", password="password")
    form = page.form("/sign-up")
    assert form.values["business"] == "Harbour Books" and form.values["country"] == "IE" and form.values["email"] == "nonsense"
    assert form.values["password"] == "", "a password is never sent back"
    assert page.title.startswith("Error: ") and len(page.error_summary) >= 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"business": ""}, "name your customers know"),
        ({"country": ""}, "Choose the country"),
        ({"country": "XX"}, "Choose a country"),
        ({"currency": "XXX"}, "currency from the list"),
        ({"email": "ada@"}, "name@example.com"),
        ({"password": "12345678"}, "password"),
        ({"password": "x" * 129}, "128"),
        ({"business": "nul\x00byte"}, "NUL"),
        ({"business": "x" * 121}, "120 characters"),
    ],
)
def test_each_mistake_is_said_at_its_field(stranger: Browser, changes: dict[str, str], said: str) -> None:
    assert any(said in error for error in sign_up(stranger, status=422, **changes).errors)


def test_a_signed_in_person_is_taken_home(owner: Browser) -> None:
    assert owner.get("/sign-up").heading == "Home"


def test_the_worker_writes_the_message_with_a_link_that_works(app: Flask, stranger: Browser, work: Callable[[], int]) -> None:
    email = new_address()
    sign_up(stranger, email=email)
    work()
    (letter,) = letters(app, email)
    assert letter.state == "kept" and letter.text
    path = re.search(r"/verify-email/\S+", letter.text)
    assert path
    assert stranger.get(path.group()).heading == "Confirm your e-mail address"


def test_everything_that_is_wrong_is_named_at_once(stranger: Browser) -> None:
    page = sign_up(stranger, status=422, business="  ", email="nobody", password="short")
    assert len(page.error_summary) >= 1 and len(page.errors) == 3
    assert any("at least 8 characters" in error for error in page.errors)
