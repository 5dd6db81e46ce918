"""Joining a team: somebody is asked by e-mail, and becomes one of the vendor's people when they open the signed link in time."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.accounts.models import Invitation, Membership, User, Vendor
from core.accounts.passwords import check_strength, hash_password
from core.accounts.permissions import CUSTOM
from core.accounts.queries import find_user, find_vendor
from core.accounts.roles import Role, check_giving, find_custom, get_role, rights_of, role_of
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.kernel.signing import TokenRefused, make_token, read_token

LIFE = timedelta(days=7)
MOST_OPEN = 50
MODE = "test"  # people belong to neither world


class AlreadyThere(Conflict):
    """They are of the team already."""

    code = "already_there"


def invite(vendor: Vendor, *, email: str, role: str, by: str, branches: Collection[uuid.UUID] | None = None) -> Invitation:
    """Ask somebody to join, for the whole business or limited to `branches`. An address that has an open invitation gets that one anew, in the
    role and with the limit named last."""
    email = email.strip().lower()
    wished = get_role(vendor, role)
    check_giving(vendor, wished.permissions, by=by)
    user = find_user(email)
    if user is not None and db.session.get(Membership, (vendor.id, user.id)) is not None:
        raise AlreadyThere(said("%(email)s is of your team already.", email=email), field="email")
    locked(Vendor, vendor.id)  # two people who ask the same one at once make one invitation
    open_ones = list_invitations(vendor)
    for known in open_ones:
        if known.email == email:
            known.branches = _kept_limit(branches)
            return _renew(known, wished, by=by)
    if len(open_ones) >= MOST_OPEN:
        raise Conflict(said("%(most)s invitations are open already. Take one back first.", most=MOST_OPEN), field="email")
    at = now()
    made = Invitation(
        vendor_id=vendor.id, id=uuid7(), public_id=public_id("inv"), token_id=public_id("tok"), email=email, **_kept(wished), branches=_kept_limit(branches), invited_by=by,
        created_at=at, expires_at=at + LIFE, ended_at=None, outcome=None,
    )  # fmt: skip
    db.session.add(made)
    audit.record(vendor.id, actor=by, action="member.invited", subject=made.public_id, role=wished.name, **_said_of(made))
    return made


def resend_invitation(vendor: Vendor, public_id: str, *, by: str) -> Invitation:
    """Seven more days and a new link; the one in the older message stops working."""
    found = _open(vendor, public_id)
    wished = role_of(found.role, find_custom(vendor.id, found.custom_role_id))
    check_giving(vendor, wished.permissions, by=by)
    return _renew(found, wished, by=by)


def revoke_invitation(vendor: Vendor, public_id: str, *, by: str) -> Invitation:
    """Take it back: the link in the message opens nothing any more."""
    found = _open(vendor, public_id)
    found.ended_at, found.outcome = now(), "revoked"
    audit.record(vendor.id, actor=by, action="invitation.revoked", subject=found.public_id)
    return found


def list_invitations(vendor: Vendor) -> list[Invitation]:
    """Those that nobody has accepted or taken back, newest first; one whose time is over may be sent again."""
    mine = select(Invitation).where(Invitation.vendor_id == vendor.id, Invitation.ended_at.is_(None))
    return list(db.session.scalars(mine.order_by(Invitation.id.desc()).limit(2 * MOST_OPEN)))


def find_invitation(vendor: Vendor, public_id: str) -> Invitation | None:
    """One of this vendor's, whatever became of it."""
    return db.session.scalar(select(Invitation).where(Invitation.vendor_id == vendor.id, Invitation.public_id == public_id))


def invitation_token(vendor: Vendor, invitation: Invitation) -> str:
    """The signed text of its address."""
    return make_token("invitation", vendor=vendor.public_id, mode=MODE, token_id=invitation.token_id, expires_at=invitation.expires_at)


