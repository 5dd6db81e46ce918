"""Roles: the house's own and those a vendor puts together. Nobody gives away, in a role or by giving one, what they may not do themselves."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select

from core.accounts.models import CustomRole, Invitation, Membership, User, Vendor
from core.accounts.permissions import ALWAYS, CUSTOM, GIVEN, PERMISSIONS, WITHIN_BRANCHES, granted_by
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST_ROLES, LONGEST_NAME = 20, 40


class BeyondYours(Refusal):
    """Somebody wants to give what they may not do themselves."""

    code = "beyond_yours"


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody may do: by one of the house's roles, or by one of the vendor's own."""

    name: str  # of the house's: its word in the code; of a vendor's: as the vendor called it
    key: str  # what a form says: `support`, or rol_...
    permissions: frozenset[str]
    custom: CustomRole | None = None

    def may(self, permission: str) -> bool:
        if permission not in PERMISSIONS:
            raise KeyError(permission)
        return permission in self.permissions


def role_of(role: str, custom: CustomRole | None) -> Role:
    """Of a membership or an invitation. What the house has taken back since is not granted by a role that still lists it."""
    if role != CUSTOM:
        return Role(role, role, granted_by(role))
    if custom is None:
        raise ValueError("a role of the vendor's own has its row")
    return Role(custom.name, custom.public_id, (frozenset(custom.permissions) & PERMISSIONS.keys()) | ALWAYS, custom)


def role_held(membership: Membership, custom: CustomRole | None) -> Role:
    """What this member may do: their role, or what is left of it for somebody who is limited to branches."""
    role = role_of(membership.role, custom)
    return role if membership.branches is None else replace(role, permissions=role.permissions & WITHIN_BRANCHES)


def find_custom(vendor_id: uuid.UUID, custom_id: uuid.UUID | None) -> CustomRole | None:
    """The row behind a membership or an invitation."""
    return db.session.get(CustomRole, (vendor_id, custom_id)) if custom_id else None


def list_roles(vendor: Vendor) -> list[Role]:
    """Those that can be given to somebody: the house's, then the vendor's own by name."""
    return [role_of(name, None) for name in GIVEN] + [role_of(CUSTOM, row) for row in list_custom(vendor)]


def list_custom(vendor: Vendor) -> list[CustomRole]:
    """The vendor's own roles, by name."""
    mine = select(CustomRole).where(CustomRole.vendor_id == vendor.id).order_by(CustomRole.name).limit(MOST_ROLES)
    return list(db.session.scalars(mine))


def get_role(vendor: Vendor, key: str) -> Role:
    """A role that can be given, by what a form says. Refuses any other word."""
    if key in GIVEN:
        return role_of(key, None)
    return role_of(CUSTOM, get_custom(vendor, key)) if is_public_id("rol", key) else _unknown()


def get_custom(vendor: Vendor, public_id: str) -> CustomRole:
    """One of the vendor's own; refuses with 404."""
    row = db.session.scalar(select(CustomRole).where(CustomRole.vendor_id == vendor.id, CustomRole.public_id == public_id))
    if row is None:
        raise NotFound("There is no such role.")
    return row


def _unknown() -> Role:
    raise Refusal("Choose a role from the list.", field="role")


def rights_of(vendor: Vendor, person: str) -> frozenset[str]:
    """Everything this person may do for this vendor, as it stands now; nothing for somebody who is not of the team."""
    theirs = select(Membership).join(User, User.id == Membership.user_id).where(Membership.vendor_id == vendor.id, User.public_id == person)
    membership = db.session.scalar(theirs)
    if membership is None:
        return frozenset()
    return role_held(membership, find_custom(vendor.id, membership.custom_role_id)).permissions


def list_holders(vendor: Vendor, permission: str) -> list[User]:
    """Everybody of the team who may do this for the whole business, the owner first: by one of the house's roles or by one of the vendor's
    own. Whoever is limited to branches is not among them."""
    team = _holders(select(User).join(Membership, Membership.user_id == User.id), vendor, permission)
    return list(db.session.scalars(team.order_by(Membership.role != "owner", Membership.created_at, User.id)))


def is_holder(vendor: Vendor, user: User, permission: str) -> ColumnElement[bool]:
    """The same of one person, as a condition within another question."""
    return exists(_holders(select(Membership.user_id), vendor, permission).where(Membership.user_id == user.id))


