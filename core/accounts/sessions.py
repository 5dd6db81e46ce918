"""Sessions kept on the server: begun at sign-in, found by the secret in the cookie, ended one by one or all at once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select, update

from core.accounts.models import CustomRole, Membership, User, UserSession, Vendor
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import MODES, db
from core.kernel.errors import NotFound
from core.kernel.sentence import said

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
NOTICE_EVERY = timedelta(minutes=2)  # reading a page need not write a row each time


@dataclass(frozen=True, slots=True)
class Seat:
    """A live session with everybody it stands for, read in one query."""

    session: UserSession
    user: User
    vendor: Vendor
    membership: Membership
    custom: CustomRole | None


def begin_session(user: User, membership: Membership, *, address: str = "", agent: str = "") -> tuple[UserSession, str]:
    """A new session and its secret. Only the hash stays here: who reads the table cannot sit down in anybody's place."""
    secret = secrets.token_urlsafe(32)
    at = now()
    session = UserSession(
        id=hash_secret(secret), user_id=user.id, vendor_id=membership.vendor_id, mode="test", address=address[:60], agent=storable(agent)[:200],
        created_at=at, seen_at=at, expires_at=at + LONGEST, ended_at=None, end_reason=None,
        confirmed_at=at,
    )  # fmt: skip
    db.session.add(session)
    return session, secret


def find_seat(secret: str, *, attended: bool = True) -> Seat | None:
    """The live session behind a cookie, or None: unknown, ended, idle for 12 hours or older than 14 days. What a page asks by itself, with
    perhaps nobody there (not `attended`), does not end the idleness."""
    at = now()
    row = db.session.execute(
        seats()
        .where(UserSession.id == hash_secret(secret), UserSession.app == "", UserSession.ended_at.is_(None))
        .where(UserSession.expires_at > at, UserSession.seen_at > at - IDLE)
    ).one_or_none()
    if row is None:
        return None
    session, user, vendor, membership, custom = row
    if attended and at - session.seen_at > NOTICE_EVERY:
        session.seen_at = at
    return Seat(session=session, user=user, vendor=vendor, membership=membership, custom=custom)


def seats() -> Select[tuple[UserSession, User, Vendor, Membership, CustomRole]]:
    """Sessions of people who work for the business they look at, each with everybody it stands for."""
    return (
        select(UserSession, User, Vendor, Membership, CustomRole)
        .join(User, User.id == UserSession.user_id)
        .join(Vendor, Vendor.id == UserSession.vendor_id)
        .join(Membership, (Membership.vendor_id == UserSession.vendor_id) & (Membership.user_id == UserSession.user_id))
        .outerjoin(CustomRole, (CustomRole.vendor_id == Membership.vendor_id) & (CustomRole.id == Membership.custom_role_id))
    )


def end_session(session: UserSession, *, reason: str = "signed out") -> None:
    """This browser or app is signed out. Ending twice keeps the first reason."""
    if session.ended_at is None:
        session.ended_at, session.end_reason = now(), reason


def end_all_sessions(user: User, *, reason: str, but: UserSession | None = None) -> int:
    """Every browser and app of this person, `but` the one they sit at, is signed out; says how many were."""
    ended = db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user.id, UserSession.ended_at.is_(None), UserSession.id != (but.id if but else ""))
        .values(ended_at=now(), end_reason=reason[:40])
        .execution_options(synchronize_session="fetch")
    )
    return int(ended.rowcount)


def sign_out_everywhere(user: User, *, at: UserSession) -> int:
    """Every browser and app of this person is signed out, the one they sit at too; says how many were."""
    count = end_all_sessions(user, reason="signed out everywhere")
    audit.record(at.vendor_id, actor=user.public_id, action="session.all_ended", subject=user.public_id, devices=count)
    return count


def handle_of(session: UserSession) -> str:
    """What a form calls this session: it opens nothing, and neither the secret nor what is kept of it can be made from it."""
    return hash_secret(f"handle of {session.id}")[:24]


def end_one_session(user: User, handle: str, *, by: UserSession) -> UserSession:
    """One browser or app of this person's is signed out, from another one or from itself. NotFound: it was signed out before, or is not theirs."""
    theirs = select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None)).with_for_update()
    found = next((one for one in db.session.scalars(theirs) if handle_of(one) == handle), None)
    if found is None:
        raise NotFound(said("This device is signed out already."))
    end_session(found, reason="signed out from another device" if found.id != by.id else "signed out")
    audit.record(found.vendor_id, actor=user.public_id, action="session.ended", subject=user.public_id)
    return found


def look_at(session: UserSession, vendor: Vendor, mode: str, *, by: str) -> None:
    """This browser now looks at test or at live money. Live is refused until the vendor may take it."""
    if mode not in MODES:
        raise ValueError(f"no such mode: {mode}")
    if session.mode != mode:
        session.mode = mode
        audit.record(vendor.id, actor=by, action="session.mode", subject=vendor.public_id, mode=mode)


def work_for(session: UserSession, membership: Membership) -> None:
    """This browser now works for another vendor of the same person's, looking at test money first."""
    if membership.user_id != session.user_id:
        raise ValueError("a session works only for vendors of its own person")
    if session.vendor_id != membership.vendor_id:
        session.vendor_id, session.mode = membership.vendor_id, "test"


def hash_secret(secret: str) -> str:
    """What is kept of a cookie's secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def storable(text: str) -> str:
    """A browser's own name for itself, as PostgreSQL can keep it."""
    return text.encode("ascii", "replace").decode().replace("\x00", "")
