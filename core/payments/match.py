"""Finding what a provider's event is about, for many events at once. Each is looked up in the book of the vendor it names."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.ask import Search
from core.kernel.db import db
from core.payments.models import Attempt, Payment
from core.payments.refund_models import Refund

Named = tuple[uuid.UUID, str, str]  # vendor id, mode, public id

_NAMED = """FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS k(vendor_id, mode, public_id) JOIN {0}
            ON {0}.vendor_id = k.vendor_id AND {0}.mode = k.mode AND {0}.public_id = k.public_id"""
_IN_ORDER = " ORDER BY payments.vendor_id, payments.mode, payments.id FOR UPDATE OF payments"
_LOCKED_PAYMENTS = Search(Payment, rest=_NAMED.format("payments") + _IN_ORDER)
_ATTEMPTS = Search(Attempt, rest=_NAMED.format("attempts"))
_BY_KEY = Search(
    Vendor,
    Payment,
    rest="""FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS k(vendor_id, mode, id)
            JOIN payments ON payments.vendor_id = k.vendor_id AND payments.mode = k.mode AND payments.id = k.id
            JOIN vendors ON vendors.id = k.vendor_id""",
)


def lock_payments(named: set[Named]) -> dict[str, Payment]:
    """Payments by (vendor id, mode, public id), freshly read and locked in the order in which everybody locks.

    All of a batch before its first posting: whoever holds a balance never waits for a payment, so nobody waits in a circle.
    """
    return _by_public_id(_LOCKED_PAYMENTS, named)


def payments_by_key(keys: list[tuple[uuid.UUID, str, uuid.UUID]]) -> dict[uuid.UUID, tuple[Vendor, Payment]]:
    """Several payments with their vendors by (vendor id, mode, id), in one look: what a batch of tasks is about."""
    return {payment.id: (vendor, payment) for vendor, payment in _BY_KEY.all(*_parts(keys))}


def find_attempts(named: set[Named]) -> dict[str, Attempt]:
    """Attempts by (vendor id, mode, public id), freshly read."""
    return _by_public_id(_ATTEMPTS, named)


def find_refund(vendor: Vendor, mode: str, public_id: str) -> Refund | None:
    """This vendor's refund by public id."""
    return db.session.scalar(select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id == public_id))


def _by_public_id(search: Search, named: set[Named]) -> dict[str, Any]:
    return {row.public_id: row for (row,) in search.all(*_parts(named))} if named else {}


def _parts(rows: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    """Three arrays and not three lists of values: one statement for any number, and one look into the index for each row."""
    return [list(part) for part in zip(*rows, strict=True)] or [[], [], []]