def _holders(query: Select[Any], vendor: Vendor, permission: str) -> Select[Any]:
    custom = (CustomRole.vendor_id == Membership.vendor_id) & (CustomRole.id == Membership.custom_role_id)
    may = Membership.role.in_(PERMISSIONS[permission]) | CustomRole.permissions.contains([permission])
    return query.outerjoin(CustomRole, custom).where(Membership.vendor_id == vendor.id, Membership.branches.is_(None), may)


def check_giving(vendor: Vendor, permissions: Collection[str], *, by: str, field: str = "role") -> None:
    """Refuses to give what the giver may not do."""
    if set(permissions) - rights_of(vendor, by):
        raise BeyondYours("This would let somebody do what you may not do yourself. The owner can.", field=field)


def make_role(vendor: Vendor, *, name: str, permissions: Collection[str], by: str) -> CustomRole:
    """A role of the vendor's own. It never holds more than its maker may do."""
    wished = _wished(vendor, permissions, by)
    locked(Vendor, vendor.id)
    if len(list_custom(vendor)) >= MOST_ROLES:
        raise Conflict(said("%(most)s roles of your own at most.", most=MOST_ROLES), field="name")
    name = _free_name(vendor, name, None)
    at = now()
    row = CustomRole(
        vendor_id=vendor.id, id=uuid7(), public_id=public_id("rol"), name=name, permissions=wished, created_at=at, updated_at=at
    )
    db.session.add(row)
    db.session.flush()
    audit.record(vendor.id, actor=by, action="role.made", subject=row.public_id, role=name, permissions=wished)
    return row


def change_custom(vendor: Vendor, public_id: str, *, name: str, permissions: Collection[str], by: str) -> CustomRole:
    """What it grants from this moment on, to everybody who holds it. Who may not do all that it grants now cannot touch it either."""
    locked(Vendor, vendor.id)
    row = get_custom(vendor, public_id)
    check_giving(vendor, role_of(CUSTOM, row).permissions, by=by, field="permissions")
    title, granted = _free_name(vendor, name, row), _wished(vendor, permissions, by)
    changes = audit.differences({"name": row.name, "permissions": row.permissions}, {"name": title, "permissions": granted})
    if changes:
        row.name, row.permissions, row.updated_at = title, granted, now()
        audit.record(vendor.id, actor=by, action="role.changed", subject=row.public_id, changes=changes)
    return row


def drop_role(vendor: Vendor, public_id: str, *, by: str) -> None:
    """It is gone. Refuses while somebody holds it, or was asked to join in it."""
    locked(Vendor, vendor.id)
    row = get_custom(vendor, public_id)
    check_giving(vendor, role_of(CUSTOM, row).permissions, by=by)
    held = select(exists().where(Membership.vendor_id == vendor.id, Membership.custom_role_id == row.id))
    asked = select(exists().where(Invitation.vendor_id == vendor.id, Invitation.custom_role_id == row.id, Invitation.ended_at.is_(None)))
    if db.session.scalar(held) or db.session.scalar(asked):
        raise Conflict("Somebody still has this role, or was asked to join in it. Give them another one first.")
    for one in db.session.scalars(select(Invitation).where(Invitation.vendor_id == vendor.id, Invitation.custom_role_id == row.id)):
        one.role, one.custom_role_id = "viewer", None  # invitations that ended long ago name it no more
    db.session.flush()
    db.session.delete(row)
    audit.record(vendor.id, actor=by, action="role.dropped", subject=row.public_id, role=row.name)


def _wished(vendor: Vendor, permissions: Collection[str], by: str) -> list[str]:
    if unknown := set(permissions) - PERMISSIONS.keys():
        raise Refusal(said("There is no such permission: %(names)s.", names=", ".join(sorted(unknown))[:200]), field="permissions")
    check_giving(vendor, permissions, by=by, field="permissions")
    return sorted(set(permissions) - ALWAYS)


def _free_name(vendor: Vendor, name: str, own: CustomRole | None) -> str:
    name = " ".join(name.split())[:LONGEST_NAME]
    others = [row.name.casefold() for row in list_custom(vendor) if row is not own]
    if not name or name.casefold() in (*others, *GIVEN, "owner", "finance"):
        raise Refusal("Choose a name that no other role has.", field="name")
    return name
