"""A house with a name, and what people and their devices do with passkeys at its doors."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from flask import Flask

from core.kernel import audit, config
from core.kernel.db import db
from core.notifications.models import Message
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, unit
from tests.passkeys import Authenticator

HERE, NAME = "https://pay.example.com", "pay.example.com"
REFUSED = "That passkey could not be used here, or it took too long. Try again, or sign in another way."


def device(**made: Any) -> Authenticator:
    return Authenticator(**{"origin": HERE, "rp": NAME, **made})


def ask(browser: Browser, page: Page, path: str, **values: str) -> dict[str, Any]:
    """The question, as the script fetches it from a page with a form token."""
    token = next(e.attrs["value"] for e in page.all("input") if e.attrs.get("name") == "csrf_token")
    answer = browser.client.post(path, data={"csrf_token": token, **values})
    assert answer.status_code == 200 and answer.mimetype == "application/json", answer.text
    told: dict[str, Any] = json.loads(answer.text)
    return told


def add(browser: Browser, key: Authenticator, *, name: str = "Work phone", at: str = "/portal", status: int = 200, **said: Any) -> Page:
    page = browser.submit(browser.get(f"{at}/two-step").form(f"{at}/two-step/passkeys"))
    options = ask(browser, page, f"{at}/two-step/passkeys/question", name=name)
    return browser.submit(page.form(f"{at}/two-step/passkeys/new"), name=name, passkey=key.make(options, **said), status=status)


def half_in(browser: Browser, shop: Shop) -> Page:
    page = browser.get("/sign-in")
    return browser.submit(page.form("/sign-in"), email=shop.email, password=PASSWORD)


def second(browser: Browser, page: Page, key: Authenticator, **said: Any) -> Page:
    options = ask(browser, page, "/sign-in/code/passkey/question")
    return browser.submit(page.form("/sign-in/code/passkey"), passkey=key.sign(options, **said))


def alone(browser: Browser, key: Authenticator, **said: Any) -> Page:
    page = browser.get("/sign-in")
    options = ask(browser, page, "/sign-in/passkey/question")
    return browser.submit(page.form("/sign-in/passkey"), passkey=key.sign(options, **said))


def letters(shop: Shop) -> list[str]:
    with unit(shop.app):
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").order_by(Message.id)
        return [message.params["what"] for message in found]


def actions(shop: Shop) -> list[str]:
    with unit(shop.app):
        found = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id).order_by(audit.AuditEntry.id)
        return [entry.action for entry in found if entry.action.startswith(("passkey.", "second_factor."))]


@pytest.fixture
def named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own address is a number, for which no browser keeps a passkey: here the house has a name."""
    changed = dataclasses.replace(config.settings(), public_url=HERE)
    monkeypatch.setattr("core.accounts.passkey_proof.settings", lambda: changed)


@pytest.fixture
def key(owner: Browser) -> Authenticator:
    """The owner's first passkey."""
    made = device()
    assert add(owner, made).heading == "Your recovery codes"
    return made
