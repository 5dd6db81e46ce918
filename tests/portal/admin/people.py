"""Somebody of the staff, made through the real acts, with a browser in which they are signed in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Flask

from core.accounts.queries import find_user
from core.accounts.staff import add_staff
from core.accounts.staff_models import StaffMember
from core.accounts.staff_sessions import begin_staff_session
from tests.browser import Browser, Page
from tests.factories import unit
from tests.second_step import Device, set_up

STAFF_PASSWORD = "granite-Lantern-71-orbit"


@dataclass(frozen=True)
class Colleague:
    """A member of the staff and the secret of their browser."""

    app: Flask
    member: StaffMember
    email: str
    secret: str
    device: Device | None

    def browser(self) -> Browser:
        return Browser(self.app, staff=self.secret)


def make_staff(app: Flask, role: str = "superuser", *, device: bool = True) -> Colleague:
    """With two-step sign-in set up, as it is asked of all staff; `device=False` is somebody who has not come yet."""
    email = f"staff-{secrets.token_hex(6)}@example.com"
    with unit(app):
        member = add_staff(email, role=role, password=STAFF_PASSWORD)
        user = find_user(email)
    assert user
    phone = set_up(app, user) if device else None
    with unit(app):
        secret = begin_staff_session(member, address="127.0.0.1", agent="Test")
    return Colleague(app, member, email, secret, phone)


WHY = "The owner rang about a refund"


def look_into(browser: Browser, path: str) -> Page:
    """A page with a vendor's rows, with the reason given where it is asked for."""
    page = browser.get(path)
    return browser.submit(page.form(), reason=WHY) if page.heading.startswith("Look into") else page
