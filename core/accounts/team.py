"""Who does what in a team: roles change, people leave, and ownership is handed from one person to another."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Membership, User, Vendor
from core.accounts.permissions import CUSTOM
from core.accounts.roles import check_giving, find_custom, get_role, role_of
from core.kernel import audit
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound


class OwnerStays(Conflict):
    """There must be an owner: they hand the business over before they go or become something else."""

    code = "owner_stays"


def change_role(vendor: Vendor, public_id: str, *, role: str, by: str) -> Membership:
    """Another role for somebody of the team: one of the house's, or one of the vendor's own by its number. The owner's does not change so.

    Nobody gives, or takes from somebody, more than they may do themselves.
    """
    user, membership = get_member(vendor, public_id)
    wished = get_role(vendor, role)
    _touchable(vendor, membership, by)
    check_giving(vendor, wished.permissions, by=by)
    former = role_of(membership.role, find_custom(vendor.id, membership.custom_role_id))
    if former.key != wished.key:
        audit.record(vendor.id, actor=by, action="member.role", subject=user.public_id, changes={"role": [former.name, wished.name]})
        membership.role, membership.custom_role_id = (CUSTOM, wished.custom.id) if wished.custom else (wished.key, None)
    return membership


def _touchable(vendor: Vendor, membership: Membership, by: str) -> None:
    """Refuses for the owner, and for somebody who may do more than whoever asks."""
    if membership.role == "owner":
        raise OwnerStays("The owner stays the owner until they hand the business over.")
    check_giving(vendor, role_of(membership.role, find_custom(vendor.id, membership.custom_role_id)).permissions, by=by)


def choose_language(user: User, language: str) -> None:
    """The language this person reads: the portal greets them in it, and letters to them are written in it."""
    user.language = language


def remove_member(vendor: Vendor, public_id: str, *, by: str) -> User:
    """They are not of the team any more; their browsers see nothing of this vendor from that moment on."""
    user, membership = get_member(vendor, public_id)
    if membership.role == "owner":
        raise OwnerStays("The owner cannot be removed. Hand the business over first.")
    _touchable(vendor, membership, by)
    audit.record(vendor.id, actor=by, action="member.removed", subject=user.public_id, role=membership.role)
    db.session.delete(membership)
    return user


def hand_over(vendor: Vendor, public_id: str, *, by: User) -> User:
    """Another member becomes the owner, and the owner a manager. The door has just made sure that it is the owner who asks."""
    heir, theirs = get_member(vendor, public_id)
    mine = locked(Membership, vendor.id, by.id)
    if mine is None or mine.role != "owner":
        raise OwnerStays("Only the owner can hand the business over.")
    if heir.id == by.id:
        raise OwnerStays("You are the owner already.", field="heir")
    if heir.email_verified_at is None:
        raise Conflict("They have not confirmed their e-mail address yet.", field="heir")
    mine.role = "manager"
    db.session.flush()  # never two owners, not even for a moment
    theirs.role, theirs.custom_role_id, theirs.branches = "owner", None, None
    audit.record(
        vendor.id, actor=by.public_id, action="vendor.handed_over", subject=heir.public_id, changes={"owner": [by.email, heir.email]}
    )
    return heir


def change_name(user: User, *, name: str) -> None:
    """What somebody is called in the team."""
    row = locked(User, user.id)
    if row is not None:
        row.name = name.strip()


def get_member(vendor: Vendor, public_id: str) -> tuple[User, Membership]:
    """Somebody of this vendor's team, their membership locked; refuses with 404."""
    theirs = select(User).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == vendor.id)
    user = db.session.scalar(theirs.where(User.public_id == public_id))
    membership = locked(Membership, vendor.id, user.id) if user else None
    if user is None or membership is None:
        raise NotFound("There is no such person in your team.")
    return user, membership
