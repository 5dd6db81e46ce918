"""Staff's sessions: shorter than vendors', in a table of their own, so that neither kind of cookie can ever open the other's door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from core.accounts.factor_models import HalfSignIn
from core.accounts.half_sign_in import STAFF, Half, begin_half, end_half
from core.accounts.models import User
from core.accounts.one_time_codes import use_code
from core.accounts.passkey_proof import Shown, use_passkey
from core.accounts.passwords import hash_password, matches, outdated
from core.accounts.queries import find_user
from core.accounts.sessions import hash_secret, storable
from core.accounts.sign_in import WrongCredentials
from core.accounts.staff_models import StaffMember, StaffSession
from core.accounts.staff_permissions import staff_allows
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
NOTICE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StaffSeat:
    """Somebody of the staff at a browser."""

    session: StaffSession
    user: User
    member: StaffMember

    @property
    def public_id(self) -> str:
        return self.member.public_id

    def may(self, permission: str) -> bool:
        return staff_allows(self.member.role, permission)


def sign_in_staff(email: str, *, password: str, address: str = "", agent: str = "") -> str | Half:
    """The right pair and no device set up yet: a new session's secret, which opens nothing but setting one up. With one: half a sign-in.

    Unknown, not staff, left, wrong password: all cost and read the same.
    """
    user = find_user(email)
    fits = matches(user.password_hash if user else None, password)
    member = db.session.get(StaffMember, user.id) if user and fits else None
    if user is None or member is None or member.ended_at is not None:
        raise WrongCredentials("The e-mail address or the password is not right.")
    if outdated(user.password_hash):
        user.password_hash = hash_password(password)
    if user.second_factor_at is not None:
        return begin_half(user, STAFF)
    return _enter(member, address=address, agent=agent)


def finish_staff_sign_in(half: HalfSignIn, user: User, *, code: str, address: str = "", agent: str = "") -> str:
    """The second step: a new session's secret for the right code, which is spent. Raises WrongCode."""
    return _finish(half, user, use_code(user, code), address=address, agent=agent)


def finish_staff_with_passkey(half: HalfSignIn, user: User, shown: Shown, *, address: str = "", agent: str = "") -> str:
    """The second step by a passkey of theirs. Raises PasskeyRefused, and PasskeyCopied."""
    use_passkey(shown, user=user)
    return _finish(half, user, "passkey", address=address, agent=agent)


def _finish(half: HalfSignIn, user: User, kind: str, *, address: str, agent: str) -> str:
    member = db.session.get(StaffMember, user.id)
    if member is None or member.ended_at is not None:
        raise WrongCredentials("The e-mail address or the password is not right.")
    end_half(half)
    return _enter(member, code=kind, address=address, agent=agent)


def _enter(member: StaffMember, *, code: str | None = None, address: str, agent: str) -> str:
    secret = begin_staff_session(member, address=address, agent=agent)
    told = {"code": code} if code else {}
    audit.record(audit.THE_HOUSE, actor=member.public_id, action="staff.signed_in", subject=member.public_id, **told)
    return secret


def begin_staff_session(member: StaffMember, *, address: str = "", agent: str = "") -> str:
    """A new session's secret; only its hash stays here."""
    secret, at = secrets.token_urlsafe(32), now()
    db.session.add(
        StaffSession(
            id=hash_secret(secret), user_id=member.user_id, address=address[:60], agent=storable(agent)[:200],
            created_at=at, seen_at=at, expires_at=at + LONGEST, ended_at=None, end_reason=None,
            confirmed_at=at,
        )
    )  # fmt: skip
    return secret


def find_staff_seat(secret: str) -> StaffSeat | None:
    """The live session behind a cookie, or None: unknown, ended, idle for half an hour, older than eight hours, or no longer staff."""
    at = now()
    row = db.session.execute(
        select(StaffSession, User, StaffMember)
        .join(StaffMember, StaffMember.user_id == StaffSession.user_id)
        .join(User, User.id == StaffSession.user_id)
        .where(StaffSession.id == hash_secret(secret), StaffSession.ended_at.is_(None), StaffMember.ended_at.is_(None))
        .where(StaffSession.expires_at > at, StaffSession.seen_at > at - IDLE)
    ).one_or_none()
    if row is None:
        return None
    session, user, member = row
    if at - session.seen_at > NOTICE_EVERY:
        session.seen_at = at
    return StaffSeat(session=session, user=user, member=member)


def end_staff_session(seat: StaffSeat, *, reason: str = "signed out") -> None:
    """This browser is signed out."""
    if seat.session.ended_at is None:
        seat.session.ended_at, seat.session.end_reason = now(), reason
        audit.record(audit.THE_HOUSE, actor=seat.public_id, action="staff.signed_out", subject=seat.public_id)


def end_all_staff_sessions(member: StaffMember, *, reason: str, but: StaffSession | None = None) -> None:
    """Every browser of theirs, `but` the one they sit at, is signed out."""
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.user_id == member.user_id, StaffSession.ended_at.is_(None), StaffSession.id != (but.id if but else ""))
        .values(ended_at=now(), end_reason=reason[:40])
        .execution_options(synchronize_session="fetch")
    )
