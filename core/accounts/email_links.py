"""Single-use links sent by e-mail: made for one purpose, opened once, worthless afterwards."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from core.accounts.models import EmailLink, User
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.ids import public_id
from core.kernel.signing import TokenRefused, read_token

LIFE = {"email-verify": timedelta(days=3), "password-reset": timedelta(hours=1)}


def make_link(user: User, purpose: str) -> EmailLink:
    """A new link. Older ones of the same purpose stop working, so only the newest message counts."""
    at = now()
    withdraw_links(user, purpose)
    link = EmailLink(
        token_id=public_id("eml"), purpose=purpose, user_id=user.id, email=user.email,
        created_at=at, expires_at=at + LIFE[purpose], used_at=None,
    )  # fmt: skip
    db.session.add(link)
    return link


def withdraw_links(user: User, purpose: str) -> None:
    """Every unused link of this purpose stops working."""
    db.session.execute(
        update(EmailLink)
        .where(EmailLink.user_id == user.id, EmailLink.purpose == purpose, EmailLink.used_at.is_(None))
        .values(used_at=now())
        .execution_options(synchronize_session="fetch")
    )


def open_link(purpose: str, token: str) -> tuple[EmailLink, User]:
    """The row and the person behind a signed token, both locked. Raises TokenRefused when it is altered, used, old or no longer theirs."""
    claims = read_token(purpose, token)
    link = locked(EmailLink, claims.token_id)
    if link is None or link.purpose != purpose or link.used_at is not None or link.expires_at < now():
        raise TokenRefused("expired")
    user = locked(User, link.user_id)
    if user is None or user.email != link.email:
        raise TokenRefused("expired")
    return link, user
