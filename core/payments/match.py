"""Finding what a provider's event is about, for many events at once. Each is looked up in the book of the vendor it names."""

from __future__ import annotations

import uuid
from typing import TypeVar

from sqlalchemy import Text, Uuid, and_, cast, column, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.models import Attempt, Payment, Refund

Found = TypeVar("Found", Payment, Attempt)
Named = tuple[uuid.UUID, str, str]  # vendor id, mode, public id


def lock_payments(named: set[Named]) -> dict[str, Payment]:
    """Payments by (vendor id, mode, public id), freshly read and locked in the order in which everybody locks.

    All of a batch before its first posting: whoever holds a balance never waits for a payment, so nobody waits in a circle.
    """
    return _find(Payment, named, lock=True)


def payments_by_key(keys: list[tuple[uuid.UUID, str, uuid.UUID]]) -> dict[uuid.UUID, tuple[Vendor, Payment]]:
    """Several payments with their vendors by (vendor id, mode, id), in one look: what a batch of tasks is about."""
    wanted = select(Vendor, Payment).join(Payment, Payment.vendor_id == Vendor.id)
    rows = db.session.execute(wanted.where(tuple_(Payment.vendor_id, Payment.mode, Payment.id).in_(keys)))
    return {payment.id: (vendor, payment) for vendor, payment in rows}


def find_attempts(named: set[Named]) -> dict[str, Attempt]:
    """Attempts by (vendor id, mode, public id), freshly read."""
    return _find(Attempt, named)


def find_refund(vendor: Vendor, mode: str, public_id: str) -> Refund | None:
    """This vendor's refund by public id."""
    return db.session.scalar(select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id == public_id))


def _find(model: type[Found], named: set[Named], *, lock: bool = False) -> dict[str, Found]:
    if not named:
        return {}
    # Three arrays and not three lists of values: one statement for any number, and one look into the index for each row.
    owners, modes, public_ids = (list(part) for part in zip(*named, strict=True))
    wanted = func.unnest(cast(owners, ARRAY(Uuid)), cast(modes, ARRAY(Text)), cast(public_ids, ARRAY(Text)))
    key = wanted.table_valued(column("vendor_id", Uuid), column("mode", Text), column("public_id", Text), name="k").render_derived()
    found = select(model).join(key, and_(model.vendor_id == key.c.vendor_id, model.mode == key.c.mode, model.public_id == key.c.public_id))
    if lock:
        found = found.order_by(model.vendor_id, model.mode, model.id).with_for_update(of=model)
    return {row.public_id: row for row in db.session.scalars(found.execution_options(populate_existing=True))}
