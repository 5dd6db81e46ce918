"""Subscriptions as their seller looks through them, and what belongs to one: its documents and its charges."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, select

from core.accounts.models import Vendor
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.price_list import Seller
from core.billing.states import CANCELLED
from core.kernel.db import MODES, db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.payments.models import Payment
from core.payments.queries import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter:
    """What the list is narrowed by. `text` is a number, a piece of the subscriber's name, or its whole support address."""

    mode: str | None = None
    status: str | None = None
    tier: str | None = None
    text: str | None = None


EVERY = SubscriptionFilter()
Subscribed = tuple[KeptSubscription, Vendor]


def list_subscriptions(
    seller: Seller, narrow: SubscriptionFilter = EVERY, *, after: str | None = None, limit: int = 25
) -> Page[Subscribed]:
    """The seller's subscriptions with the businesses that hold them, newest first, by keyset."""
    query = _of_businesses(seller)
    if narrow.mode:
        query = query.where(KeptSubscription.mode == narrow.mode)
    if narrow.status:
        query = query.where(KeptSubscription.status == narrow.status)
    if narrow.tier:
        query = query.where(KeptSubscription.tier == narrow.tier)
    if narrow.text:
        named = Vendor.name.icontains(narrow.text, autoescape=True) | (Vendor.support_email == narrow.text.lower())
        query = query.where(named | (Vendor.public_id == narrow.text) | (KeptSubscription.public_id == narrow.text))
    if after:
        query = query.where(KeptSubscription.id < find_subscribed(seller, after)[0].id)
    rows = [(row, vendor) for row, vendor in db.session.execute(query.order_by(KeptSubscription.id.desc()).limit(limit + 1))]
    return Page(rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None)


def _of_businesses(seller: Seller) -> Select[Any]:
    own = select(KeptSubscription, Vendor).join(Vendor, Vendor.public_id == KeptSubscription.subscriber)
    return own.where(KeptSubscription.vendor_id == seller.id)


def find_subscribed(seller: Seller, public: str) -> Subscribed:
    """The seller's subscription of that name, in either mode, and the business that holds it; refuses with 404."""
    row = None
    if is_public_id("sub", public):
        row = db.session.execute(_of_businesses(seller).where(KeptSubscription.public_id == public)).one_or_none()
    if row is None:
        raise NotFound("There is no such subscription.")
    return row[0], row[1]


def list_documents(seller: Seller, row: KeptSubscription) -> list[BillingDocument]:
    """All of them, drafts that were dropped as well, oldest first."""
    mine = select(BillingDocument).where(BillingDocument.vendor_id == seller.id, BillingDocument.mode == row.mode)
    return list(db.session.scalars(mine.where(BillingDocument.subscription_id == row.id).order_by(BillingDocument.ordinal)))


def get_document(seller: Seller, row: KeptSubscription, public: str) -> BillingDocument:
    """One of the subscription's documents; refuses with 404."""
    for document in list_documents(seller, row):
        if document.public_id == public:
            return document
    raise NotFound("There is no such document.")


def list_charges(seller: Seller, row: KeptSubscription) -> list[BillingCharge]:
    """All that were ever wanted, newest first."""
    mine = select(BillingCharge).where(BillingCharge.vendor_id == seller.id, BillingCharge.mode == row.mode)
    return list(db.session.scalars(mine.where(BillingCharge.subscription_id == row.id).order_by(BillingCharge.id.desc())))


def payments_of(seller: Seller, charges: list[BillingCharge]) -> Mapping[uuid.UUID, str]:
    """What charges became, by the id of the payment: its public id."""
    ids = {charge.payment_id for charge in charges if charge.payment_id is not None}
    mine = select(Payment.id, Payment.public_id).where(Payment.vendor_id == seller.id, Payment.mode.in_(MODES), Payment.id.in_(ids))
    return {row_id: public for row_id, public in db.session.execute(mine)} if ids else {}


def sells(seller: Seller, mode: str) -> bool:
    """Whether anybody subscribes at present."""
    living = exists().where(KeptSubscription.vendor_id == seller.id, KeptSubscription.mode == mode, KeptSubscription.status != CANCELLED)
    return bool(db.session.scalar(select(living)))
