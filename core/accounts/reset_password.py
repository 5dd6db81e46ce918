"""Choosing a new password through a link sent by e-mail."""

from __future__ import annotations

import uuid

from core.accounts.email_links import make_link, open_link, withdraw_links
from core.accounts.models import EmailLink, User
from core.accounts.passwords import check_strength, hash_password
from core.accounts.queries import find_employer, find_membership, find_user
from core.accounts.sessions import end_all_sessions
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.outbox import enqueue

NOBODY = uuid.UUID(int=0)  # whose task it is cannot be known before the address is looked up


def plan_reset_link(email: str, *, locale: str = "en") -> None:
    """Have a worker send a link to whoever has this address, in the language of the asker. Known or not, the asker waits for the same one row to be written."""
    enqueue("send_reset_link", NOBODY, queue="messages", email=email, locale=locale)


def ask_to_reset(email: str) -> tuple[User, EmailLink] | None:
    """A link to send, good for one hour; None when nobody has this address. The door answers both with the same words."""
    user = find_user(email)
    if user is None or find_membership(user) is None:
        return None
    return user, make_link(user, "password-reset")


def reset_password(token: str, *, password: str) -> User:
    """The new password counts from now and every session of the person ends. Refuses a weak one; the link then stays good.

    Raises TokenRefused for a link that does not count. Who could open the message owns the address, so it is verified too.
    """
    link, user = open_link("password-reset", token)
    employer = find_employer(user)
    check_strength(password, about=(user.email, user.name, employer.name if employer else ""))
    at = now()
    user.password_hash, user.password_changed_at = hash_password(password), at
    user.email_verified_at = user.email_verified_at or at
    link.used_at = at
    withdraw_links(user, "password-reset")
    end_all_sessions(user, reason="password changed")
    if employer:
        audit.record(employer.id, actor=user.public_id, action="user.reset_password", subject=user.public_id)
    return user
