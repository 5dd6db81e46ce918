"""Asks for the messages that belong to a person's own account."""

from __future__ import annotations

from core.accounts.models import EmailLink, User
from core.accounts.queries import find_employer
from core.kernel.config import settings
from core.notifications.notify import notify

KIND = {"email-verify": "verify_email", "password-reset": "reset_password"}
MODE = "test"  # people belong to neither world; their messages are kept in the one that every account has


def send_link(user: User, link: EmailLink) -> None:
    """The single-use link goes to the address it was made for."""
    vendor = find_employer(user)
    if vendor:
        notify(vendor, KIND[link.purpose], mode=MODE, to=link.email, user=user.public_id, token=link.token_id)


def tell_password_changed(user: User) -> None:
    vendor = find_employer(user)
    if vendor:
        notify(vendor, "password_changed", mode=MODE, to=user.email, user=user.public_id)


def is_kept_here() -> bool:
    """Whether messages stay in this demo instead of leaving by a mail server."""
    return settings().demo and not settings().smtp_url
