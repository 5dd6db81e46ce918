"""Finding what a provider's event is about, for many events at once. The vendors named in the metadata bound every look-up."""

from __future__ import annotations

import uuid
from typing import TypeVar

from sqlalchemy import select, tuple_

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.models import Attempt, Payment, Refund

Found = TypeVar("Found", Payment, Attempt)


def lock_payments(vendors: dict[str, Vendor], public_ids: set[str]) -> dict[str, Payment]:
    """Payments of these vendors by public id, freshly read and locked in the order in which everybody locks.

    All of a batch before its first posting: whoever holds a balance never waits for a payment, so nobody waits in a circle.
    """
    return _find(Payment, vendors, public_ids, lock=True)


def payments_by_key(keys: list[tuple[uuid.UUID, str, uuid.UUID]]) -> dict[uuid.UUID, tuple[Vendor, Payment]]:
    """Several payments with their vendors by (vendor id, mode, id), in one look: what a batch of tasks is about."""
    wanted = select(Vendor, Payment).join(Payment, Payment.vendor_id == Vendor.id)
    rows = db.session.execute(wanted.where(tuple_(Payment.vendor_id, Payment.mode, Payment.id).in_(keys)))
    return {payment.id: (vendor, payment) for vendor, payment in rows}


def find_attempts(vendors: dict[str, Vendor], public_ids: set[str]) -> dict[str, Attempt]:
    """Attempts of these vendors by public id, freshly read."""
    return _find(Attempt, vendors, public_ids)


def find_refund(vendor: Vendor, mode: str, public_id: str) -> Refund | None:
    """This vendor's refund by public id."""
    return db.session.scalar(select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id == public_id))


def _find(model: type[Found], vendors: dict[str, Vendor], public_ids: set[str], *, lock: bool = False) -> dict[str, Found]:
    if not vendors or not public_ids:
        return {}
    wanted = select(model).where(
        model.vendor_id.in_([v.id for v in vendors.values()]), model.mode.in_(("test", "live")), model.public_id.in_(public_ids)
    )
    if lock:
        wanted = wanted.order_by(model.vendor_id, model.mode, model.id).with_for_update()
    return {row.public_id: row for row in db.session.scalars(wanted.execution_options(populate_existing=True))}
