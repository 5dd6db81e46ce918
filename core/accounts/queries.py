"""Questions about people and vendors."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from core.accounts.models import Membership, User, UserSession, Vendor
from core.kernel.clock import now
from core.kernel.db import db


def find_user(email: str) -> User | None:
    """The person with this e-mail address, however it is capitalised."""
    return db.session.scalar(select(User).where(User.email == email.lower()))


def find_membership(user: User) -> Membership | None:
    """For whom this person works; of several the oldest."""
    theirs = select(Membership).where(Membership.user_id == user.id)
    return db.session.scalar(theirs.order_by(Membership.created_at, Membership.vendor_id).limit(1))


def find_employer(user: User) -> Vendor | None:
    """The vendor this person signs in for."""
    membership = find_membership(user)
    return db.session.get(Vendor, membership.vendor_id) if membership else None


def get_vendor(vendor_id: uuid.UUID) -> Vendor:
    """The vendor of this id, which must exist."""
    return db.session.get_one(Vendor, vendor_id)


def find_vendor(public_id: str) -> Vendor | None:
    """The vendor an outsider's token or a provider's metadata names."""
    return db.session.scalar(select(Vendor).where(Vendor.public_id == public_id))


def find_vendors(public_ids: set[str]) -> dict[str, Vendor]:
    """Several of them by public id, in one look."""
    return {v.public_id: v for v in db.session.scalars(select(Vendor).where(Vendor.public_id.in_(public_ids)))}


def list_sessions(user: User) -> list[UserSession]:
    """Where this person is signed in now, newest first."""
    open_ones = select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None), UserSession.expires_at > now())
    return list(db.session.scalars(open_ones.order_by(UserSession.seen_at.desc()).limit(50)))
