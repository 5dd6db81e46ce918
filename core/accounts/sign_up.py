"""Signing up: a business and the person who owns its account come into being together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.accounts.passwords import check_strength, hash_password
from core.accounts.places import is_country, usual_time_zone
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.currency import OFFERED
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7


class NotOffered(Refusal):
    """A country or currency that is not on the list."""

    code = "not_offered"


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new vendor tells us."""

    business: str
    country: str
    currency: str
    email: str
    password: str
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The business, its owner, and the tie between them."""

    vendor: Vendor
    user: User
    membership: Membership


def sign_up(wish: Registration) -> NewAccount | None:
    """Makes the business and its owner. None when the address already has an account: the door must then say what it always says.

    Refuses a weak password and a country or currency we do not offer. Both ends do the same work, so the time tells nothing.
    """
    if not is_country(wish.country):
        raise NotOffered("Choose a country from the list.", field="country")
    if wish.currency not in OFFERED:
        raise NotOffered("Choose a currency from the list.", field="currency")
    check_strength(wish.password, about=(wish.business, wish.email, wish.name))
    at, kept = now(), hash_password(wish.password)
    email, user_id = wish.email.lower(), uuid7()
    # Two sign-ups with one address at once: the unique key lets one of them through.
    made = db.session.execute(
        insert(User)
        .values(id=user_id, public_id=public_id("usr"), email=email, name=wish.name or wish.business, language=wish.language, created_at=at)
        .values(password_hash=kept, password_changed_at=at)
        .on_conflict_do_nothing(index_elements=[User.email])
        .returning(User.id)
    ).scalar_one_or_none()
    if made is None:
        return None
    user = db.session.get_one(User, made)
    vendor = Vendor(
        id=uuid7(), public_id=public_id("vnd"), name=wish.business, country=wish.country, currency=wish.currency,
        time_zone=usual_time_zone(wish.country), support_email=email, created_at=at,
    )  # fmt: skip
    db.session.add(vendor)
    db.session.flush()
    membership = Membership(vendor_id=vendor.id, user_id=user.id, role="owner", created_at=at)
    db.session.add(membership)
    audit.record(vendor.id, actor=user.public_id, action="vendor.signed_up", subject=vendor.public_id)
    db.session.flush()
    return NewAccount(vendor=vendor, user=user, membership=membership)
