"""Checkouts of all callers, for the staff only: the newest ones, and one by its number."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.orders.models import Checkout
from core.orders.states import UNDER_WAY

Found = tuple[Vendor, Checkout]


def list_checkouts(*, under_way: bool = False, limit: int = 50) -> list[Found]:
    """The newest of all callers in both modes, with whose they are; or only those that have not come to an end."""
    query = select(Vendor, Checkout).join(Vendor, Vendor.id == Checkout.vendor_id)
    if under_way:
        query = query.where(Checkout.state.in_(sorted(UNDER_WAY)))
    return [(vendor, one) for vendor, one in db.session.execute(query.order_by(Checkout.id.desc()).limit(limit))]


def get_checkout_everywhere(public_id: str) -> Found:
    """One checkout and whose it is; refuses with 404."""
    if is_public_id("chk", public_id):
        query = select(Vendor, Checkout).join(Vendor, Vendor.id == Checkout.vendor_id).where(Checkout.public_id == public_id)
        for vendor, found in db.session.execute(query):
            return vendor, found
    raise NotFound("There is no such checkout.")
