"""Apps that act for a person: signed in with what the person types, and kept signed in by refresh tokens that count once each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from core.accounts.access_token import LIFE, AccessRefused, make_access, read_access
from core.accounts.app_models import RefreshToken
from core.accounts.models import Membership, User, UserSession, Vendor
from core.accounts.queries import find_membership, list_memberships
from core.accounts.sessions import Seat, end_session, hash_secret, seats, storable
from core.accounts.sign_in import who_is
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotAllowed, Refusal
from core.kernel.sentence import said

LONGEST = timedelta(days=90)  # then the person is asked for the password again
REFRESH = timedelta(days=14)  # that an app may stay away


class RefreshRefused(Refusal):
    """A refresh token that opens nothing: unknown, used, run out, or of an app that was signed out."""

    code = "refresh_refused"
    status = 401

    def __init__(self) -> None:
        super().__init__(said("This refresh token opens nothing. Sign in again."))


class RefreshReused(RefreshRefused):
    """It was used before, so somebody else holds it or its successor. Whoever sent it reads the same as for any other."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


class LimitedToBranches(NotAllowed):
    """This member sees only some branches, and whoever asks sees the whole business."""

    code = "limited_to_branches"


class SecondStepNotSetUp(NotAllowed):
    """The business asks two-step sign-in of everybody, and this person has not set it up."""

    code = "second_step_not_set_up"


@dataclass(frozen=True, slots=True)
class AppTokens:
    """What an app is given; the refresh token is told once, and only its hash stays here."""

    session: UserSession
    user: User
    vendor: Vendor
    access: str
    access_seconds: int
    refresh: str
    refresh_until: datetime


def find_person(email: str, *, password: str, business: str = "") -> tuple[User, Membership]:
    """Who signs in and for whom they work, by default the oldest of their businesses. Raises WrongCredentials."""
    user, _ = who_is(email, password=password)
    theirs = {vendor.public_id: membership for membership, vendor in list_memberships(user)} if business else {}
    membership = theirs.get(business) if business else find_membership(user)
    if membership is None:
        raise Refusal("You do not work for this business.", field="business")
    return user, membership


def begin_app(user: User, membership: Membership, *, app: str, mode: str, address: str = "") -> AppTokens:
    """The app is signed in. Counting tries and asking for the second step are the door's, before this.

    Refuses live mode while the business takes practice money only, and SecondStepNotSetUp.
    """
    vendor = db.session.get_one(Vendor, membership.vendor_id)
    check_person(user, vendor)
    check_unlimited(membership)
    if mode == "live" and not vendor.live_enabled:
        raise Refusal("This business takes practice money only so far.", field="mode")
    at = now()
    session = UserSession(
        id=hash_secret(secrets.token_urlsafe(32)),  # of a secret that nobody is told: no cookie opens it
        user_id=user.id, vendor_id=vendor.id, mode=mode, app=app, address=address[:60], agent=storable(app)[:200],
        created_at=at, seen_at=at, expires_at=at + LONGEST, ended_at=None, end_reason=None, confirmed_at=at,
    )  # fmt: skip
    db.session.add(session)
    db.session.flush()
    audit.record(vendor.id, actor=user.public_id, action="app.signed_in", subject=user.public_id, mode=mode, app=app)
    return _tokens(session, user, vendor)


def check_person(user: User, vendor: Vendor) -> None:
    """Whether anybody may act for this business, and this person with what they have set up."""
    if vendor.stopped_at is not None:
        raise NotAllowed("This business has closed its account.")
    if vendor.second_factor_required and user.second_factor_at is None:
        raise SecondStepNotSetUp("This business asks two-step sign-in of everybody. Set it up in the portal first.")


def check_unlimited(membership: Membership) -> None:
    """Apps see the whole business, so they act for nobody who is limited to branches."""
    if membership.branches is not None:
        raise LimitedToBranches("Your access is limited to branches, and apps see the whole business. Use the portal.")


def refresh(secret: str, *, address: str = "") -> AppTokens:
    """New tokens for a refresh token, which is spent. Of two that come at once one is let through.

    Raises RefreshRefused, and RefreshReused for one that was spent before: the door then calls `sign_out_reused` (core/notifications/app_news.py).
    """
    kept = db.session.get(RefreshToken, hash_secret(secret))
    session = locked(UserSession, kept.session_id) if kept else None
    kept = locked(RefreshToken, hash_secret(secret)) if session else None
    if session is None or kept is None or session.ended_at is not None:
        raise RefreshRefused
    if kept.used_at is not None:
        raise RefreshReused(session.id)
    seat = _seat(session.id)
    if seat is None or kept.expires_at <= now():
        raise RefreshRefused
    check_person(seat.user, seat.vendor)
    check_unlimited(seat.membership)
    kept.used_at = session.seen_at = now()
    session.address = address[:60]
    gone = delete(RefreshToken).where(RefreshToken.session_id == session.id, RefreshToken.expires_at < now())
    db.session.execute(gone.execution_options(synchronize_session=False))
    return _tokens(session, seat.user, seat.vendor)


def end_reused(session: str) -> tuple[UserSession, User] | None:
    """The whole sign-in ends: whoever holds the newest token is asked for the password too. Answers what ended and whose it was; None where
    it had ended before."""
    row = locked(UserSession, session)
    if row is None or row.ended_at is not None:
        return None
    end_session(row, reason="a refresh token came twice")
    person = db.session.get_one(User, row.user_id)
    audit.record(row.vendor_id, actor="system", action="app.token_reused", subject=person.public_id, mode=row.mode, app=row.app)
    return row, person


def find_app_seat(text: str) -> Seat:
    """For whom this access token acts now, in which role. Raises AccessRefused or AccessExpired."""
    told = read_access(text)
    seat = _seat(told.session)
    if seat is None or (seat.user.public_id, seat.session.mode) != (told.person, told.mode):
        raise AccessRefused("This app was signed out. Sign in again.")
    return seat


def _seat(session: str) -> Seat | None:
    """Whoever still works there."""
    live = (UserSession.id == session, UserSession.app != "", UserSession.ended_at.is_(None), UserSession.expires_at > now())
    row = db.session.execute(seats().where(*live)).one_or_none()
    return Seat(*row) if row else None


def _tokens(session: UserSession, user: User, vendor: Vendor) -> AppTokens:
    secret, at = f"rt_{secrets.token_urlsafe(32)}", now()
    until = min(at + REFRESH, session.expires_at)
    db.session.add(RefreshToken(id=hash_secret(secret), session_id=session.id, made_at=at, expires_at=until, used_at=None))
    db.session.flush()
    access = make_access(person=user.public_id, session=session.id, mode=session.mode)
    return AppTokens(session, user, vendor, access, int(LIFE.total_seconds()), secret, until)
