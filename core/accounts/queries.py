"""Questions about people and vendors."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ARRAY, String, any_, bindparam, select

from core.accounts.models import CustomRole, Membership, User, UserSession, Vendor
from core.accounts.sessions import IDLE
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.db import db

_BY_PUBLIC_IDS = Question(select(Vendor).where(Vendor.public_id == any_(bindparam("public_ids", type_=ARRAY(String)))))


def find_user(email: str) -> User | None:
    """The person with this e-mail address, however it is capitalised."""
    return db.session.scalar(select(User).where(User.email == email.lower()))


def find_membership(user: User) -> Membership | None:
    """For whom this person works; of several the oldest."""
    theirs = select(Membership).where(Membership.user_id == user.id)
    return db.session.scalar(theirs.order_by(Membership.created_at, Membership.vendor_id).limit(1))


def list_memberships(user: User) -> list[tuple[Membership, Vendor]]:
    """Everybody this person works for, the oldest tie first."""
    theirs = select(Membership, Vendor).join(Vendor, Vendor.id == Membership.vendor_id).where(Membership.user_id == user.id)
    return [(membership, vendor) for membership, vendor in db.session.execute(theirs.order_by(Membership.created_at, Vendor.id).limit(100))]


def find_employer(user: User) -> Vendor | None:
    """The vendor this person signs in for."""
    membership = find_membership(user)
    return db.session.get(Vendor, membership.vendor_id) if membership else None


def get_vendor(vendor_id: uuid.UUID) -> Vendor:
    """The vendor of this id, which must exist."""
    return db.session.get_one(Vendor, vendor_id)


def hold_vendor(vendor_id: uuid.UUID) -> None:
    """One at a time for this vendor until the unit ends, for acts that must see what the last one did. New rows of the vendor's may be
    written meanwhile. In the order payment, vendor, books: whoever posts afterwards holds first."""
    db.session.execute(select(Vendor.id).where(Vendor.id == vendor_id).with_for_update(key_share=True))


def hold_vendors(vendor_ids: Collection[uuid.UUID]) -> None:
    """The same for several, in the order of their ids: two who hold several at once never wait for each other. For none it is no question."""
    if not vendor_ids:
        return
    theirs = select(Vendor.id).where(Vendor.id.in_(vendor_ids)).order_by(Vendor.id)
    db.session.execute(theirs.with_for_update(key_share=True))


def find_vendor(public_id: str) -> Vendor | None:
    """The vendor an outsider's token or a provider's metadata names."""
    if not public_id.isascii() or not public_id.isprintable():  # none of ours, and the database refuses some such texts outright
        return None
    return db.session.scalar(select(Vendor).where(Vendor.public_id == public_id))


def find_vendors(public_ids: set[str]) -> dict[str, Vendor]:
    """Several of them by public id, in one look."""
    return {vendor.public_id: vendor for (vendor,) in _BY_PUBLIC_IDS.all(public_ids=list(public_ids))}


def list_sessions(user: User) -> list[UserSession]:
    """Where this person is signed in now, newest first. A browser that was idle for too long opens nothing any more; an app has longer."""
    open_ones = select(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None), UserSession.expires_at > now())
    awake = (UserSession.seen_at > now() - IDLE) | (UserSession.app != "")
    return list(db.session.scalars(open_ones.where(awake).order_by(UserSession.seen_at.desc()).limit(50)))


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a vendor's team."""

    user: User
    membership: Membership
    custom: CustomRole | None

    @property
    def role(self) -> str:
        """What their role is called: a word of the house's, or the name the vendor gave it."""
        return self.custom.name if self.custom else self.membership.role


def list_team(vendor: Vendor) -> list[Member]:
    """Everybody who works for this vendor, the owner first, then by when they came."""
    rows = db.session.execute(
        select(User, Membership, CustomRole)
        .join(Membership, Membership.user_id == User.id)
        .outerjoin(CustomRole, (CustomRole.vendor_id == Membership.vendor_id) & (CustomRole.id == Membership.custom_role_id))
        .where(Membership.vendor_id == vendor.id)
        .order_by(Membership.role != "owner", Membership.created_at, User.id)
        .limit(200)
    )
    return [Member(user, membership, custom) for user, membership, custom in rows]


def find_member(vendor: Vendor, person: str) -> tuple[User, Membership] | None:
    """Somebody of this vendor's team by public id, with their role; None when they are not, or not any more."""
    mine = select(User, Membership).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == vendor.id)
    found = db.session.execute(mine.where(User.public_id == person)).one_or_none()
    return (found[0], found[1]) if found else None


def names_of(vendor: Vendor) -> dict[str, str]:
    """What the people of a vendor are called, by public id."""
    return {member.user.public_id: member.user.name or member.user.email for member in list_team(vendor)}


def people_named(public_ids: set[str]) -> dict[str, str]:
    """The e-mail addresses of people by public id, in one look; ids that are nobody's are left out."""
    wanted = {one for one in public_ids if one.startswith("usr_")}
    rows = db.session.execute(select(User.public_id, User.email).where(User.public_id.in_(wanted))) if wanted else ()
    return {public_id: email for public_id, email in rows}
