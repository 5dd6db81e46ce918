"""Between the password and the code: a sign-in that is half done. It opens nothing but the question for the code, and for ten minutes only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from core.accounts.factor_models import HalfSignIn
from core.accounts.models import User
from core.accounts.sessions import hash_secret
from core.kernel.clock import now
from core.kernel.db import db

LIFE = timedelta(minutes=10)
PORTAL, STAFF = "portal", "staff"


@dataclass(frozen=True, slots=True)
class Half:
    """The password was right; `secret` is for the cookie."""

    user: User
    secret: str


def begin_half(user: User, door: str) -> Half:
    """Remember that this person has given the right password at this door."""
    secret, at = secrets.token_urlsafe(32), now()
    db.session.add(HalfSignIn(id=hash_secret(secret), user_id=user.id, door=door, begun_at=at, expires_at=at + LIFE, ended_at=None))
    return Half(user, secret)


def find_half(secret: str, door: str) -> tuple[HalfSignIn, User] | None:
    """Who waits to give a code; None when it was given, or took too long, or somebody has changed their password since."""
    row = db.session.execute(
        select(HalfSignIn, User)
        .join(User, User.id == HalfSignIn.user_id)
        .where(HalfSignIn.id == hash_secret(secret), HalfSignIn.door == door, HalfSignIn.ended_at.is_(None), HalfSignIn.expires_at > now())
        .where(User.password_changed_at <= HalfSignIn.begun_at, User.second_factor_at.is_not(None))
    ).one_or_none()
    return (row[0], row[1]) if row else None


def end_half(half: HalfSignIn) -> None:
    """It has become a sign-in."""
    half.ended_at = now()
