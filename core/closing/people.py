"""The people of a business whose account closes: they leave, come back when it is taken back, and in the end nobody can say who they were."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, or_, select, update

from core.accounts.factor_models import HalfSignIn, Passkey, RecoveryCode, SecondFactor
from core.accounts.house import HOUSE, house
from core.accounts.models import CustomRole, EmailLink, Invitation, Membership, User, UserSession, Vendor
from core.accounts.passwords import hash_password
from core.billing.models import KeptSubscription
from core.customers.models import Customer, PayerKey
from core.disputes.personal_data import forget_disputes
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.mail_stops import forget_stops
from core.notifications.models import Message
from core.payments.personal_data import erase_person

NOBODY = "closed.invalid"


def send_team_home(vendor: Vendor, *, by: str) -> list[list[Any]]:
    """Everybody but the owner leaves, every browser is signed out, and invitations and payers' keys open nothing. Answers who left."""
    at = now()
    db.session.execute(
        update(UserSession)
        .where(UserSession.vendor_id == vendor.id, UserSession.ended_at.is_(None))
        .values(ended_at=at, end_reason="account closed")
    )
    db.session.execute(
        update(Invitation).where(Invitation.vendor_id == vendor.id, Invitation.ended_at.is_(None)).values(ended_at=at, outcome="revoked")
    )
    db.session.execute(update(PayerKey).where(PayerKey.vendor_id == vendor.id, PayerKey.revoked_at.is_(None)).values(revoked_at=at))
    mine = select(Membership, User).join(User, User.id == Membership.user_id).where(Membership.vendor_id == vendor.id)
    left: list[list[Any]] = []
    for membership, user in db.session.execute(mine.where(Membership.role != "owner").order_by(Membership.created_at, User.id)).all():
        own = str(membership.custom_role_id) if membership.custom_role_id else None
        limit = None if membership.branches is None else [str(one) for one in membership.branches]
        left.append([user.public_id, membership.role, own, membership.created_at.isoformat(), limit])
        record(vendor.id, actor=by, action="member.removed", subject=user.public_id, role=membership.role)
        db.session.delete(membership)
    db.session.flush()
    return left


def bring_back_team(vendor: Vendor, team: Sequence[Sequence[Any]]) -> None:
    """Whoever left with the closing works here again, in the same role and limited to the same branches."""
    for person, role, own, since, *more in team:  # closings of former days kept no limit, because there was none
        user = db.session.scalar(select(User).where(User.public_id == person))
        custom = uuid.UUID(own) if own else None
        if user is None or db.session.get(Membership, (vendor.id, user.id)) is not None:
            continue
        if custom is not None and db.session.get(CustomRole, (vendor.id, custom)) is None:
            continue
        came, limit = datetime.fromisoformat(since), more[0] if more else None
        branches = None if limit is None else [uuid.UUID(one) for one in limit]
        back = Membership(vendor_id=vendor.id, user_id=user.id, role=role, custom_role_id=custom, branches=branches, created_at=came)
        db.session.add(back)
        record(vendor.id, actor="system", action="member.joined", subject=person, role=role)
    db.session.flush()


def forget_people(vendor: Vendor, team: Sequence[Sequence[Any]]) -> int:
    """The owner leaves as well; whoever works for no other business is taken out of everything. Answers how many.

    Refuses StillUnderWay, and changes nothing, while a payment of theirs to the house has not ended.
    """
    mine = select(Membership.user_id).where(Membership.vendor_id == vendor.id)
    people = select(User).where(or_(User.public_id.in_([one[0] for one in team]), User.id.in_(mine)))
    found = list(db.session.scalars(people.order_by(User.id).with_for_update()))
    db.session.execute(delete(Membership).where(Membership.vendor_id == vendor.id))
    alone = [user for user in found if not db.session.scalar(select(exists().where(Membership.user_id == user.id)))]
    for user in alone:
        _forget(vendor, user)
    invited = Invitation.vendor_id == vendor.id, Invitation.ended_at.is_not(None)
    db.session.execute(update(Invitation).where(*invited).values(email=f"invited@{NOBODY}"))
    return len(alone)


def _forget(vendor: Vendor, user: User) -> None:
    """An account nobody can sign in to any more. Its number stays: the log of who did what names it."""
    email, pseudonym = user.email, f"closed-{user.public_id[4:].lower()}@{NOBODY}"
    customers = select(Customer).where(Customer.vendor_id == HOUSE, Customer.email == email, Customer.erased_at.is_(None))
    for customer in db.session.scalars(customers.order_by(Customer.mode)):
        forget_disputes(house(), customer)
        erase_person(house(), customer, by="system")
    paid = KeptSubscription.vendor_id == HOUSE, KeptSubscription.payer_email == email
    db.session.execute(update(KeptSubscription).where(*paid).values(payer_email=pseudonym))
    letters = Message.vendor_id.in_((vendor.id, HOUSE)), Message.recipient == email
    db.session.execute(update(Message).where(*letters).values(recipient=pseudonym, subject=None, text=None, html=None))
    for owner in (vendor.id, HOUSE):
        forget_stops(owner, [email])
    for kind in (SecondFactor, Passkey, RecoveryCode, HalfSignIn, EmailLink, UserSession):
        db.session.execute(delete(kind).where(kind.user_id == user.id))
    if vendor.support_email == email:
        vendor.support_email, vendor.support_phone = pseudonym, ""
    user.email, user.name, user.language = pseudonym, "", ""
    user.password_hash, user.password_changed_at = hash_password(secrets.token_urlsafe(32)), now()
    user.second_factor_at = user.email_verified_at = None
    record(vendor.id, actor="system", action="user.forgotten", subject=user.public_id)
