"""Asks for the messages that belong to a person's own account, in the language in which that person is reading."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from core.accounts.models import EmailLink, Invitation, User, Vendor
from core.accounts.queries import find_employer
from core.kernel.config import settings
from core.notifications.notify import notify
from core.web.languages import language

KIND = {"email-verify": "verify_email", "password-reset": "reset_password"}
OWN_MACHINE = ("127.0.0.1", "::1", "localhost")
MODE = "test"  # people belong to neither world; their messages are kept in the one that every account has


def send_link(user: User, link: EmailLink) -> None:
    """The single-use link goes to the address it was made for."""
    vendor = find_employer(user)
    if vendor:
        notify(vendor, KIND[link.purpose], mode=MODE, to=link.email, locale=language(), user=user.public_id, token=link.token_id)


def send_invitation(vendor: Vendor, invitation: Invitation) -> None:
    """The single-use link to join a team."""
    notify(vendor, "invitation", mode=MODE, to=invitation.email, locale=language(), invitation=invitation.public_id)


def tell_password_changed(user: User) -> None:
    vendor = find_employer(user)
    if vendor:
        notify(vendor, "password_changed", mode=MODE, to=user.email, locale=language(), user=user.public_id)


def tell_second_step(user: User, what: str) -> None:
    """Somebody's two-step sign-in has changed: `on`, `off`, `taken_off`, `codes` or `recovery`. Staff have no letters: the log tells them."""
    vendor = find_employer(user)
    if vendor:
        notify(vendor, "second_step", mode=MODE, to=user.email, locale=language(), user=user.public_id, what=what)


def tell_recovery_code_used(user: User) -> None:
    tell_second_step(user, "recovery")


def may_be_read_by_anybody() -> bool:
    """Only in a demo on one's own machine: letters hold links that open accounts, so no other address ever shows them openly."""
    host = urlsplit(settings().public_url).hostname
    return is_kept_here() and host in OWN_MACHINE and request.remote_addr in OWN_MACHINE


def is_kept_here() -> bool:
    """Whether messages stay in this demo instead of leaving by a mail server."""
    return settings().demo and not settings().smtp_url
