"""Two-step sign-in of a person: set up on a device, confirmed by a code before it counts, moved to another one, and taken off again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyotp
from sqlalchemy import delete, select

from core.accounts.factor_models import HalfSignIn, Passkey, RecoveryCode, SecondFactor
from core.accounts.models import Membership, User, Vendor
from core.accounts.one_time_codes import (
    DIGITS,
    STEP,
    WrongCode,
    find_factor,
    make_recovery_codes,
    matching_step,
    new_factor_salt,
    secret_of,
)
from core.accounts.queries import list_memberships
from core.accounts.roles import check_giving, find_custom, role_of
from core.accounts.sessions import end_all_sessions
from core.accounts.staff_models import StaffMember
from core.accounts.staff_sessions import end_all_staff_sessions
from core.accounts.team import get_member
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import uuid7
from core.kernel.keyed import key_ids

PRODUCT = "Portal"  # what the app calls the entry
SHOWN_FOR = timedelta(hours=1)  # a code to scan that nobody confirmed is made anew after this
SHORTEST_REASON, LONGEST_REASON = 8, 300


class MustStay(Conflict):
    """A business asks it of everybody who works there."""

    code = "second_factor_required"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the person's app must be given: by scanning the address as a code, or by typing the secret."""

    secret: str
    address: str


def begin_enrolment(user: User, *, session: str) -> Enrolment:
    """A new secret, for a device that is being set up in this session. It counts for nothing yet, and one that was begun before is gone."""
    locked(User, user.id)  # two tabs that begin at once
    db.session.execute(
        delete(SecondFactor)
        .where(SecondFactor.user_id == user.id, SecondFactor.confirmed_at.is_(None))
        .execution_options(synchronize_session="fetch")
    )
    key_id, salt = new_factor_salt()
    begun = SecondFactor(
        id=uuid7(), user_id=user.id, key_id=key_id, salt=salt, last_step=0, begun_at=now(), begun_in=session, confirmed_at=None
    )  # fmt: skip
    db.session.add(begun)
    db.session.flush()
    return _enrolment(user, begun)


def find_enrolment(user: User, *, session: str) -> Enrolment | None:
    """What this session has begun, for an hour, so that its page read twice shows one code. No other session reads it."""
    begun = _begun(user, session)
    return _enrolment(user, begun) if begun else None


def _enrolment(user: User, begun: SecondFactor) -> Enrolment:
    secret = secret_of(begun)
    return Enrolment(secret, pyotp.TOTP(secret, digits=DIGITS, interval=STEP).provisioning_uri(name=user.email, issuer_name=PRODUCT))


def confirm_enrolment(user: User, code: str, *, session: str, by: str) -> list[str]:
    """The device shows the right code, so it counts from now on, in the place of any former one. Gives ten recovery codes.

    Raises WrongCode. Every other browser of the person is signed out by the door, which knows the one they sit at.
    """
    locked(User, user.id)
    begun = _begun(user, session)
    step = matching_step(begun, "".join(code.split())) if begun else None
    if begun is None or step is None:
        raise WrongCode
    at, former = now(), find_factor(user)
    if former is not None:
        db.session.delete(former)
        db.session.flush()
    begun.confirmed_at, begun.last_step = at, step
    user.second_factor_at = at
    tell_log(user, "second_factor.moved" if former else "second_factor.on", by=by)
    return make_recovery_codes(user)


def renew_recovery_codes(user: User, *, by: str) -> list[str]:
    """Ten new ones; the paper with the old ones can be thrown away."""
    if user.second_factor_at is None:
        raise Refusal("Two-step sign-in is off, so there is nothing to recover.")
    locked(User, user.id)
    tell_log(user, "second_factor.codes_renewed", by=by)
    return make_recovery_codes(user)


def switch_off(user: User, *, by: str) -> None:
    """The person themselves wants it off. Refuses while a business of theirs, or the platform, asks for it."""
    asking = [vendor.name for _, vendor in list_memberships(user) if vendor.second_factor_required]
    if asking or db.session.get(StaffMember, user.id) is not None:
        raise MustStay("It is asked of everybody who works here. You can set it up on another device.")
    _remove(user, "second_factor.off", by=by)


def take_off_member(vendor: Vendor, public_id: str, *, by: User, reason: str) -> User:
    """The owner lets somebody in again who lost their device and their recovery codes: their password alone opens until they set it up anew.

    Refuses for somebody who works for another business too: that one's safety is not this owner's to give away.
    """
    user, membership = get_member(vendor, public_id)
    if user.id == by.id or membership.role == "owner":
        raise Conflict("For yourself and for the owner: use a recovery code, or ask the platform’s staff.")
    check_giving(vendor, role_of(membership.role, find_custom(vendor.id, membership.custom_role_id)).permissions, by=by.public_id)
    if len(list_memberships(user)) > 1:
        raise Conflict("They work for another business too, so only the platform’s staff can do this. Ask them to write to us.")
    _taken_off(user, by=by.public_id, reason=reason)
    return user


def take_off_by_staff(user: User, *, by: str, reason: str) -> User:
    """The platform's staff do the same, after they made sure who is asking. Of staff themselves it is done on the command line."""
    _taken_off(user, by=by, reason=reason)
    return user


def _taken_off(user: User, *, by: str, reason: str) -> None:
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal("Say in a few words how you made sure that it is really them.", field="reason")
    if user.second_factor_at is None:
        raise Conflict("They have no two-step sign-in that could be taken off.")
    _remove(user, "second_factor.taken_off", by=by, reason=reason)


def _remove(user: User, action: str, *, by: str, **detail: str) -> None:
    """Nothing of it is left, and every browser of theirs is signed out."""
    locked(User, user.id)
    for kind in (SecondFactor, Passkey, RecoveryCode, HalfSignIn):
        db.session.execute(delete(kind).where(kind.user_id == user.id).execution_options(synchronize_session="fetch"))
    user.second_factor_at = None
    end_all_sessions(user, reason="two-step sign-in off")
    member = db.session.get(StaffMember, user.id)
    if member is not None:
        end_all_staff_sessions(member, reason="two-step sign-in off")
    tell_log(user, action, by=by, **detail)


def _begun(user: User, session: str) -> SecondFactor | None:
    """What this session set up and did not confirm; one whose key has gone since is begun anew."""
    mine = select(SecondFactor).where(
        SecondFactor.user_id == user.id, SecondFactor.confirmed_at.is_(None), SecondFactor.key_id.in_(key_ids())
    )
    return db.session.scalar(mine.where(SecondFactor.begun_in == session, SecondFactor.begun_at > now() - SHOWN_FOR))


def tell_log(user: User, action: str, *, by: str, **detail: str) -> None:
    """One entry for each vendor whose people will want to know; staff have the platform's log."""
    employers = list(db.session.scalars(select(Membership.vendor_id).where(Membership.user_id == user.id).limit(100)))
    for vendor_id in employers or [audit.THE_HOUSE]:
        audit.record(vendor_id, actor=by, action=action, subject=user.public_id, **detail)
