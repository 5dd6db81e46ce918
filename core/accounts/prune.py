"""What the accounts do not keep for ever: signed-out browsers and links sent by e-mail."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, tuple_

from core.accounts.factor_models import HalfSignIn, PasskeyChallenge
from core.accounts.models import EmailLink, UserSession
from core.accounts.staff_models import StaffSession
from core.kernel.audit import AuditOrigin
from core.kernel.clock import now
from core.kernel.db import db

# Long enough to answer "was that me?", and no longer: both rows say where somebody was.
SESSIONS_KEPT = timedelta(days=30)
LINKS_KEPT = timedelta(days=30)
ORIGINS_KEPT = timedelta(days=180)  # from where an act of the audit log came; the act itself is kept for ever
HALF_KEPT = timedelta(days=1)  # a sign-in that was left at the question for the code


def prune_sessions(limit: int) -> int:
    """Sessions that ended or ran out so long ago, `limit` at most; answers how many."""
    before = now() - SESSIONS_KEPT
    old = select(UserSession.id).where((UserSession.expires_at < before) | (UserSession.ended_at < before)).limit(limit)
    return int(db.session.execute(delete(UserSession).where(UserSession.id.in_(old)).execution_options(synchronize_session=False)).rowcount)


def prune_staff_sessions(limit: int) -> int:
    """The same of the staff's."""
    before = now() - SESSIONS_KEPT
    old = select(StaffSession.id).where((StaffSession.expires_at < before) | (StaffSession.ended_at < before)).limit(limit)
    return int(
        db.session.execute(delete(StaffSession).where(StaffSession.id.in_(old)).execution_options(synchronize_session=False)).rowcount
    )


def prune_links(limit: int) -> int:
    """Links that could not be opened for so long, `limit` at most; answers how many."""
    old = select(EmailLink.token_id).where(EmailLink.expires_at < now() - LINKS_KEPT).limit(limit)
    return int(
        db.session.execute(delete(EmailLink).where(EmailLink.token_id.in_(old)).execution_options(synchronize_session=False)).rowcount
    )


def prune_half_sign_ins(limit: int) -> int:
    """Sign-ins that stopped half-way, or went on, `limit` at most; answers how many."""
    old = select(HalfSignIn.id).where(HalfSignIn.expires_at < now() - HALF_KEPT).limit(limit)
    return int(db.session.execute(delete(HalfSignIn).where(HalfSignIn.id.in_(old)).execution_options(synchronize_session=False)).rowcount)


def prune_passkey_challenges(limit: int) -> int:
    """Questions to passkeys that nobody answered in time, `limit` at most; answers how many."""
    key = tuple_(PasskeyChallenge.holder, PasskeyChallenge.purpose)
    old = select(PasskeyChallenge.holder, PasskeyChallenge.purpose).where(PasskeyChallenge.expires_at < now()).limit(limit)
    return int(db.session.execute(delete(PasskeyChallenge).where(key.in_(old)).execution_options(synchronize_session=False)).rowcount)


def prune_origins(limit: int) -> int:
    """Network addresses of so long ago, `limit` at most; answers how many."""
    old = select(AuditOrigin.vendor_id, AuditOrigin.entry_id).where(AuditOrigin.at < now() - ORIGINS_KEPT).limit(limit)
    these = tuple_(AuditOrigin.vendor_id, AuditOrigin.entry_id).in_(old)
    return int(db.session.execute(delete(AuditOrigin).where(these).execution_options(synchronize_session=False)).rowcount)
