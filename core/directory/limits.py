"""Members who are limited to branches: which those are, who is limited to one, and changing it.

A branch belongs to test or to live, so a limit has branches of both. What is chosen while somebody looks at one leaves those of the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select

from core.accounts.models import Membership, User, Vendor
from core.accounts.roles import check_giving, find_custom, role_of
from core.accounts.team import OwnerStays, get_member
from core.directory.models import Branch
from core.kernel import audit
from core.kernel.db import db
from core.kernel.errors import Refusal


def limit_of(vendor: Vendor, mode: str, wished: Collection[str], *, before: Collection[uuid.UUID] = ()) -> list[uuid.UUID]:
    """The limit that these branches of this mode, by public id, make; those of the other mode stay. Refuses whatever is no branch of the
    vendor's in this mode, and a limit to nothing."""
    mine = {branch.public_id: branch.id for branch in _of_mode(vendor, mode)}
    if not wished or not set(wished) <= mine.keys():
        raise Refusal("Choose branches from the list, one at least.", field="reach")
    return sorted({mine[one] for one in wished} | (set(before) - set(mine.values())))


def limit_member(vendor: Vendor, mode: str, public_id: str, branches: Collection[str] | None, *, by: str) -> Membership:
    """From the next page they open: limited to these branches, or None: the whole business again. Never the owner, and nobody who may do more
    than whoever asks."""
    user, membership = get_member(vendor, public_id)
    if membership.role == "owner":
        raise OwnerStays("The owner is answerable for the whole business and cannot be limited to branches.")
    check_giving(vendor, role_of(membership.role, find_custom(vendor.id, membership.custom_role_id)).permissions, by=by, field="reach")
    former = membership.branches
    wished = None if branches is None else limit_of(vendor, mode, branches, before=former or ())
    if wished != former:
        membership.branches = wished
        changes = {"branches": [names_in(vendor, former), names_in(vendor, wished)]}
        audit.record(vendor.id, actor=by, action="member.branches", subject=user.public_id, changes=changes)
    return membership


def names_in(vendor: Vendor, limit: Collection[uuid.UUID] | None) -> list[str] | None:
    """What a limit is called: the names of its branches in both modes; None where there is none. A branch that is deleted has no name."""
    if limit is None:
        return None
    named = select(Branch.name).where(Branch.vendor_id == vendor.id, Branch.id.in_(limit)).order_by(Branch.mode.desc(), Branch.name)
    return list(db.session.scalars(named))


def open_branches(vendor: Vendor, mode: str, limit: Collection[uuid.UUID]) -> list[Branch]:
    """Those of a limit that somebody who has it works in now: of this mode, and not put away."""
    return [branch for branch in _of_mode(vendor, mode) if branch.id in set(limit) and branch.archived_at is None] if limit else []


def list_limited(vendor: Vendor, branch: Branch) -> list[User]:
    """Its own team: whoever is limited to this branch, perhaps beside others, by when they came."""
    theirs = select(User).join(Membership, Membership.user_id == User.id)
    mine = theirs.where(Membership.vendor_id == vendor.id, Membership.branches.contains([branch.id]))
    return list(db.session.scalars(mine.order_by(Membership.created_at, User.id)))


def _of_mode(vendor: Vendor, mode: str) -> list[Branch]:
    mine = select(Branch).where(Branch.vendor_id == vendor.id, Branch.mode == mode)
    return list(db.session.scalars(mine.order_by(Branch.town, Branch.name, Branch.id)))