def open_invitation(token: str) -> tuple[Vendor, Invitation]:
    """Who asks whom, both locked against a second opening. Raises TokenRefused when it was altered, used, taken back or is too old, and when
    whoever asked could not ask for it today."""
    claims = read_token("invitation", token)
    vendor = find_vendor(claims.vendor) if claims.mode == MODE else None
    named = vendor and db.session.scalar(
        select(Invitation.id).where(Invitation.vendor_id == vendor.id, Invitation.token_id == claims.token_id)
    )
    found = locked(Invitation, vendor.id, named) if vendor and named else None
    if vendor is None or found is None or found.ended_at is not None or found.expires_at <= now() or found.token_id != claims.token_id:
        raise TokenRefused("expired")
    if not still_meant(vendor, found):
        raise TokenRefused("revoked")
    return vendor, found


def still_meant(vendor: Vendor, invitation: Invitation) -> bool:
    """Whether whoever asked could ask for it today: they have not left the team, and may do all that the role grants."""
    role = role_of(invitation.role, find_custom(vendor.id, invitation.custom_role_id))
    return role.permissions <= rights_of(vendor, invitation.invited_by)


def join_team(token: str, user: User) -> Membership:
    """Somebody who has an account already joins. Only the person the message was written to."""
    vendor, invitation = open_invitation(token)
    if user.email != invitation.email:
        raise TokenRefused("foreign")
    return _join(vendor, invitation, user)


def join_as_new(token: str, *, name: str, password: str) -> tuple[User, Membership]:
    """Somebody new makes their account and joins. The message reached them, so their address is theirs."""
    vendor, invitation = open_invitation(token)
    if find_user(invitation.email) is not None:
        raise Conflict("There is an account with this address already. Sign in, and open the link again.")
    check_strength(password, about=(vendor.name, invitation.email, name))
    at = now()
    user = User(
        id=uuid7(), public_id=public_id("usr"), email=invitation.email, name=name.strip() or invitation.email, password_hash=hash_password(password),
        password_changed_at=at, email_verified_at=at, created_at=at,
    )  # fmt: skip
    db.session.add(user)
    db.session.flush()
    return user, _join(vendor, invitation, user)


def _join(vendor: Vendor, invitation: Invitation, user: User) -> Membership:
    invitation.ended_at, invitation.outcome = now(), "accepted"
    membership = db.session.get(Membership, (vendor.id, user.id))
    if membership is None:
        membership = Membership(
            vendor_id=vendor.id, user_id=user.id, role=invitation.role, custom_role_id=invitation.custom_role_id, branches=invitation.branches,
            created_at=now(),
        )  # fmt: skip
        db.session.add(membership)
        db.session.flush()
        audit.record(vendor.id, actor=user.public_id, action="member.joined", subject=user.public_id, role=invitation.role)
    return membership


def _kept(role: Role) -> dict[str, Any]:
    return {"role": CUSTOM, "custom_role_id": role.custom.id} if role.custom else {"role": role.key, "custom_role_id": None}


def _kept_limit(branches: Collection[uuid.UUID] | None) -> list[uuid.UUID] | None:
    """None stays None, which is everything; no branch at all is nothing."""
    return None if branches is None else sorted(set(branches))


def _said_of(invitation: Invitation) -> dict[str, int]:
    """For the log: to how many branches it is limited, where it is."""
    return {} if invitation.branches is None else {"branches": len(invitation.branches)}


def _renew(invitation: Invitation, role: Role, *, by: str) -> Invitation:
    invitation.token_id, invitation.expires_at, invitation.invited_by = public_id("tok"), now() + LIFE, by
    invitation.role, invitation.custom_role_id = (CUSTOM, role.custom.id) if role.custom else (role.key, None)
    audit.record(
        invitation.vendor_id, actor=by, action="invitation.sent_again", subject=invitation.public_id, role=role.name, **_said_of(invitation)
    )
    return invitation


def _open(vendor: Vendor, public_id: str) -> Invitation:
    found = find_invitation(vendor, public_id) if is_public_id("inv", public_id) else None
    row = locked(Invitation, vendor.id, found.id) if found else None
    if row is None or row.ended_at is not None:
        raise NotFound("There is no such open invitation.")
    return row
