"""Vendors as staff see them: all of them, by name or number."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id

NAMESAKES = 50  # how many vendors a piece of a name may stand for in a filter


@dataclass(frozen=True, slots=True)
class VendorPage:
    """Some vendors, newest first, and the number to ask the older ones after (None at the end)."""

    rows: list[Vendor]
    next: str | None


def list_vendors_everywhere(text: str | None = None, *, live_only: bool = False, after: str | None = None, limit: int = 25) -> VendorPage:
    """Every vendor, newest first, by keyset, narrowed by number, a piece of the name, or the support address. For staff only."""
    query = select(Vendor)
    if text:
        query = query.where(
            (Vendor.public_id == text) | (Vendor.support_email == text.lower()) | Vendor.name.icontains(text, autoescape=True)
        )
    if live_only:
        query = query.where(Vendor.live_enabled)
    if after:
        query = query.where(Vendor.id < get_vendor_everywhere(after).id)
    rows = list(db.session.scalars(query.order_by(Vendor.id.desc()).limit(limit + 1)))
    return VendorPage(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def get_vendor_everywhere(public_id: str) -> Vendor:
    """The vendor with this number; refuses with 404. For staff only."""
    vendor = db.session.scalar(select(Vendor).where(Vendor.public_id == public_id)) if is_public_id("vnd", public_id) else None
    if vendor is None:
        raise NotFound("There is no such vendor.")
    return vendor


def vendors_by_id(ids: set[uuid.UUID]) -> dict[uuid.UUID, Vendor]:
    """Several of them, in one look."""
    return {vendor.id: vendor for vendor in db.session.scalars(select(Vendor).where(Vendor.id.in_(ids)))} if ids else {}


def vendors_meant(text: str) -> list[Vendor]:
    """The vendors that a number or a piece of a name stands for, NAMESAKES at most."""
    return list_vendors_everywhere(text, limit=NAMESAKES).rows
