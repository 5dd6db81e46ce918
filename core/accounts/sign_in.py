"""Signing in with e-mail address and password, and with a code or a passkey where the person has set that up; or with a passkey alone."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.factor_models import HalfSignIn
from core.accounts.half_sign_in import PORTAL, Half, begin_half, end_half
from core.accounts.models import Membership, User, UserSession
from core.accounts.one_time_codes import use_code
from core.accounts.passkey_proof import PasskeyRefused, Shown, use_passkey
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
    code: str | None = None  # what was given as the second step: app, recovery, passkey, or nothing was asked


def sign_in(email: str, *, password: str, address: str = "", agent: str = "") -> SignedIn | Half:
    """A new session for the right pair, or half a one when a code is still to come.

    An unknown address costs the same time and reads the same as a wrong password.
    """
    user, membership = who_is(email, password=password)
    if user.second_factor_at is not None:
        return begin_half(user, PORTAL)
    return _enter(user, membership, address=address, agent=agent)


def who_is(email: str, *, password: str) -> tuple[User, Membership]:
    """Whose pair this is, and for whom they work. Raises WrongCredentials; takes as long and says the same whichever half was wrong."""
    user = find_user(email)
    fits = matches(user.password_hash if user else None, password)
    membership = find_membership(user) if user and fits else None
    if user is None or membership is None:
        raise WrongCredentials("The e-mail address or the password is not right.")
    if outdated(user.password_hash):
        user.password_hash = hash_password(password)
    return user, membership


def finish_sign_in(half: HalfSignIn, user: User, *, code: str, address: str = "", agent: str = "") -> SignedIn:
    """The second step: a new session for the right code, which is spent. Raises WrongCode."""
    kind = use_code(user, code)
    membership = find_membership(user)
    if membership is None:
        raise WrongCredentials("You do not work for any business any more.")
    end_half(half)
    return _enter(user, membership, code=kind, address=address, agent=agent)


def finish_with_passkey(half: HalfSignIn, user: User, shown: Shown, *, address: str = "", agent: str = "") -> SignedIn:
    """The second step by a passkey of this person's. Raises PasskeyRefused, and PasskeyCopied."""
    use_passkey(shown, user=user)
    membership = find_membership(user)
    if membership is None:
        raise WrongCredentials("You do not work for any business any more.")
    end_half(half)
    return _enter(user, membership, code="passkey", address=address, agent=agent)


def sign_in_by_passkey(shown: Shown, *, address: str = "", agent: str = "") -> SignedIn:
    """Both steps at once: the person holds the device, and it made sure that it is they. Who works for no business, as the staff, is told no
    more than who has no passkey. Raises PasskeyRefused, and PasskeyCopied."""
    user = use_passkey(shown)
    membership = find_membership(user)
    if membership is None:
        raise PasskeyRefused
    return _enter(user, membership, code="passkey", address=address, agent=agent)


def _enter(user: User, membership: Membership, *, code: str | None = None, address: str, agent: str) -> SignedIn:
    session, secret = begin_session(user, membership, address=address, agent=agent)
    told = {"code": code} if code else {}
    audit.record(membership.vendor_id, actor=user.public_id, action="user.signed_in", subject=user.public_id, **told)
    return SignedIn(user=user, membership=membership, session=session, secret=secret, code=code)
