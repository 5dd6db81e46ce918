"""Signing in with e-mail address and password."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.models import Membership, User, UserSession
from core.accounts.passwords import hash_password, matches, outdated
from core.accounts.queries import find_membership, find_user
from core.accounts.sessions import begin_session
from core.kernel import audit
from core.kernel.errors import Refusal


class WrongCredentials(Refusal):
    """The pair does not fit. Which half was wrong is not said."""

    code = "wrong_credentials"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session, with the secret its cookie will hold."""

    user: User
    membership: Membership
    session: UserSession
    secret: str


def sign_in(email: str, *, password: str, address: str = "", agent: str = "") -> SignedIn:
    """A new session for the right pair. An unknown address costs the same time and reads the same as a wrong password."""
    user = find_user(email)
    fits = matches(user.password_hash if user else None, password)
    membership = find_membership(user) if user and fits else None
    if user is None or membership is None:
        raise WrongCredentials("The e-mail address or the password is not right.")
    if outdated(user.password_hash):
        user.password_hash = hash_password(password)
    session, secret = begin_session(user, membership, address=address, agent=agent)
    audit.record(membership.vendor_id, actor=user.public_id, action="user.signed_in", subject=user.public_id, address=session.address)
    return SignedIn(user=user, membership=membership, session=session, secret=secret)
