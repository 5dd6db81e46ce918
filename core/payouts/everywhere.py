"""Payouts across vendors, for the staff only: those that are held, the newest ones, and one by its number."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.payouts.models import Payout

Found = tuple[Vendor, Payout]
HELD = Payout.state == "requested"


def list_held(limit: int = 100) -> list[Found]:
    """Those that wait for a person, oldest first, both modes."""
    return _ask(HELD, Payout.id, limit)


def list_newest(limit: int = 50) -> list[Found]:
    """The newest of all vendors that do not wait for a person."""
    return _ask(~HELD, Payout.id.desc(), limit)


def get_everywhere(number: str) -> Found:
    """One payout and whose it is; refuses with 404."""
    if is_public_id("po", number):
        for found in _ask(Payout.public_id == number, Payout.id, 1):
            return found
    raise NotFound(said("There is no such payout."))


def count_held_up_to(most: int) -> int:
    """How many wait, counted no further than that."""
    some = select(Payout.id).where(HELD).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def _ask(which: Any, order: Any, limit: int) -> list[Found]:
    rows = select(Vendor, Payout).join(Vendor, Vendor.id == Payout.vendor_id).where(which).order_by(order).limit(limit)
    return [(vendor, payout) for vendor, payout in db.session.execute(rows)]
