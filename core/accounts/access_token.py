"""Access tokens: short-lived JWTs (RFC 9068) under HMAC-SHA256 by which an app says for whom it acts. Ours to make and ours alone to read.

The token says who; whether that sign-in still counts is for its row to say, on every call. So ending a sign-in ends its tokens at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.errors import Refusal
from core.kernel.keyed import derive, key_ids

ALGORITHM, KIND, PURPOSE = "HS256", "at+jwt", "access-token"
LIFE = timedelta(minutes=10)
LONGEST = 2000  # letters; ours have about five hundred
CLAIMS = ["iss", "aud", "sub", "sid", "mode", "iat", "exp", "jti"]


class AccessRefused(Refusal):
    """An access token that opens nothing: none of ours, altered, or of an app that was signed out."""

    code = "token_refused"
    status = 401


class AccessExpired(Refusal):
    """An access token that has run out, as it does after ten minutes."""

    code = "token_expired"
    status = 401


@dataclass(frozen=True, slots=True)
class Access:
    """What a good token says."""

    person: str  # usr_...
    session: str
    mode: str


def looks_like_access(text: str) -> bool:
    """Whether it has the shape of a JWT, whoever made it. A key never has."""
    return text.startswith("eyJ") and text.count(".") == 2


def make_access(*, person: str, session: str, mode: str) -> str:
    """For ten minutes, signed with a key that follows from the newest of the ring."""
    import jwt  # brings a library of megabytes with it, so it is loaded with the first token

    at, kid = int(now().timestamp()), key_ids()[0]
    claims = {
        "iss": settings().public_url, "aud": audience(), "sub": person, "sid": session, "mode": mode, "iat": at,
        "exp": at + int(LIFE.total_seconds()), "jti": secrets.token_urlsafe(12),
    }  # fmt: skip
    return jwt.encode(claims, derive(PURPOSE, kid), algorithm=ALGORITHM, headers={"kid": kid, "typ": KIND})


def read_access(text: str) -> Access:
    """Check signature, key, kind, issuer and audience, then the time. Raises AccessRefused or AccessExpired; reads any key of the ring."""
    import jwt

    try:
        header = jwt.get_unverified_header(text) if len(text) <= LONGEST else {}
        if header.get("typ") != KIND:
            raise AccessRefused("This access token opens nothing. Sign in again.")
        claims = jwt.decode(
            text, derive(PURPOSE, header.get("kid", "")), algorithms=[ALGORITHM], audience=audience(), issuer=settings().public_url,
            options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
    except (jwt.InvalidTokenError, KeyError):
        raise AccessRefused("This access token opens nothing. Sign in again.") from None
    if now().timestamp() >= claims["exp"]:  # by our own clock, not the library's
        raise AccessExpired("This access token has run out. Get another one with the refresh token.")
    return Access(claims["sub"], claims["sid"], claims["mode"])


def audience() -> str:
    """For whom it is: nothing but the API reads it."""
    return f"{settings().public_url}/api/v1"
