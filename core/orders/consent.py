"""Whom a seller lets sell for it: given and withdrawn by the seller alone, and asked whenever a checkout is opened."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.orders.models import SellingConsent


class NoSuchMarketplace(Refusal):
    """There is no other business with this number."""

    code = "no_such_marketplace"


def let_sell(seller: Vendor, mode: str, operator: str, *, by: str) -> SellingConsent:
    """Let the business with this public id put orders of ours into its checkouts. Said twice it is the same. Refuses NoSuchMarketplace."""
    found = find_vendor(operator.strip())
    if found is None or found.id in (seller.id, HOUSE):
        raise NoSuchMarketplace(
            "We know no other business with this number. It stands on its page about who sells for it.", field="operator"
        )
    row = db.session.get(SellingConsent, (seller.id, mode, found.id), with_for_update=True)
    if row is None:
        row = SellingConsent(vendor_id=seller.id, mode=mode, operator_id=found.id, given_by=by, given_at=now())
        db.session.add(row)
    elif row.withdrawn_at is not None:
        row.given_by, row.given_at, row.withdrawn_at = by, now(), None
    else:
        return row
    db.session.flush()
    record(seller.id, actor=by, action="selling.allowed", subject=found.public_id)
    return row


def withdraw(seller: Vendor, mode: str, operator: str, *, by: str) -> None:
    """From now on no order of ours stands in its checkouts; those that exist are carried out. Safe to repeat."""
    found = find_vendor(operator)
    row = db.session.get(SellingConsent, (seller.id, mode, found.id), with_for_update=True) if found else None
    if row is None or found is None:
        raise NotFound("There is no such business among those that sell for you.")
    if row.withdrawn_at is None:
        row.withdrawn_at = now()
        record(seller.id, actor=by, action="selling.withdrawn", subject=found.public_id)


def may_sell(operator_id: uuid.UUID, seller_id: uuid.UUID, mode: str) -> bool:
    """Whether this business may put orders of that seller into its checkouts. Everybody may sell for themselves."""
    if operator_id == seller_id:
        return True
    row = db.session.get(SellingConsent, (seller_id, mode, operator_id))
    return row is not None and row.withdrawn_at is None


def list_marketplaces(seller: Vendor, mode: str) -> list[tuple[SellingConsent, Vendor]]:
    """Who may sell for this seller, the oldest first."""
    mine = select(SellingConsent, Vendor).join(Vendor, Vendor.id == SellingConsent.operator_id)
    given = (SellingConsent.vendor_id == seller.id, SellingConsent.mode == mode, SellingConsent.withdrawn_at.is_(None))
    return [(row, vendor) for row, vendor in db.session.execute(mine.where(*given).order_by(SellingConsent.given_at))]
