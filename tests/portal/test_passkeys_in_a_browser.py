"""Passkeys as people use them: Chromium with a device that makes and keeps them, added, used after the password and alone, answered with, removed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.accounts.models import User, UserSession
from core.kernel import config
from core.kernel.clock import now
from core.kernel.db import db
from tests.factories import PASSWORD, Shop, make_shop, unit
from tests.sight import sound_on_both

Visit = Callable[..., Page]


@pytest.fixture
def here(live_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same server by a name: for a number no browser keeps a passkey."""
    named = live_server.replace("127.0.0.1", "localhost")
    changed = dataclasses.replace(config.settings(), public_url=named)
    monkeypatch.setattr("core.accounts.passkey_proof.settings", lambda: changed)
    return named


class Device:
    """Chromium's own pretend device, told what to do through the protocol of its developer tools."""

    def __init__(self, page: Page) -> None:
        self.tools = page.context.new_cdp_session(page)
        self.tools.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
        self.id = self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": kind})["authenticatorId"]

    def verifies(self, yes: bool) -> None:
        self.tools.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})

    def keys(self) -> list[Any]:
        return list(self.tools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"])


def give_password(page: Page, shop: Shop, here: str) -> None:
    page.goto(f"{here}/sign-in")
    page.get_by_label("E-mail address").fill(shop.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def add(page: Page, here: str, name: str) -> None:
    page.goto(f"{here}/portal/two-step")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add it").click()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_passkey_is_added_used_in_both_ways_and_removed(visitor: Visit, app: Flask, here: str, phone: bool) -> None:
    shop = make_shop(app)
    page = visitor(phone=phone)
    device = Device(page)
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    add(page, here, "This computer")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    [kept] = device.keys()
    assert kept["isResidentCredential"] and kept["rpId"] == "localhost"
    sign_out(page)

    give_password(page, shop, here)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    sign_out(page)

    page.goto(f"{here}/sign-in?next=/portal/two-step")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
    expect(page.get_by_text("last used")).to_be_visible()

    page.get_by_text("Rename", exact=True).click()
    page.get_by_role("textbox", name="Name").fill("My computer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My computer")).to_be_visible()
    page.get_by_text("Remove", exact=True).click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("That passkey could not be used here")).to_be_visible()
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_a_device_that_says_no_leaves_everything_as_it_was(visitor: Visit, app: Flask, here: str) -> None:
    shop = make_shop(app)
    page = visitor()
    device = Device(page)
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    add(page, here, "")
    expect(page.get_by_role("alert")).to_have_text("Give it a name.")
    assert not device.keys()
    page.get_by_label("Name").fill("This computer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    add(page, here, "Once more")
    expect(page.get_by_role("alert")).to_contain_text("That did not work, or it was called off"), "this device has one already"
    sign_out(page)
    device.verifies(False)
    page.goto(f"{here}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work, or it was called off")
    device.verifies(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_it_answers_when_somebody_is_asked_once_more(visitor: Visit, app: Flask, here: str) -> None:
    shop = make_shop(app)
    page = visitor()
    Device(page)
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    add(page, here, "This computer")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    with unit(app):
        db.session.query(UserSession).filter_by(user_id=shop.user.id).update({"confirmed_at": now() - timedelta(hours=1)})
    page.goto(f"{here}/portal/two-step")
    page.get_by_role("button", name="Make new recovery codes").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Go on with a passkey").click()
    expect(page.get_by_text("Your former codes open nothing any more.")).to_be_visible()


def test_without_scripts_nothing_is_offered_that_does_not_work(visitor: Visit, app: Flask, here: str) -> None:
    shop = make_shop(app)
    page = visitor(scripts=False)
    page.goto(f"{here}/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.goto(f"{here}/portal/two-step")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This browser cannot make passkeys, or it runs no scripts.")).to_be_visible()
    expect(page.get_by_role("button", name="Add it")).to_be_hidden()


def test_every_page_of_it_is_free_of_barriers_and_fits_its_screen(visitor: Visit, app: Flask, here: str) -> None:
    shop = make_shop(app)
    page, wrong = visitor(), []

    def look(name: str) -> None:
        wrong.extend(sound_on_both(page, name))

    Device(page)
    page.goto(f"{here}/sign-in")
    look("sign-in")
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.goto(f"{here}/portal/two-step")
    look("two-step, off")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    look("new passkey")
    page.get_by_label("Name").fill("")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("new passkey, no name")
    page.get_by_label("Name").fill("The telephone that lies in the drawer of the shop, mostly")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.goto(f"{here}/portal/two-step")
    look("two-step, with a passkey")
    page.get_by_text("Rename", exact=True).click()
    page.get_by_text("Remove", exact=True).click()
    look("two-step, both open")
    with unit(app):
        db.session.query(UserSession).filter_by(user_id=shop.user.id).update({"confirmed_at": now() - timedelta(hours=1)})
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    look("is it you")
    sign_out(page)
    give_password(page, shop, here)
    expect(page.get_by_role("heading", name="The second step")).to_be_visible()
    look("the second step")
    with unit(app):
        assert db.session.get_one(User, shop.user.id).second_factor_at is not None
    assert not wrong, "\n".join(map(str, wrong))
