"""Staff come and go by the command line: an address of their own, a role, a password."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.email_links import withdraw_links
from core.accounts.models import User
from core.accounts.passwords import check_strength, hash_password
from core.accounts.queries import find_membership, find_user
from core.accounts.staff_models import StaffMember
from core.accounts.staff_permissions import STAFF_ROLES
from core.accounts.staff_sessions import end_all_staff_sessions
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import public_id, uuid7


class AddressOfAVendor(Conflict):
    """The address signs in for a vendor already: staff have an address of their own."""

    code = "address_of_a_vendor"


def add_staff(email: str, *, role: str, password: str) -> StaffMember:
    """Make somebody staff, or give a member of the staff another role and a new password; every browser of theirs is signed out.

    Refuses a weak password, an unknown role, and the address of a vendor's own person: one stolen password must not open both.
    """
    email = email.strip().lower()
    if role not in STAFF_ROLES:
        raise Refusal(f"There is no such role. Choose one of {', '.join(STAFF_ROLES)}.", field="role")
    check_strength(password, about=(email,))
    user = find_user(email)
    if user is not None and find_membership(user):
        raise AddressOfAVendor("This address signs in for a vendor. Staff sign in with an address of their own.", field="email")
    at = now()
    if user is None:
        user = User(
            id=uuid7(), public_id=public_id("usr"), email=email, name=email.partition("@")[0][:120], password_hash="",
            password_changed_at=at, email_verified_at=at, created_at=at,
        )  # fmt: skip
        db.session.add(user)
    user.password_hash, user.password_changed_at = hash_password(password), at
    db.session.flush()
    withdraw_links(user, "password-reset")  # from a time when they worked for a vendor: staff have no such way in
    member = locked(StaffMember, user.id)
    if member is None:
        member = StaffMember(user_id=user.id, public_id=public_id("stf"), role=role, created_at=at, ended_at=None)
        db.session.add(member)
    member.role, member.ended_at = role, None
    db.session.flush()
    end_all_staff_sessions(member, reason="a new password")
    audit.record(audit.THE_HOUSE, actor="system", action="staff.added", subject=member.public_id, role=role)
    return member


def remove_staff(email: str) -> StaffMember:
    """They are not of the staff any more, and every browser of theirs is signed out. Their row stays: the audit log names it."""
    member = db.session.scalar(
        select(StaffMember)
        .join(User, User.id == StaffMember.user_id)
        .where(User.email == email.strip().lower())
        .with_for_update(of=StaffMember)
    )
    if member is None or member.ended_at is not None:
        raise NotFound("Nobody of the staff has this address.")
    member.ended_at = now()
    end_all_staff_sessions(member, reason="removed")
    audit.record(audit.THE_HOUSE, actor="system", action="staff.removed", subject=member.public_id)
    return member


def get_staff_user(email: str) -> User:
    """The person of the staff with this address; refuses with 404."""
    user = find_user(email.strip())
    member = db.session.get(StaffMember, user.id) if user else None
    if user is None or member is None or member.ended_at is not None:
        raise NotFound("Nobody of the staff has this address.")
    return user


def staff_names() -> dict[str, str]:
    """What staff are called in the audit log, by public id, also those who have left."""
    rows = db.session.execute(select(StaffMember.public_id, User.email).join(User, User.id == StaffMember.user_id).limit(1000))
    return {public: email for public, email in rows}
