"""Proving that an e-mail address is the person's own."""

from __future__ import annotations

from core.accounts.email_links import make_link, open_link
from core.accounts.models import EmailLink, User
from core.accounts.queries import find_membership
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.signing import TokenRefused, read_token


def ask_to_verify(user: User) -> EmailLink | None:
    """A fresh link to send, good for three days; None when the address is verified already."""
    return None if user.email_verified_at else make_link(user, "email-verify")


def was_confirmed(token: str) -> bool:
    """Whether this is a link of ours, used or overtaken, whose address has been confirmed since."""
    try:
        link = db.session.get(EmailLink, read_token("email-verify", token).token_id)
    except TokenRefused:
        return False
    user = db.session.get(User, link.user_id) if link else None
    return bool(link and user and user.email == link.email and user.email_verified_at)


def verify_email(token: str) -> User:
    """The address is theirs. Raises TokenRefused for a link that does not count."""
    link, user = open_link("email-verify", token)
    link.used_at = now()
    user.email_verified_at = user.email_verified_at or link.used_at
    membership = find_membership(user)
    if membership:
        audit.record(membership.vendor_id, actor=user.public_id, action="user.verified_email", subject=user.public_id)
    return user
